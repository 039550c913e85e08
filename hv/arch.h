/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hv/ and ioctl/ ask of the CPU's own part
 */
#ifndef LHV_ARCH_H
#define LHV_ARCH_H

#include "hv/hv.h"

/* Module load: read the CPU's capabilities; -ENODEV or -EOPNOTSUPP, having said why. */
int lhv_arch_init(void);
void lhv_arch_exit(void);

/*
 * Virtualization is on while someone holds a count of it. -EBUSY: another
 * hypervisor has it; -EIO: a CPU refused. Process context, may sleep.
 */
int lhv_arch_enable(void);
void lhv_arch_disable(void);

int lhv_arch_vm_init(struct lhv_vm *vm);
void lhv_arch_vm_destroy(struct lhv_vm *vm);

/* The vCPU isn't visible to others yet. */
int lhv_arch_vcpu_init(struct lhv_vcpu *vcpu);
/*
 * Its end, in two steps: what it alone uses, when nobody can find it any more;
 * and, an RCU grace period later, what others may still have been looking at.
 * The second in any context.
 */
void lhv_arch_vcpu_destroy(struct lhv_vcpu *vcpu);
void lhv_arch_vcpu_free(struct lhv_vcpu *vcpu);

/* Make the vCPU's state current on this CPU, and give the CPU back. Preemption off. */
void lhv_arch_vcpu_load(struct lhv_vcpu *vcpu, int cpu);
void lhv_arch_vcpu_put(struct lhv_vcpu *vcpu);

/*
 * Run until userspace is needed: 0 with run->exit_reason set, -EINTR or -EIO.
 * vcpu->mutex held, vCPU loaded.
 */
int lhv_arch_vcpu_run(struct lhv_vcpu *vcpu);

/* Does the vCPU have a reason not to block? Any context. */
bool lhv_arch_vcpu_has_work(struct lhv_vcpu *vcpu);

/*
 * One state record, in kernel memory. @len: in room, out length needed (GET);
 * errors as in struct lhv_state. vcpu->mutex held, vCPU loaded by the callee
 * where needed.
 */
int lhv_arch_get_state(struct lhv_vcpu *vcpu, u16 type, void *data, u32 *len);
int lhv_arch_set_state(struct lhv_vcpu *vcpu, u16 type, void *data, u32 len);

/* LHV_CAP_*: its value, 0 if unknown. */
u64 lhv_arch_check_cap(u32 cap);
/* Width of guest-physical addresses. */
u32 lhv_phys_bits(void);
void lhv_arch_info(struct lhv_info *info);

/* Fill @entries (room for @max); returns how many there are. */
u32 lhv_arch_supported_cpuid(struct lhv_cpuid_entry *entries, u32 max);
u32 lhv_arch_msr_list(u32 *msrs, u32 max);

/* Is it a message that local APICs know? */
bool lhv_arch_msi_valid(u64 address, u32 data);
/* Is it level-triggered, and asserted? And the vector it sends. */
bool lhv_arch_msi_is_level(u32 data);
u8 lhv_arch_msi_vector(u32 data);
/* -EINVAL: not a message; else the number of local APICs that took it. */
int lhv_arch_send_msi(struct lhv_vm *vm, u64 address, u32 data);

/* ---- second-level page tables: arch/x86/ept_*.c; [first, last) guest frames ---- */

/*
 * Unmap a range. vm->mmu_lock held for writing. Returns true if the caller
 * must flush (lhv_vm_flush_tlbs()) before it drops the lock; freed paging
 * structures wait for that flush by themselves.
 */
bool lhv_arch_unmap(struct lhv_vm *vm, gfn_t first, gfn_t last);

/* Unmap all there is, for good. The same locking and result. */
bool lhv_arch_unmap_all(struct lhv_vm *vm);

/* Make a range read-only, for the dirty log. The same locking and result. */
bool lhv_arch_write_protect(struct lhv_vm *vm, gfn_t first, gfn_t last);

/* The same for those of the 64 frames from @first whose bit is set in @mask. */
bool lhv_arch_write_protect_mask(struct lhv_vm *vm, gfn_t first, u64 mask);

/*
 * Was the range accessed since the last clearing? @clear resets it. mmu_lock
 * held for writing.
 */
bool lhv_arch_age(struct lhv_vm *vm, gfn_t first, gfn_t last, bool clear);

/* Free what lhv_arch_unmap() left to be freed. After the flush, no lock held. */
void lhv_arch_mmu_reap(struct lhv_vm *vm);

#endif /* LHV_ARCH_H */
