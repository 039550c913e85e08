// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop
 *
 * Three nested parts: run_guest() stays in the guest as long as exits are
 * handled with interrupts off; enter_guest() gives the host its interrupts and
 * calls what may sleep; lhv_arch_vcpu_run() blocks a vCPU that halted and comes
 * out for signals and for userspace.
 */
#include <linux/vtime.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "arch/x86/mmio.h"
#include "arch/x86/vmx.h"
#include "hv/arch.h"
#include "hv/eventfd.h"
#include "hv/trace.h"

/* Interrupts off, the guest's state in the CPU. */
static enum lhv_fate run_guest(struct lhv_vcpu *vcpu)
{
	enum lhv_fate fate;
	unsigned long failed;

	do {
		if (unlikely(READ_ONCE(vcpu->requests))) {
			fate = lhv_serve_requests(vcpu);
			if (fate != LHV_GUEST) {
				vcpu->arch.slow = NULL;
				return fate;
			}
		}
		if (trace_lhv_entry_enabled())
			trace_lhv_entry(vcpu->id, vmcs_read_l(GUEST_RIP));
		failed = lhv_vmx_enter(vcpu->arch.regs);
		if (unlikely(failed))
			return lhv_entry_failed(vcpu, failed);
		fate = lhv_handle_exit(vcpu);
	} while (fate == LHV_GUEST);
	return fate;
}

/* vmcs_cpu: this CPU is going offline, and the scheduler about to take the thread off. */
static bool must_not_enter(struct lhv_vcpu *vcpu)
{
	return need_resched() || lhv_must_return() || unlikely(vcpu->arch.vmcs_cpu < 0);
}

/*
 * The barrier pairs with the one in lhv_vcpu_kick(): who sets a request after
 * run_guest() looked sees LHV_IN_GUEST, and its IPI ends the guest's stay.
 */
static void set_mode(struct lhv_vcpu *vcpu, enum lhv_vcpu_mode mode)
{
	WRITE_ONCE(vcpu->mode, mode);
	smp_mb();	/* mode before requests; the kicker has them the other way round */
}

static enum lhv_fate enter_guest(struct lhv_vcpu *vcpu)
{
	enum lhv_fate fate = LHV_SLOW;

	preempt_disable();
	lhv_switch_to_guest(vcpu);
	local_irq_disable();
	set_mode(vcpu, LHV_IN_GUEST);
	vcpu->arch.slow = NULL;
	if (likely(!must_not_enter(vcpu))) {
		vtime_account_guest_enter();
		lhv_enter_state(vcpu);
		fate = run_guest(vcpu);
		lhv_leave_state(vcpu);
		set_mode(vcpu, LHV_OUTSIDE_GUEST);
		/* The interrupt that ended the stay is taken here, as the guest's time. */
		local_irq_enable();
		local_irq_disable();
		vtime_account_guest_exit();
	}
	WRITE_ONCE(vcpu->mode, LHV_OUTSIDE_GUEST);
	local_irq_enable();
	preempt_enable();
	return fate;
}

static void start_at(struct lhv_vcpu *vcpu, u8 sipi_vector)
{
	struct lhv_segment cs = {
		.base = (u64)sipi_vector << 12, .limit = 0xffff,
		.selector = sipi_vector << 8, .access = 0x9b,
	};

	lhv_set_segment(vcpu, &cs, LHV_CS);
	lhv_set_rip(vcpu, 0);
	vcpu->arch.mp_state = LHV_MP_RUNNABLE;
}

/* SDM 3A 9.4.3: INIT resets; SIPI lets a processor go that waits for it. */
static void take_init_sipi(struct lhv_vcpu *vcpu)
{
	bool bsp = lhv_lapic_base(vcpu) & MSR_IA32_APICBASE_BSP;
	u8 vector;

	if (lhv_lapic_take_init(vcpu)) {
		preempt_disable();
		lhv_vcpu_reset(vcpu, true);
		preempt_enable();
		vcpu->arch.mp_state = bsp ? LHV_MP_RUNNABLE : LHV_MP_WAIT_SIPI;
	}
	if (lhv_lapic_take_sipi(vcpu, &vector))
		start_at(vcpu, vector);
}

/* An NMI that waits for the IRET of another one's handler doesn't end HLT. */
static bool nmi_can_come(struct lhv_vcpu *vcpu)
{
	return atomic_read(&vcpu->arch.nmi_pending) &&
	       !(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_NMI);
}

/* The vCPU's own thread, loaded. HLT with IF clear ends by NMI, INIT, and reset alone. */
bool lhv_arch_vcpu_has_work(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (lhv_lapic_init_sipi_pending(vcpu))
		return true;
	if (arch->mp_state == LHV_MP_WAIT_SIPI)
		return false;
	if (lhv_vcpu_take_request(vcpu, LHV_REQ_TIMER))
		lhv_lapic_timer_deliver(vcpu);
	if (nmi_can_come(vcpu) || arch->exception.pending ||
	    arch->nmi_injected || arch->interrupt.injected ||
	    test_bit(LHV_REQ_TRIPLE_FAULT, &vcpu->requests))
		return true;
	return (vmcs_read_l(GUEST_RFLAGS) & X86_EFLAGS_IF) && lhv_lapic_has_work(vcpu);
}

/* The answer to the last exit. LHV_USER: there is more to ask. */
static int complete_access(struct lhv_vcpu *vcpu)
{
	enum lhv_completion completion = vcpu->arch.completion;

	vcpu->arch.completion = LHV_COMPLETE_NONE;
	switch (completion) {
	case LHV_COMPLETE_NONE:
		break;
	case LHV_COMPLETE_IO:
		lhv_io_complete(vcpu);
		break;
	case LHV_COMPLETE_STRING_IO:
		return lhv_string_io_complete(vcpu);
	case LHV_COMPLETE_MMIO:
		return lhv_mmio_complete(vcpu);
	}
	return LHV_GUEST;
}

static int wait_for_work(struct lhv_vcpu *vcpu)
{
	if (!lhv_vcpu_block(vcpu))
		return LHV_GUEST;
	if (vcpu->arch.mp_state == LHV_MP_HALTED)
		vcpu->arch.mp_state = LHV_MP_RUNNABLE;
	return LHV_GUEST;
}

static int run_once(struct lhv_vcpu *vcpu)
{
	enum lhv_fate fate;

	if (READ_ONCE(vcpu->vm->dead) || lhv_rebooting)
		return -EIO;
	if (lhv_must_return())
		return -EINTR;
	if (unlikely(lhv_lapic_init_sipi_pending(vcpu)))
		take_init_sipi(vcpu);
	if (vcpu->arch.mp_state != LHV_MP_RUNNABLE)
		return wait_for_work(vcpu);
	if (unlikely(vcpu->arch.pdptes_stale)) {
		vcpu->arch.pdptes_stale = false;
		if (lhv_load_pdptes(vcpu))
			lhv_inject_gp(vcpu);
	}
	cond_resched();

	fate = enter_guest(vcpu);
	if (fate != LHV_SLOW)
		return fate;
	return vcpu->arch.slow ? vcpu->arch.slow(vcpu) : LHV_GUEST;
}

/* Userspace needn't hear of an irqfd's EOI. */
static int settle_eoi(struct lhv_vcpu *vcpu, int fate)
{
	int vector = vcpu->arch.eoi_vector;

	if (likely(vector < 0))
		return fate;
	vcpu->arch.eoi_vector = -1;
	return lhv_irqfd_eoi(vcpu->vm, vector) ? LHV_GUEST : fate;
}

int lhv_arch_vcpu_run(struct lhv_vcpu *vcpu)
{
	int ret;

	vcpu->arch.eoi_vector = -1;
	ret = settle_eoi(vcpu, complete_access(vcpu));
	if (ret)
		return ret == LHV_USER ? 0 : ret;
	if (READ_ONCE(vcpu->run->immediate_exit))
		return -EINTR;

	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, true);
	do {
		ret = settle_eoi(vcpu, run_once(vcpu));
	} while (ret == LHV_GUEST);
	fpu_swap_kvm_fpstate(&vcpu->arch.fpu, false);
	return ret == LHV_USER ? 0 : ret;
}
