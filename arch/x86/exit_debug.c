// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits for exceptions, NMIs and debug registers
 */
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "arch/x86/vmx.h"
#include "hv/compat.h"

#define DR6_DEBUG_BITS	(DR_TRAP0 | DR_TRAP1 | DR_TRAP2 | DR_TRAP3 | DR_STEP | BIT(13))

void lhv_add_dr6(struct lhv_vcpu *vcpu, u64 bits)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	unsigned long dr6 = arch->dr6;

	if (arch->dr_live)
		get_debugreg(dr6, 6);
	/* Breakpoint bits are replaced, the others stay until the guest clears them. */
	dr6 = (dr6 & ~(unsigned long)(DR_TRAP0 | DR_TRAP1 | DR_TRAP2 | DR_TRAP3)) | bits;
	if (arch->dr_live)
		set_debugreg(dr6, 6);
	else
		arch->dr6 = dr6;
}

/* SDM 3C 28.2.1, table 28-4: the qualification has DR6's bits. */
static enum lhv_fate handle_debug(struct lhv_vcpu *vcpu, u32 info)
{
	u64 dr6 = vmcs_read_l(EXIT_QUALIFICATION) & DR6_DEBUG_BITS;

	/* INT1 traps: it returns behind itself. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
		lhv_skip_instruction(vcpu);
	else if ((vmcs_read_l(GUEST_RFLAGS) & X86_EFLAGS_TF) &&
		 (vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) &
		  (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		/* With such blocking and TF, BS must be pending (SDM 3C 27.3.1.5). */
		lhv_set_pending_step(vcpu);
	lhv_inject_debug(vcpu, dr6);
	return LHV_SLOW;
}

/*
 * #DB and #AC leave the loop that has interrupts off, as their delivery can be what
 * raises the next one: a breakpoint on the handler's stack, a handler at CPL 3 with a
 * misaligned one. A trap goes before external interrupts (SDM 3A table 6-2), so the
 * host's wouldn't end such a guest's stay.
 */
enum lhv_fate lhv_handle_exception(struct lhv_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	lhv_requeue_vectoring(vcpu);
	/*
	 * The host's own NMI: blocked now until its handler's IRET (SDM 3C 28.5.5),
	 * and its gate switches stacks.
	 */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		asm volatile("int $2");
		return LHV_GUEST;
	}
	if (vector == X86_TRAP_MC) {
		lhv_machine_check();
		return LHV_GUEST;
	}

	/* The IRET that faulted had unblocked NMIs (SDM 3C 28.2.3). */
	if ((info & INTR_INFO_UNBLOCK_NMI) && vector != X86_TRAP_DF)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) | GUEST_INTR_STATE_NMI);
	if (vector == X86_TRAP_DB)
		return handle_debug(vcpu, info);
	if (vector == X86_TRAP_AC) {
		lhv_inject_exception_error(vcpu, vector, vmcs_read32(VM_EXIT_INTR_ERROR_CODE));
		return LHV_SLOW;
	}
	return lhv_unhandled(vcpu);
}

/* The first access since the thread took the CPU: from here on they don't exit. */
enum lhv_fate lhv_handle_mov_dr(struct lhv_vcpu *vcpu)
{
	lhv_use_debug_registers(vcpu);
	return LHV_GUEST;
}
