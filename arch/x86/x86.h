/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The x86 part of a VM and of a vCPU
 */
#ifndef LHV_X86_H
#define LHV_X86_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/types.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/msr.h>

#include "include/uapi/lhv.h"

struct lhv_vm;
struct lhv_vcpu;
struct lhv_lapic;	/* arch/x86/lapic.h */
struct lhv_cpuid;	/* arch/x86/cpuid.h */
struct lhv_ept;		/* arch/x86/ept.h */
struct vmcs;		/* arch/x86/vmcs.h */

struct lhv_vm_arch {
	struct lhv_ept *ept;
	/*
	 * Whether any vCPU's APIC is in xAPIC mode with a logical destination or
	 * in x2APIC mode is asked of each APIC; nothing is cached here.
	 */
};

/* Order of the guest's registers: the processor's own numbering (ModRM). */
enum lhv_reg {
	LHV_RAX, LHV_RCX, LHV_RDX, LHV_RBX,
	LHV_RSP, LHV_RBP, LHV_RSI, LHV_RDI,
	LHV_R8, LHV_R9, LHV_R10, LHV_R11,
	LHV_R12, LHV_R13, LHV_R14, LHV_R15,
	LHV_NR_REGS
};

/* An exception to inject, or being delivered. */
struct lhv_exception {
	bool pending;		/* inject it at the next entry */
	bool soft;		/* INT3 or INTO: resumes behind the instruction */
	bool has_error;
	bool has_payload;	/* @payload goes to CR2 or DR6 on injection */
	u8 vector;
	u32 error;
	u64 payload;
};

/* What a return from the guest to userspace waits for: see arch/x86/run.c. */
enum lhv_completion {
	LHV_COMPLETE_NONE,
	LHV_COMPLETE_IO,
	LHV_COMPLETE_STRING_IO,
	LHV_COMPLETE_MMIO,
};

/* MSRs that the host's kernel mode doesn't use, switched with the thread. */
enum lhv_lazy_msr {
	LHV_MSR_STAR,
	LHV_MSR_LSTAR,
	LHV_MSR_CSTAR,
	LHV_MSR_FMASK,
	LHV_MSR_TSC_AUX,
	LHV_MSR_KERNEL_GS_BASE,
	LHV_NR_LAZY_MSRS
};

struct lhv_mmio_op;	/* arch/x86/decode.h */

struct lhv_vcpu_arch {
	/* The world switch (arch/x86/entry.S) relies on these. */
	unsigned long regs[LHV_NR_REGS];	/* RSP's place is unused: VMCS */
	unsigned long host_rsp;			/* as in the VMCS */
	bool launched;

	/* VMCS */
	struct vmcs *vmcs;
	int vmcs_cpu;			/* the CPU it is active on, or -1 */
	struct list_head vmcs_link;	/* in that CPU's list */
	u16 vpid;
	u32 cpu_controls;		/* cached control fields */
	u32 tpr_threshold;
	unsigned long host_cr3;		/* cached host fields */
	unsigned long host_cr4;

	/* Control registers as the guest sees them where the VMCS doesn't say */
	unsigned long cr2;
	bool pdptes_stale;		/* set with PAE paging on: load before entry */
	unsigned long cr4_guest_allowed;	/* bits its CPUID allows in CR4 */
	u64 xcr0;
	u64 xcr0_allowed;

	/* Events */
	struct lhv_exception exception;
	struct {
		bool injected;		/* taken from the APIC, not yet delivered */
		bool soft;
		u8 vector;
	} interrupt;
	u8 event_instruction_len;	/* for software events */
	atomic_t nmi_pending;		/* waiting; at most 2 count */
	bool nmi_injected;
	u32 mp_state;			/* LHV_MP_* */

	/* Debug registers */
	unsigned long db[4];
	unsigned long dr6;
	bool dr_live;			/* loaded in the CPU, MOV DR isn't intercepted */
	bool dr_needed;			/* a breakpoint is set: load them at each entry */

	/* MSRs */
	u64 lazy_msr[LHV_NR_LAZY_MSRS];
	u64 host_lazy_msr[LHV_NR_LAZY_MSRS];
	u64 misc_enable;
	u64 tsc_offset;			/* to lhv_host_tsc() */
	u64 tsc_adjust;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
	bool lazy_loaded;
	u16 host_ds, host_es, host_fs, host_gs, host_ldt;
	u64 host_fs_base;
	u64 host_debugctl;

	struct fpu_guest fpu;
	const struct lhv_cpuid *cpuid;
	struct lhv_lapic *lapic;

	/*
	 * EPT: zeroed pages for its tables, got ready before mmu_lock is taken; as
	 * many as one mapping can need
	 */
	void *ept_cache[3];
	int ept_cached;

	/* Userspace accesses under way */
	int (*slow)(struct lhv_vcpu *vcpu);	/* of an exit that gave LHV_SLOW */
	enum lhv_completion completion;
	u32 io_qualification;
	int eoi_vector;		/* of an LHV_EXIT_EOI that may be an irqfd's, or -1 */
	struct lhv_mmio_op *mmio;	/* allocated with the vCPU */
};

/* ---- arch/x86/vmx_cpu.c ---- */

/* By how much the host's TSC went back, in all, while the host slept. */
extern u64 lhv_tsc_lost;

/* The host's TSC as if it had stood still instead: guests' never go back. */
static inline u64 lhv_host_tsc(void)
{
	return rdtsc() + lhv_tsc_lost;
}

/* What becomes of a VM exit. Negative values are errnos for LHV_VCPU_RUN. */
enum lhv_fate {
	LHV_GUEST,	/* handled: back into the guest */
	LHV_SLOW,	/* call the handler that may sleep, with interrupts on */
	LHV_USER,	/* run->exit_reason is set: return to userspace */
};

/* ---- arch/x86/inject.c: for handlers; the vCPU's own thread, loaded ---- */
void lhv_inject_exception(struct lhv_vcpu *vcpu, u8 vector);
void lhv_inject_exception_error(struct lhv_vcpu *vcpu, u8 vector, u32 error);
void lhv_inject_page_fault(struct lhv_vcpu *vcpu, u32 error, u64 address);
static inline void lhv_inject_gp(struct lhv_vcpu *vcpu);

/* Moves RIP past the instruction that caused the exit; ends STI/MOV SS blocking. */
void lhv_skip_instruction(struct lhv_vcpu *vcpu);
/* The same where the VMCS doesn't have the instruction's length. */
void lhv_skip_bytes(struct lhv_vcpu *vcpu, unsigned int len);

/* ---- arch/x86/regs.c: from the VMCS; vCPU loaded ---- */
unsigned long lhv_get_rip(struct lhv_vcpu *vcpu);
void lhv_set_rip(struct lhv_vcpu *vcpu, unsigned long rip);
unsigned long lhv_get_reg(struct lhv_vcpu *vcpu, enum lhv_reg reg);
void lhv_set_reg(struct lhv_vcpu *vcpu, enum lhv_reg reg, unsigned long value);
unsigned long lhv_get_rflags(struct lhv_vcpu *vcpu);
void lhv_set_rflags(struct lhv_vcpu *vcpu, unsigned long rflags);
unsigned long lhv_get_cr0(struct lhv_vcpu *vcpu);
unsigned long lhv_get_cr3(struct lhv_vcpu *vcpu);
unsigned long lhv_get_cr4(struct lhv_vcpu *vcpu);
u64 lhv_get_efer(struct lhv_vcpu *vcpu);
int lhv_get_cpl(struct lhv_vcpu *vcpu);
void lhv_get_segment(struct lhv_vcpu *vcpu, struct lhv_segment *seg, int index);

/* Segment numbers of lhv_get_segment(): the processor's own (ModRM). */
enum lhv_seg { LHV_ES, LHV_CS, LHV_SS, LHV_DS, LHV_FS, LHV_GS, LHV_LDTR, LHV_TR };

/* Guest TSC now: host TSC plus the vCPU's offset. */
u64 lhv_guest_tsc(struct lhv_vcpu *vcpu);

static inline void lhv_inject_gp(struct lhv_vcpu *vcpu)
{
	lhv_inject_exception_error(vcpu, 13 /* #GP */, 0);
}

#endif /* LHV_X86_H */
