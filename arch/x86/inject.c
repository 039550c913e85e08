// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest (SDM 3C 27.6): exceptions, NMIs, interrupts, what IDT
 * vectoring lost on a VM exit, and the windows that open when the guest can
 * take one
 */
#include <linux/kernel.h>
#include <asm/trapnr.h>

#include "arch/x86/ept.h"
#include "arch/x86/lapic.h"
#include "arch/x86/vmx.h"
#include "hv/trace.h"

#define SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

void lhv_skip_bytes(struct lhv_vcpu *vcpu, unsigned int len)
{
	unsigned long old = vmcs_read_l(GUEST_RIP);
	unsigned long rip = old + len;
	unsigned long flags;
	u32 shadow;

	/* Outside 64-bit mode RIP wraps at 4 GiB. */
	if (unlikely((old ^ rip) >> 31) && !lhv_is_64bit(vcpu))
		rip = (u32)rip;
	vmcs_write_l(GUEST_RIP, rip);

	shadow = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	if (unlikely(shadow & SHADOW))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, shadow & ~SHADOW);
	flags = vmcs_read_l(GUEST_RFLAGS);
	/* A single-stepped instruction traps behind it. */
	if (unlikely(flags & X86_EFLAGS_TF))
		lhv_set_pending_step(vcpu);
	/*
	 * RF is for one instruction. Exits for instructions save it as 0, those for
	 * EPT violations as 1 (SDM 3C 28.3.3).
	 */
	if (unlikely(flags & X86_EFLAGS_RF))
		vmcs_write_l(GUEST_RFLAGS, flags & ~X86_EFLAGS_RF);
}

/* The guest has TF set: BS becomes pending (SDM 3C 25.4.2), unless only branches trap. */
void lhv_set_pending_step(struct lhv_vcpu *vcpu)
{
	if (vmcs_read64(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF)
		return;
	vmcs_write_l(GUEST_PENDING_DBG_EXCEPTIONS,
		     vmcs_read_l(GUEST_PENDING_DBG_EXCEPTIONS) | BIT(14));
}

void lhv_skip_instruction(struct lhv_vcpu *vcpu)
{
	lhv_skip_bytes(vcpu, vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
}

static bool is_contributory(u8 vector)
{
	return vector == X86_TRAP_DE || (vector >= X86_TRAP_TS && vector <= X86_TRAP_GP);
}

/* An exception on top of one that isn't delivered yet: SDM 3A table 6-5. */
static bool makes_double_fault(u8 first, u8 second)
{
	if (first == X86_TRAP_PF)
		return second == X86_TRAP_PF || is_contributory(second);
	return is_contributory(first) && is_contributory(second);
}

static void queue_exception(struct lhv_vcpu *vcpu, const struct lhv_exception *e)
{
	struct lhv_exception *now = &vcpu->arch.exception;

	if (now->pending && now->vector == X86_TRAP_DF &&
	    (is_contributory(e->vector) || e->vector == X86_TRAP_PF)) {
		lhv_vcpu_set_request(vcpu, LHV_REQ_TRIPLE_FAULT);
		return;
	}
	/* INTn faulted: when it restarts it comes again. */
	if (vcpu->arch.interrupt.soft)
		vcpu->arch.interrupt.injected = false;
	if (now->pending && makes_double_fault(now->vector, e->vector)) {
		*now = (struct lhv_exception) {
			.pending = true, .vector = X86_TRAP_DF, .has_error = true,
		};
	} else {
		/* The earlier one comes again when its instruction restarts. */
		*now = *e;
		now->pending = true;
	}
	lhv_stat(vcpu, LHV_VCPU_STAT_EXCEPTIONS);
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
}

void lhv_inject_exception(struct lhv_vcpu *vcpu, u8 vector)
{
	struct lhv_exception e = { .vector = vector };

	queue_exception(vcpu, &e);
}

void lhv_inject_exception_error(struct lhv_vcpu *vcpu, u8 vector, u32 error)
{
	struct lhv_exception e = { .vector = vector, .has_error = true, .error = error };

	queue_exception(vcpu, &e);
}

void lhv_inject_page_fault(struct lhv_vcpu *vcpu, u32 error, u64 address)
{
	struct lhv_exception e = {
		.vector = X86_TRAP_PF, .has_error = true, .error = error,
		.has_payload = true, .payload = address,
	};

	queue_exception(vcpu, &e);
}

void lhv_inject_debug(struct lhv_vcpu *vcpu, u64 dr6)
{
	struct lhv_exception e = {
		.vector = X86_TRAP_DB, .has_payload = true, .payload = dr6,
	};

	queue_exception(vcpu, &e);
}

/* What the exception leaves in a register, written when it is delivered. */
static void deliver_payload(struct lhv_vcpu *vcpu, struct lhv_exception *e)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (!e->has_payload)
		return;
	e->has_payload = false;
	if (e->vector == X86_TRAP_PF) {
		arch->cr2 = e->payload;
		/* lhv_enter_state() came before. */
		if (vcpu->mode == LHV_IN_GUEST)
			native_write_cr2(arch->cr2);
	} else if (e->vector == X86_TRAP_DB) {
		lhv_add_dr6(vcpu, e->payload);
		vmcs_write_l(GUEST_DR7, vmcs_read_l(GUEST_DR7) & ~LHV_DR7_GD);
	}
}

static void write_event(struct lhv_vcpu *vcpu, u32 info, u32 error)
{
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, error);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info | INTR_INFO_VALID_MASK);
	trace_lhv_inject(vcpu->id, info | INTR_INFO_VALID_MASK, error);
}

/* Of class fault; #DB is one only sometimes (SDM 3A table 6-1). */
#define FAULTS								\
	(BIT(X86_TRAP_DE) | BIT(X86_TRAP_BR) | BIT(X86_TRAP_UD) |	\
	 BIT(X86_TRAP_NM) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |	\
	 BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |	\
	 BIT(X86_TRAP_MF) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_XF) |	\
	 BIT(X86_TRAP_VE) | BIT(X86_TRAP_CP))

static void inject_exception(struct lhv_vcpu *vcpu)
{
	struct lhv_exception *e = &vcpu->arch.exception;
	u32 info = e->vector;

	deliver_payload(vcpu, e);
	/* The stack gets RFLAGS as they are; of a fault, RF is set there (SDM 3B 18.3.1.1). */
	if (BIT(e->vector) & FAULTS)
		vmcs_write_l(GUEST_RFLAGS, vmcs_read_l(GUEST_RFLAGS) | X86_EFLAGS_RF);
	if (e->soft) {
		info |= INTR_TYPE_SOFT_EXCEPTION;
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, vcpu->arch.event_instruction_len);
	} else {
		info |= INTR_TYPE_HARD_EXCEPTION;
	}
	/* Real mode has no error codes (SDM 3C 27.2.1.3). */
	if (e->has_error && (vmcs_read_l(GUEST_CR0) & X86_CR0_PE))
		info |= INTR_INFO_DELIVER_CODE_MASK;
	write_event(vcpu, info, e->error);
	e->pending = false;
}

static void inject_interrupt(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	u32 info = arch->interrupt.vector;

	if (arch->interrupt.soft) {
		info |= INTR_TYPE_SOFT_INTR;
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, arch->event_instruction_len);
	} else {
		info |= INTR_TYPE_EXT_INTR;
	}
	write_event(vcpu, info, 0);
	arch->interrupt.injected = false;
}

static void inject_nmi(struct lhv_vcpu *vcpu)
{
	write_event(vcpu, X86_TRAP_NMI | INTR_TYPE_NMI_INTR, 0);
	vcpu->arch.nmi_injected = false;
}

static void set_window(struct lhv_vcpu *vcpu, u32 window, bool on)
{
	u32 controls = vcpu->arch.cpu_controls;

	vmcs_set_control(CPU_BASED_VM_EXEC_CONTROL, &vcpu->arch.cpu_controls,
			 on ? controls | window : controls & ~window);
}

/* Behind STI or MOV SS no interrupt or NMI may go in (SDM 3C 27.3.1.5). */
static bool shadowed(struct lhv_vcpu *vcpu)
{
	return vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & SHADOW;
}

/* May an external interrupt go in now (SDM 3C 27.3.1.4, 27.3.1.5)? */
static bool interruptible(struct lhv_vcpu *vcpu)
{
	return (vmcs_read_l(GUEST_RFLAGS) & X86_EFLAGS_IF) && !shadowed(vcpu);
}

/* Returns true if an event that was under way fills this entry. */
static bool reinject(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (arch->exception.pending)
		inject_exception(vcpu);
	else if (arch->nmi_injected && !shadowed(vcpu))
		inject_nmi(vcpu);
	else if (arch->interrupt.injected && (arch->interrupt.soft || interruptible(vcpu)))
		inject_interrupt(vcpu);
	else
		return false;
	return true;
}

/* Returns true if an NMI fills this entry; opens the window if one must wait. */
static bool inject_pending_nmi(struct lhv_vcpu *vcpu, bool busy)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	u32 blocked;

	if (!atomic_read(&arch->nmi_pending)) {
		set_window(vcpu, CPU_BASED_NMI_WINDOW_EXITING, false);
		return false;
	}
	blocked = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) &
		  (GUEST_INTR_STATE_NMI | SHADOW);
	/* While one is being handled, the processor remembers one more (SDM 3A 6.7.1). */
	if (blocked & GUEST_INTR_STATE_NMI)
		atomic_cmpxchg(&arch->nmi_pending, 2, 1);
	if (!busy && !blocked) {
		atomic_dec(&arch->nmi_pending);
		inject_nmi(vcpu);
		lhv_stat(vcpu, LHV_VCPU_STAT_NMIS);
		busy = true;
	} else {
		busy = false;
	}
	/*
	 * With STI blocking an NMI-window exit may come at once, and again and again:
	 * there interrupts are on, and their window opens behind the next instruction.
	 */
	set_window(vcpu, CPU_BASED_NMI_WINDOW_EXITING,
		   atomic_read(&arch->nmi_pending) && !(blocked & GUEST_INTR_STATE_STI));
	return busy;
}

static void inject_pending_interrupt(struct lhv_vcpu *vcpu, bool busy)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	int vector = lhv_lapic_pending_vector(vcpu);

	if (vector >= 0 && !busy && !arch->interrupt.injected && interruptible(vcpu)) {
		lhv_lapic_ack(vcpu, vector);
		arch->interrupt.vector = vector;
		arch->interrupt.soft = false;
		inject_interrupt(vcpu);
		lhv_stat(vcpu, LHV_VCPU_STAT_IRQS_INJECTED);
		vector = lhv_lapic_pending_vector(vcpu);
	}
	set_window(vcpu, CPU_BASED_INTR_WINDOW_EXITING, vector >= 0);
	vmcs_set_control(TPR_THRESHOLD, &arch->tpr_threshold, lhv_lapic_tpr_threshold(vcpu));
}

/*
 * A debug trap comes before NMIs and interrupts (SDM 3A table 6-2), and an entry
 * that injects one of these drops it (SDM 3C 27.7.3). Left to the processor where
 * nothing else can go in. Returns true if it fills this entry.
 */
static bool inject_pending_debug(struct lhv_vcpu *vcpu)
{
	unsigned long pending = vmcs_read_l(GUEST_PENDING_DBG_EXCEPTIONS);

	if (likely(!(pending & LHV_PENDING_DEBUG)) ||
	    (vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & SHADOW))
		return false;
	vmcs_write_l(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	lhv_inject_debug(vcpu, pending & (GENMASK(3, 0) | BIT(14)));
	inject_exception(vcpu);
	return true;
}

/*
 * One event can go in per entry. Others wait: for the window if the guest can't
 * take them, else for the exit that the window's control causes right after.
 */
static void inject_events(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	bool busy = reinject(vcpu) || inject_pending_debug(vcpu);
	bool nmi, sti;

	busy |= inject_pending_nmi(vcpu, busy);
	inject_pending_interrupt(vcpu, busy);
	/* An event under way that couldn't go in; and see inject_pending_nmi(). */
	nmi = arch->nmi_injected || atomic_read(&arch->nmi_pending);
	sti = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_STI;
	if (arch->interrupt.injected || (nmi && sti))
		set_window(vcpu, CPU_BASED_INTR_WINDOW_EXITING, true);
	if (arch->nmi_injected && !sti)
		set_window(vcpu, CPU_BASED_NMI_WINDOW_EXITING, true);
}

/* @info is laid out as in all three fields that describe events (SDM 3C 25.8.3, 25.9.3). */
static void requeue(struct lhv_vcpu *vcpu, u32 info, u32 error, u8 instruction_len)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	u32 type = info & INTR_INFO_INTR_TYPE_MASK;
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	switch (type) {
	case INTR_TYPE_NMI_INTR:
		arch->nmi_injected = true;
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_HARD_EXCEPTION:
		arch->exception = (struct lhv_exception) {
			.pending = true,
			.vector = vector,
			.soft = type == INTR_TYPE_SOFT_EXCEPTION,
			.has_error = info & INTR_INFO_DELIVER_CODE_MASK,
			.error = error,
		};
		break;
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_EXT_INTR:
		arch->interrupt.injected = true;
		arch->interrupt.vector = vector;
		arch->interrupt.soft = type == INTR_TYPE_SOFT_INTR;
		break;
	default:
		/* INT1: comes again when its instruction restarts. */
		return;
	}
	arch->event_instruction_len = instruction_len;
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
}

/*
 * The exit came while the CPU delivered an event through the guest's IDT: the
 * event goes back to be delivered again (SDM 3C 28.2.4).
 */
void lhv_requeue_vectoring(struct lhv_vcpu *vcpu)
{
	u32 info = vmcs_read32(IDT_VECTORING_INFO_FIELD);

	if (likely(!(info & VECTORING_INFO_VALID_MASK)))
		return;
	requeue(vcpu, info, vmcs_read32(IDT_VECTORING_ERROR_CODE),
		vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
	/* An NMI's delivery blocked NMIs; so will the next one. */
	if ((info & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
			     vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & ~GUEST_INTR_STATE_NMI);
}

/* The entry that was to inject an event failed: the event is still to come. */
void lhv_cancel_injection(struct lhv_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	requeue(vcpu, info, vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE),
		vmcs_read32(VM_ENTRY_INSTRUCTION_LEN));
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/**
 * lhv_serve_requests - do what was asked of the vCPU, before it enters
 * @vcpu: the vCPU
 *
 * Context: interrupts off, vCPU loaded.
 * Return: LHV_GUEST; LHV_SLOW to come out for an INIT or SIPI; LHV_USER.
 */
enum lhv_fate lhv_serve_requests(struct lhv_vcpu *vcpu)
{
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_TLB_FLUSH))
		lhv_flush_ept(lhv_ept_eptp(vcpu->vm));
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_TIMER))
		lhv_lapic_timer_deliver(vcpu);
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_TRIPLE_FAULT)) {
		vcpu->run->exit_reason = LHV_EXIT_SHUTDOWN;
		vcpu->run->rip = vmcs_read_l(GUEST_RIP);
		return LHV_USER;
	}
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_KICK) && READ_ONCE(vcpu->vm->dead))
		return LHV_SLOW;
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_EVENT)) {
		if (unlikely(lhv_lapic_init_sipi_pending(vcpu)))
			return LHV_SLOW;
		inject_events(vcpu);
	}
	return LHV_GUEST;
}
