// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits: the table by basic exit reason (SDM 3D appendix C), and the
 * handlers that need no file of their own
 *
 * A row has two parts. @fast runs right after the exit with interrupts off, and
 * the vCPU goes back in if it gives LHV_GUEST. What may sleep or take long is
 * in @slow, which runs after the host took its interrupts, if @fast is missing
 * or gives LHV_SLOW.
 */
#include <linux/nospec.h>
#include <asm/trapnr.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/ept.h"
#include "arch/x86/lapic.h"
#include "arch/x86/mmio.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx.h"
#include "hv/trace.h"

#define ENTRY_FAILURE	BIT(31)		/* in the exit reason, SDM 3C 25.9.1 */

struct exit_handler {
	enum lhv_fate (*fast)(struct lhv_vcpu *vcpu);
	int (*slow)(struct lhv_vcpu *vcpu);
	bool vectoring;		/* may come while an event is being delivered */
};

enum lhv_fate lhv_unhandled(struct lhv_vcpu *vcpu)
{
	struct lhv_run *run = vcpu->run;

	run->exit_reason = LHV_EXIT_UNHANDLED;
	run->rip = vmcs_read_l(GUEST_RIP);
	run->unhandled.hardware_reason = vmcs_read32(VM_EXIT_REASON);
	run->unhandled.qualification = vmcs_read_l(EXIT_QUALIFICATION);
	run->unhandled.interruption_info = vmcs_read32(VM_EXIT_INTR_INFO);
	run->unhandled.error_code = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
	return LHV_USER;
}

enum lhv_fate lhv_entry_failed(struct lhv_vcpu *vcpu, unsigned long failed)
{
	struct lhv_run *run = vcpu->run;
	u32 reason = failed ? 0 : vmcs_read32(VM_EXIT_REASON);

	if (failed == 2) {
		/* Nothing in lhv should lose the current VMCS; reboot does VMXOFF. */
		lhv_vm_bug(vcpu->vm, !lhv_rebooting);
		return -EIO;
	}
	/* What was to be injected wasn't. */
	lhv_cancel_injection(vcpu);
	run->exit_reason = LHV_EXIT_FAIL_ENTRY;
	run->rip = vmcs_read_l(GUEST_RIP);
	run->fail_entry.cpu = smp_processor_id();
	run->fail_entry.reserved = 0;
	run->fail_entry.hardware_reason = reason;
	run->fail_entry.instruction_error = failed ? vmcs_read32(VM_INSTRUCTION_ERROR) : 0;
	run->fail_entry.qualification = failed ? 0 : vmcs_read_l(EXIT_QUALIFICATION);
	/* Nobody has told the host (SDM 3C 27.9). */
	if ((u16)reason == EXIT_REASON_MCE_DURING_VMENTRY)
		lhv_machine_check();
	return LHV_USER;
}

/* The host's handler runs when interrupts come on, before anything else. */
static enum lhv_fate handle_external_interrupt(struct lhv_vcpu *vcpu)
{
	lhv_stat(vcpu, LHV_VCPU_STAT_IRQ_EXITS);
	/* The host's tick comes this way, however long the guest keeps the CPU. */
	lhv_rcu_note_guest();
	return LHV_SLOW;
}

static int handle_nothing(struct lhv_vcpu *vcpu)
{
	return LHV_GUEST;
}

/*
 * Each exit saves what is left of the count, so that a guest whose exits are handled
 * with interrupts off doesn't begin it anew with each of them.
 */
static int handle_heartbeat(struct lhv_vcpu *vcpu)
{
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, lhv_heartbeat);
	return LHV_GUEST;
}

static enum lhv_fate handle_triple_fault(struct lhv_vcpu *vcpu)
{
	vcpu->run->exit_reason = LHV_EXIT_SHUTDOWN;
	vcpu->run->rip = vmcs_read_l(GUEST_RIP);
	return LHV_USER;
}

/*
 * Injection is left to lhv_serve_requests(), which sets the windows' controls
 * anew: an entry takes one event, and other requests may come before it.
 */
static enum lhv_fate handle_window(struct lhv_vcpu *vcpu)
{
	lhv_stat(vcpu, LHV_VCPU_STAT_WINDOW_EXITS);
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
	return LHV_GUEST;
}

static enum lhv_fate handle_tpr_below_threshold(struct lhv_vcpu *vcpu)
{
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
	return LHV_GUEST;
}

static int handle_hlt(struct lhv_vcpu *vcpu)
{
	lhv_stat(vcpu, LHV_VCPU_STAT_HLT_EXITS);
	lhv_skip_instruction(vcpu);
	/* A debug exception ends it at once (SDM 2A, HLT). */
	if (!vmcs_read_l(GUEST_PENDING_DBG_EXCEPTIONS))
		vcpu->arch.mp_state = LHV_MP_HALTED;
	return LHV_GUEST;
}

static enum lhv_fate handle_skip(struct lhv_vcpu *vcpu)
{
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}

static enum lhv_fate handle_ud(struct lhv_vcpu *vcpu)
{
	lhv_inject_exception(vcpu, X86_TRAP_UD);
	return LHV_GUEST;
}

static enum lhv_fate handle_gp(struct lhv_vcpu *vcpu)
{
	lhv_inject_gp(vcpu);
	return LHV_GUEST;
}

/* KVM's ABI (Documentation/virt/kvm/x86/hypercalls.rst), with no calls so far. */
static enum lhv_fate handle_vmcall(struct lhv_vcpu *vcpu)
{
	vcpu->arch.regs[LHV_RAX] = lhv_get_cpl(vcpu) ? -1 /* EPERM */ : -1000 /* ENOSYS */;
	if (!lhv_is_64bit(vcpu))
		vcpu->arch.regs[LHV_RAX] = (u32)vcpu->arch.regs[LHV_RAX];
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}

static int handle_pause(struct lhv_vcpu *vcpu)
{
	lhv_stat(vcpu, LHV_VCPU_STAT_PAUSE_EXITS);
	lhv_vcpu_yield(vcpu);
	return LHV_GUEST;
}

/* Exit qualification of EPT violations, SDM 3C 28.2.1, table 28-7 */
static int handle_ept_violation(struct lhv_vcpu *vcpu)
{
	u64 qualification = vmcs_read_l(EXIT_QUALIFICATION);
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	struct lhv_run *run = vcpu->run;
	u32 access = qualification & 7;
	int ret;

	/* The faulting access was an IRET's, which had unblocked NMIs already. */
	if (unlikely(qualification & INTR_INFO_UNBLOCK_NMI) &&
	    !(vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) | GUEST_INTR_STATE_NMI);

	trace_lhv_page_fault(vcpu->id, gpa, access, vmcs_read_l(GUEST_RIP));
	ret = lhv_ept_fault(vcpu, gpa, access);
	if (likely(!ret)) {
		lhv_stat(vcpu, LHV_VCPU_STAT_EPT_FAULTS);
		return LHV_GUEST;
	}
	if (ret == LHV_EPT_MMIO) {
		lhv_stat(vcpu, LHV_VCPU_STAT_MMIO_EXITS);
		return lhv_mmio_access(vcpu, gpa, access);
	}
	if (ret == -EINTR || ret == -ENOMEM)
		return ret;
	run->exit_reason = LHV_EXIT_MEMORY_FAULT;
	run->rip = vmcs_read_l(GUEST_RIP);
	run->memory_fault.gpa = gpa;
	run->memory_fault.access = access;
	run->memory_fault.error = ret;
	return LHV_USER;
}

#define FAST(f)		{ .fast = (f) }
#define SLOW(f)		{ .slow = (f) }

static const struct exit_handler exit_handlers[] = {
	[EXIT_REASON_EXCEPTION_NMI] = FAST(lhv_handle_exception),
	[EXIT_REASON_EXTERNAL_INTERRUPT] = {
		.fast = handle_external_interrupt, .slow = handle_nothing,
	},
	[EXIT_REASON_TRIPLE_FAULT] = FAST(handle_triple_fault),
	[EXIT_REASON_INTERRUPT_WINDOW] = FAST(handle_window),
	[EXIT_REASON_NMI_WINDOW] = FAST(handle_window),
	[EXIT_REASON_CPUID] = FAST(lhv_handle_cpuid),
	[EXIT_REASON_HLT] = SLOW(handle_hlt),
	[EXIT_REASON_INVD] = FAST(handle_skip),
	[EXIT_REASON_RDPMC] = FAST(handle_gp),
	[EXIT_REASON_VMCALL] = FAST(handle_vmcall),
	[EXIT_REASON_VMCLEAR] = FAST(handle_ud),
	[EXIT_REASON_VMLAUNCH] = FAST(handle_ud),
	[EXIT_REASON_VMPTRLD] = FAST(handle_ud),
	[EXIT_REASON_VMPTRST] = FAST(handle_ud),
	[EXIT_REASON_VMREAD] = FAST(handle_ud),
	[EXIT_REASON_VMRESUME] = FAST(handle_ud),
	[EXIT_REASON_VMWRITE] = FAST(handle_ud),
	[EXIT_REASON_VMOFF] = FAST(handle_ud),
	[EXIT_REASON_VMON] = FAST(handle_ud),
	[EXIT_REASON_CR_ACCESS] = SLOW(lhv_handle_cr_slow),
	[EXIT_REASON_DR_ACCESS] = FAST(lhv_handle_mov_dr),
	[EXIT_REASON_IO_INSTRUCTION] = { .fast = lhv_handle_io, .slow = lhv_handle_io_slow },
	[EXIT_REASON_MSR_READ] = FAST(lhv_handle_rdmsr),
	[EXIT_REASON_MSR_WRITE] = FAST(lhv_handle_wrmsr),
	[EXIT_REASON_MWAIT_INSTRUCTION] = FAST(handle_ud),
	[EXIT_REASON_MONITOR_INSTRUCTION] = FAST(handle_ud),
	[EXIT_REASON_PAUSE_INSTRUCTION] = { .slow = handle_pause },
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = FAST(handle_tpr_below_threshold),
	[EXIT_REASON_EPT_VIOLATION] = { .slow = handle_ept_violation, .vectoring = true },
	[EXIT_REASON_INVEPT] = FAST(handle_ud),
	[EXIT_REASON_PREEMPTION_TIMER] = SLOW(handle_heartbeat),
	[EXIT_REASON_INVVPID] = FAST(handle_ud),
	[EXIT_REASON_WBINVD] = FAST(handle_skip),
	[EXIT_REASON_XSETBV] = FAST(lhv_handle_xsetbv),
};

static const struct exit_handler *find_handler(u32 reason)
{
	const struct exit_handler *handler;

	if (unlikely(reason >= ARRAY_SIZE(exit_handlers)))
		return NULL;
	handler = &exit_handlers[array_index_nospec(reason, ARRAY_SIZE(exit_handlers))];
	return likely(handler->fast || handler->slow) ? handler : NULL;
}

/**
 * lhv_handle_exit - dispatch a VM exit
 * @vcpu: the vCPU
 *
 * Context: interrupts off, right after the exit.
 * Return: LHV_SLOW: vcpu->arch.slow, if not NULL, is to be called with interrupts
 * on.
 */
enum lhv_fate lhv_handle_exit(struct lhv_vcpu *vcpu)
{
	u32 reason = vmcs_read32(VM_EXIT_REASON);
	const struct exit_handler *handler;

	lhv_stat(vcpu, LHV_VCPU_STAT_EXITS);
	vcpu->arch.slow = NULL;
	if (unlikely(reason & ENTRY_FAILURE))
		return lhv_entry_failed(vcpu, 0);
	/* Not before: a failed VMLAUNCH leaves the VMCS clear (SDM 3C 27.8). */
	vcpu->arch.launched = true;
	if (trace_lhv_exit_enabled())
		trace_lhv_exit(vcpu->id, reason, vmcs_read_l(GUEST_RIP),
			       vmcs_read_l(EXIT_QUALIFICATION));

	handler = find_handler(reason);
	if (unlikely(!handler)) {
		lhv_requeue_vectoring(vcpu);
		return lhv_unhandled(vcpu);
	}
	if (handler->vectoring)
		lhv_requeue_vectoring(vcpu);
	vcpu->arch.slow = handler->slow;
	return handler->fast ? handler->fast(vcpu) : LHV_SLOW;
}
