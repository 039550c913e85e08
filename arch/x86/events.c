// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct lhv_events: what is pending or under way at an instruction boundary
 */
#include <asm/trapnr.h>

#include "arch/x86/lapic.h"
#include "arch/x86/vmx.h"

/* uapi and VMCS (SDM 3C table 25-3) number the two kinds of blocking alike. */
static_assert(LHV_SHADOW_STI == GUEST_INTR_STATE_STI);
static_assert(LHV_SHADOW_MOV_SS == GUEST_INTR_STATE_MOV_SS);

/* Of pending debug exceptions; bit 16 (RTM) is for a DEBUGCTL that guests don't have. */
#define DEBUG_PENDING	(LHV_PENDING_DEBUG | GENMASK(3, 0))

void lhv_get_events(struct lhv_vcpu *vcpu, struct lhv_events *events)
{
	const struct lhv_vcpu_arch *arch = &vcpu->arch;
	const struct lhv_exception *e = &arch->exception;
	u32 blocking = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	if (e->pending) {
		events->exception_pending = 1;
		events->exception_vector = e->vector;
		events->exception_has_error = e->has_error;
		events->exception_soft = e->soft;
		events->exception_error = e->error;
		events->exception_payload = e->payload;
		events->exception_has_payload = e->has_payload;
	}
	if (arch->interrupt.injected) {
		events->interrupt_pending = 1;
		events->interrupt_vector = arch->interrupt.vector;
		events->interrupt_soft = arch->interrupt.soft;
	}
	events->instruction_length = arch->event_instruction_len;
	events->shadow = blocking & (LHV_SHADOW_STI | LHV_SHADOW_MOV_SS);
	events->nmi_pending = atomic_read(&arch->nmi_pending);
	events->nmi_masked = !!(blocking & GUEST_INTR_STATE_NMI);
	events->nmi_injected = arch->nmi_injected;
	events->triple_fault = test_bit(LHV_REQ_TRIPLE_FAULT, &vcpu->requests);
	events->debug_pending = vmcs_read_l(GUEST_PENDING_DBG_EXCEPTIONS) & DEBUG_PENDING;
	lhv_lapic_get_events(vcpu, events);
}

static bool flags_valid(const struct lhv_events *ev)
{
	return ev->exception_pending <= 1 && ev->exception_has_error <= 1 &&
	       ev->exception_has_payload <= 1 && ev->exception_soft <= 1 &&
	       ev->interrupt_pending <= 1 && ev->interrupt_soft <= 1 &&
	       ev->nmi_pending <= 2 && ev->nmi_masked <= 1 && ev->nmi_injected <= 1 &&
	       ev->init_pending <= 1 && ev->sipi_pending <= 1 && ev->triple_fault <= 1 &&
	       ev->keep_pending <= 1 && !ev->smi_pending;
}

static bool events_valid(const struct lhv_events *ev)
{
	if (!flags_valid(ev) || memchr_inv(ev->reserved, 0, sizeof(ev->reserved)))
		return false;
	if (ev->exception_vector > 31 || ev->exception_vector == X86_TRAP_NMI)
		return false;
	/* Only #BP and #OF come from instructions (SDM 3C 25.8.3). */
	if (ev->exception_soft && ev->exception_vector != X86_TRAP_BP &&
	    ev->exception_vector != X86_TRAP_OF)
		return false;
	if (ev->debug_pending & ~DEBUG_PENDING)
		return false;
	if (ev->instruction_length > 15 || ev->shadow & ~(LHV_SHADOW_STI | LHV_SHADOW_MOV_SS))
		return false;
	/* One instruction can't have been both (SDM 3C 27.3.1.5). */
	return ev->shadow != (LHV_SHADOW_STI | LHV_SHADOW_MOV_SS);
}

int lhv_set_events(struct lhv_vcpu *vcpu, const struct lhv_events *events)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (!events_valid(events))
		return -EINVAL;
	arch->exception = (struct lhv_exception) {
		.pending = events->exception_pending,
		.vector = events->exception_vector,
		.has_error = events->exception_has_error,
		.soft = events->exception_soft,
		.error = events->exception_error,
		.payload = events->exception_payload,
		.has_payload = events->exception_has_payload,
	};
	if (events->exception_pending)
		lhv_stat(vcpu, LHV_VCPU_STAT_EXCEPTIONS);
	arch->interrupt.injected = events->interrupt_pending;
	arch->interrupt.vector = events->interrupt_vector;
	arch->interrupt.soft = events->interrupt_soft;
	arch->event_instruction_len = events->instruction_length;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO,
		     events->shadow | (events->nmi_masked ? GUEST_INTR_STATE_NMI : 0));
	vmcs_write_l(GUEST_PENDING_DBG_EXCEPTIONS, events->debug_pending);
	arch->nmi_injected = events->nmi_injected;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	if (!events->keep_pending) {
		atomic_set(&arch->nmi_pending, events->nmi_pending);
		lhv_lapic_set_events(vcpu, events);
	}
	if (events->triple_fault)
		lhv_vcpu_set_request(vcpu, LHV_REQ_TRIPLE_FAULT);
	else
		clear_bit(LHV_REQ_TRIPLE_FAULT, &vcpu->requests);
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
	return 0;
}
