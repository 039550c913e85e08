// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's state record
 */
#include "arch/x86/lapic.h"

/* Of IRR, ISR and TMR: no vector is below 16. */
#define FIRST_VECTORS	GENMASK(15, 0)

#define ESR_BITS	(APIC_ESR_SENDILL | APIC_ESR_RECVILL | APIC_ESR_ILLREGA)

void lhv_lapic_get_state(struct lhv_vcpu *vcpu, struct lhv_lapic_state *state)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 offset;

	lhv_lapic_update_ppr(vcpu);
	memset(state, 0, sizeof(*state));
	for (offset = 0; offset <= APIC_SELF_IPI; offset += 16)
		state->regs[offset / 4] = lhv_lapic_reg(lapic, offset);
	state->regs[APIC_TMCCT / 4] = lhv_lapic_timer_count(lapic);
	state->timer_expiry = lhv_lapic_timer_get_expiry(lapic);
}

static bool is_vector_bitmap(u32 offset)
{
	return offset >= APIC_ISR && offset < APIC_ESR;
}

/* Bits that a register's word in the record may have. */
static u32 allowed_bits(const struct lhv_lapic *lapic, u32 offset)
{
	bool x2apic = lhv_lapic_x2apic(lapic);

	if (is_vector_bitmap(offset))
		return offset & 0x70 ? U32_MAX : ~FIRST_VECTORS;
	switch (offset) {
	case APIC_ID:
	case APIC_LVR:
		return U32_MAX;		/* compared as a whole */
	case APIC_PROCPRI:
		return APIC_TPRI_MASK;
	case APIC_LDR:
		return x2apic ? U32_MAX : lhv_lapic_writable(offset);
	case APIC_DFR:
		return U32_MAX;
	case APIC_ESR:
	case LHV_LAPIC_ERRORS:
		return ESR_BITS;
	case APIC_ICR2:
		return x2apic ? U32_MAX : lhv_lapic_writable(offset);
	case APIC_TMCCT:
		return U32_MAX;
	default:
		return lhv_lapic_writable(offset);
	}
}

static bool state_valid(const struct lhv_lapic *lapic, const struct lhv_lapic_state *state)
{
	u32 offset;

	for (offset = 0; offset < sizeof(state->regs); offset += 4) {
		u32 allowed = offset % 16 ? 0 : allowed_bits(lapic, offset);

		if (state->regs[offset / 4] & ~allowed)
			return false;
	}
	if (state->regs[APIC_ID / 4] != lhv_lapic_id_reg(lapic) ||
	    state->regs[APIC_LVR / 4] != LHV_LAPIC_VERSION)
		return false;
	if ((state->regs[APIC_DFR / 4] | GENMASK(31, 28)) != APIC_DFR_FLAT)
		return false;
	return !lhv_lapic_x2apic(lapic) ||
	       state->regs[APIC_LDR / 4] == lhv_lapic_x2apic_ldr(lapic);
}

int lhv_lapic_set_state(struct lhv_vcpu *vcpu, const struct lhv_lapic_state *state)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 offset;

	if (!state_valid(lapic, state))
		return -EINVAL;
	lhv_lapic_timer_stop(lapic);
	for (offset = 0; offset <= APIC_SELF_IPI; offset += 16)
		lhv_lapic_set_reg(lapic, offset, state->regs[offset / 4]);
	lhv_lapic_recount(lapic);
	lhv_lapic_timer_set_expiry(lapic, state->timer_expiry);
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
	return 0;
}
