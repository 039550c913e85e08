/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's model-specific registers
 *
 * Those of enum lhv_lazy_msr, FS_BASE, GS_BASE, SYSENTER_*, PAT and EFER, and
 * reading TSC, are the guest's own business (lhv_msr_bitmap); for state records
 * all are in one table.
 */
#ifndef LHV_MSR_H
#define LHV_MSR_H

#include <linux/types.h>

#include "arch/x86/x86.h"

/* ---- msr.c ---- */

/* Power-up values of what is stored in struct lhv_vcpu_arch. */
void lhv_msr_reset(struct lhv_vcpu *vcpu);

/**
 * lhv_msr_get - read an MSR
 * @vcpu: the vCPU, loaded
 * @index: which
 * @value: result
 *
 * Any context. Return: 0, or -EINVAL (#GP): no such MSR.
 */
int lhv_msr_get(struct lhv_vcpu *vcpu, u32 index, u64 *value);

/**
 * lhv_msr_set - write an MSR
 * @vcpu: the vCPU, loaded
 * @index: which
 * @value: its value
 * @host: a state record is restored: TSC_ADJUST then doesn't move the TSC, nor
 *	TSC TSC_ADJUST; and a read-only MSR may be written with its own value
 *
 * Any context. Return: an enum lhv_fate, or -EINVAL (#GP): no such MSR, or not
 * this value.
 */
int lhv_msr_set(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host);

/* Has EFER only bits that the guest's CPU has? */
bool lhv_efer_valid(struct lhv_vcpu *vcpu, u64 efer);

/*
 * LHV_STATE_MSRS, in kernel memory; errors as in struct lhv_state. On -EINVAL
 * the first offender in @data is marked. vcpu->mutex held, vCPU loaded.
 */
int lhv_msrs_get_record(struct lhv_vcpu *vcpu, void *data, u32 *len);
int lhv_msrs_set_record(struct lhv_vcpu *vcpu, void *data, u32 len);

/* The exits' handlers. Interrupts off. */
enum lhv_fate lhv_handle_rdmsr(struct lhv_vcpu *vcpu);
enum lhv_fate lhv_handle_wrmsr(struct lhv_vcpu *vcpu);

/* ---- msr_bitmap.c ---- */

/* The MSR bitmap of all vCPUs (SDM 3C 25.6.9), one page. */
extern unsigned long *lhv_msr_bitmap;

/* Module load, after lhv_vmx_read_caps(). Return: 0 or -ENOMEM. */
int lhv_msr_bitmap_init(void);
void lhv_msr_bitmap_exit(void);

#endif /* LHV_MSR_H */
