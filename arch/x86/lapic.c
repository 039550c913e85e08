// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC: registers, priorities, EOI
 */
#include "arch/x86/lapic.h"

#define REG(offset)		BIT_ULL((offset) >> 4)
#define REGS(first, last)	GENMASK_ULL((last) >> 4, (first) >> 4)

/* Registers by SDM tables 11-1 and 11-6. Bit n stands for offset 16 * n. */
#define BOTH_READABLE	(REG(APIC_ID) | REG(APIC_LVR) | REG(APIC_TASKPRI) | \
			 REG(APIC_PROCPRI) | REG(APIC_LDR) | REG(APIC_SPIV) | \
			 REGS(APIC_ISR, APIC_IRR + 0x70) | REG(APIC_ESR) | \
			 REG(APIC_ICR) | REGS(APIC_LVTT, APIC_LVTERR) | \
			 REG(APIC_TMICT) | REG(APIC_TMCCT) | REG(APIC_TDCR))
#define BOTH_WRITABLE	(REG(APIC_TASKPRI) | REG(APIC_SPIV) | REG(APIC_ESR) | \
			 REGS(APIC_LVTT, APIC_LVTERR) | REG(APIC_TMICT) | \
			 REG(APIC_TDCR))
#define XAPIC_EXISTING	(BOTH_READABLE | REG(APIC_ARBPRI) | REG(APIC_EOI) | \
			 REG(APIC_RRR) | REG(APIC_DFR) | REG(APIC_ICR2))
#define XAPIC_WRITABLE	(BOTH_WRITABLE | REG(APIC_LDR) | REG(APIC_DFR) | \
			 REG(APIC_ICR) | REG(APIC_ICR2))

/* x2APIC's ICR, low half; hardware ignores the former delivery status. */
#define X2APIC_ICR_RESERVED	(GENMASK(31, 20) | GENMASK(17, 16) | BIT(13))

u32 lhv_lapic_writable(u32 offset)
{
	switch (offset) {
	case APIC_TASKPRI:
		return APIC_TPRI_MASK;
	case APIC_LDR:
		return APIC_LDR_MASK;
	case APIC_DFR:
		return GENMASK(31, 28);
	case APIC_SPIV:
		return APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED;
	case APIC_ICR:
		return APIC_VECTOR_MASK | APIC_DM_FIXED_MASK | APIC_DEST_LOGICAL |
		       APIC_INT_ASSERT | APIC_INT_LEVELTRIG | APIC_DEST_ALLBUT;
	case APIC_ICR2:
		return GENMASK(31, 24);
	case APIC_LVTT:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED | GENMASK(18, 17);
	case APIC_LVTTHMR:
	case APIC_LVTPC:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_LVT_MASKED;
	case APIC_LVT0:
	case APIC_LVT1:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_LVT_MASKED |
		       APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER;
	case APIC_LVTERR:
		return APIC_VECTOR_MASK | APIC_LVT_MASKED;
	case APIC_TMICT:
		return U32_MAX;
	case APIC_TDCR:
		return APIC_TDR_DIV_1;
	default:
		return 0;
	}
}

/* Bits that are read-only, not reserved: x2APIC mode ignores them in a write. */
static u32 read_only_bits(u32 offset)
{
	switch (offset) {
	case APIC_LVT0:
	case APIC_LVT1:
		return APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVTERR:
		return APIC_SEND_PENDING;
	default:
		return 0;
	}
}

/* ---- IRR, ISR, TMR ---- */

/* The highest vector in IRR or ISR of which @words says which words count. */
static __always_inline int highest_vector(const struct lhv_lapic *lapic, u32 offset,
					  unsigned long words)
{
	while (words) {
		unsigned long word = __fls(words);
		u32 bits = lhv_lapic_reg(lapic, offset + word * 16);

		if (likely(bits))
			return word * 32 + __fls(bits);
		words &= ~BIT(word);
	}
	return -1;
}

static int highest_isr(const struct lhv_lapic *lapic)
{
	return highest_vector(lapic, APIC_ISR, READ_ONCE(lapic->isr_words));
}

static int highest_irr(const struct lhv_lapic *lapic)
{
	return highest_vector(lapic, APIC_IRR, READ_ONCE(lapic->irr_words));
}

static u32 priority_class(u32 vector)
{
	return vector & 0xf0;
}

static u32 compute_ppr(const struct lhv_lapic *lapic)
{
	u32 tpr = lhv_lapic_reg(lapic, APIC_TASKPRI) & APIC_TPRI_MASK;
	int isr = highest_isr(lapic);

	if (isr < 0 || priority_class(tpr) >= priority_class(isr))
		return tpr;
	return priority_class(isr);
}

bool lhv_lapic_set_irr(struct lhv_lapic *lapic, u8 vector, bool level)
{
	unsigned int word = vector / 32, bit = vector % 32;
	unsigned long *tmr = lhv_lapic_word(lapic, APIC_TMR, word);

	if (test_bit(bit, tmr) != level)
		assign_bit(bit, tmr, level);
	/* A full barrier, which pairs with those in clear_irr() and recount. */
	if (test_and_set_bit(bit, lhv_lapic_word(lapic, APIC_IRR, word)))
		return false;
	if (!test_bit(word, &lapic->irr_words))
		set_bit(word, &lapic->irr_words);
	return true;
}

static void clear_irr(struct lhv_lapic *lapic, u8 vector)
{
	unsigned int word = vector / 32;

	clear_bit(vector % 32, lhv_lapic_word(lapic, APIC_IRR, word));
	if (lhv_lapic_reg(lapic, APIC_IRR + word * 16))
		return;
	clear_bit(word, &lapic->irr_words);
	/* Either we see a vector set since, or its sender sees our clearing. */
	smp_mb__after_atomic();
	if (lhv_lapic_reg(lapic, APIC_IRR + word * 16))
		set_bit(word, &lapic->irr_words);
}

void lhv_lapic_recount(struct lhv_lapic *lapic)
{
	unsigned long isr_words = 0;
	unsigned int word;

	WRITE_ONCE(lapic->irr_words, 0);
	/* As in clear_irr(). */
	smp_mb();
	for (word = 0; word < APIC_ISR_NR; word++) {
		if (lhv_lapic_reg(lapic, APIC_IRR + word * 16))
			set_bit(word, &lapic->irr_words);
		if (lhv_lapic_reg(lapic, APIC_ISR + word * 16))
			isr_words |= BIT(word);
	}
	WRITE_ONCE(lapic->isr_words, isr_words);
}

static void set_isr(struct lhv_lapic *lapic, u8 vector)
{
	unsigned int word = vector / 32;
	u32 offset = APIC_ISR + word * 16;

	lhv_lapic_set_reg(lapic, offset, lhv_lapic_reg(lapic, offset) | BIT(vector % 32));
	WRITE_ONCE(lapic->isr_words, lapic->isr_words | BIT(word));
}

static void clear_isr(struct lhv_lapic *lapic, u8 vector)
{
	unsigned int word = vector / 32;
	u32 offset = APIC_ISR + word * 16;
	u32 bits = lhv_lapic_reg(lapic, offset) & ~BIT(vector % 32);

	lhv_lapic_set_reg(lapic, offset, bits);
	if (!bits)
		WRITE_ONCE(lapic->isr_words, lapic->isr_words & ~BIT(word));
}

bool lhv_lapic_deliver(struct lhv_vcpu *vcpu, u8 vector, bool level)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (!lhv_lapic_accepts(lapic))
		return false;
	if (unlikely(vector < 16)) {
		lhv_lapic_error(lapic, APIC_ESR_RECVILL);
		return false;
	}
	if (lhv_lapic_set_irr(lapic, vector, level))
		lhv_vcpu_request(vcpu, LHV_REQ_EVENT);
	return true;
}

int lhv_lapic_pending_vector(struct lhv_vcpu *vcpu)
{
	const struct lhv_lapic *lapic = vcpu->arch.lapic;
	int vector = highest_irr(lapic);

	if (vector < 0 || !lhv_lapic_enabled(vcpu))
		return -1;
	return priority_class(vector) > priority_class(compute_ppr(lapic)) ? vector : -1;
}

void lhv_lapic_ack(struct lhv_vcpu *vcpu, u8 vector)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	clear_irr(lapic, vector);
	set_isr(lapic, vector);
}

u32 lhv_lapic_tpr_threshold(struct lhv_vcpu *vcpu)
{
	const struct lhv_lapic *lapic = vcpu->arch.lapic;
	int vector = highest_irr(lapic);

	if (vector < 0 || (u32)vector / 16 > lhv_lapic_get_cr8(vcpu))
		return 0;
	return vector / 16;
}

u64 lhv_lapic_get_cr8(struct lhv_vcpu *vcpu)
{
	return (lhv_lapic_reg(vcpu->arch.lapic, APIC_TASKPRI) & APIC_TPRI_MASK) >> 4;
}

/* What was held back by priority may be deliverable now. */
static void recheck_irr(struct lhv_lapic *lapic)
{
	if (READ_ONCE(lapic->irr_words))
		lhv_vcpu_set_request(lapic->vcpu, LHV_REQ_EVENT);
}

void lhv_lapic_set_cr8(struct lhv_vcpu *vcpu, u64 cr8)
{
	lhv_lapic_set_reg(vcpu->arch.lapic, APIC_TASKPRI, (cr8 & 15) << 4);
	recheck_irr(vcpu->arch.lapic);
}

u32 lhv_lapic_update_ppr(struct lhv_vcpu *vcpu)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 ppr = compute_ppr(lapic);

	lhv_lapic_set_reg(lapic, APIC_PROCPRI, ppr);
	return ppr;
}

bool lhv_lapic_has_work(struct lhv_vcpu *vcpu)
{
	if (lhv_lapic_init_sipi_pending(vcpu))
		return true;
	if (vcpu->arch.mp_state == LHV_MP_WAIT_SIPI)
		return false;
	return test_bit(LHV_REQ_TIMER, &vcpu->requests) ||
	       lhv_lapic_pending_vector(vcpu) >= 0;
}

static enum lhv_fate eoi(struct lhv_lapic *lapic)
{
	struct lhv_vcpu *vcpu = lapic->vcpu;
	int vector = highest_isr(lapic);

	if (vector < 0)
		return LHV_GUEST;
	clear_isr(lapic, vector);
	recheck_irr(lapic);
	if (likely(!test_bit(vector % 32, lhv_lapic_word(lapic, APIC_TMR, vector / 32))))
		return LHV_GUEST;
	vcpu->run->exit_reason = LHV_EXIT_EOI;
	vcpu->run->eoi.vector = vector;
	vcpu->arch.eoi_vector = vector;
	return LHV_USER;
}

/* ---- registers ---- */

void lhv_lapic_error(struct lhv_lapic *lapic, u32 error)
{
	if (!test_and_set_bit(__ffs(error), lhv_lapic_word(lapic, LHV_LAPIC_ERRORS, 0)))
		lhv_lapic_deliver_lvt(lapic, APIC_LVTERR);
}

void lhv_lapic_deliver_lvt(struct lhv_lapic *lapic, u32 offset)
{
	u32 lvt = lhv_lapic_reg(lapic, offset);

	if (!(lvt & APIC_LVT_MASKED))
		lhv_lapic_deliver(lapic->vcpu, lvt & APIC_VECTOR_MASK, false);
}

void lhv_lapic_mask_lvts(struct lhv_lapic *lapic)
{
	u32 offset;

	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 0x10)
		lhv_lapic_set_reg(lapic, offset,
				  lhv_lapic_reg(lapic, offset) | APIC_LVT_MASKED);
}

/* @value is masked to what can be written. */
static void write_register(struct lhv_lapic *lapic, u32 offset, u32 value)
{
	/* Masks can't be removed while software has it disabled (11.4.7.2). */
	if (offset >= APIC_LVTT && offset <= APIC_LVTERR &&
	    !(lhv_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		value |= APIC_LVT_MASKED;

	switch (offset) {
	case APIC_TASKPRI:
		lhv_lapic_set_reg(lapic, offset, value);
		recheck_irr(lapic);
		break;
	case APIC_DFR:
		lhv_lapic_set_reg(lapic, offset, value | APIC_DFR_CLUSTER);
		break;
	case APIC_SPIV:
		lhv_lapic_set_reg(lapic, offset, value);
		if (!(value & APIC_SPIV_APIC_ENABLED))
			lhv_lapic_mask_lvts(lapic);
		break;
	case APIC_ESR:
		lhv_lapic_set_reg(lapic, offset,
				  xchg(&lapic->regs[LHV_LAPIC_ERRORS / 4], 0));
		break;
	case APIC_ICR:
		lhv_lapic_set_reg(lapic, offset, value);
		lhv_lapic_send_ipi(lapic, value, lhv_lapic_reg(lapic, APIC_ICR2));
		break;
	case APIC_LVTT:
	case APIC_TMICT:
	case APIC_TDCR:
		lhv_lapic_timer_write(lapic, offset, value);
		break;
	default:
		lhv_lapic_set_reg(lapic, offset, value);
	}
}

static u32 read_register(struct lhv_lapic *lapic, u32 offset)
{
	switch (offset) {
	case APIC_PROCPRI:
		return compute_ppr(lapic);
	case APIC_TMCCT:
		return lhv_lapic_timer_count(lapic);
	default:
		return lhv_lapic_reg(lapic, offset);
	}
}

/* An access that isn't aligned is undefined (11.4.1); here it finds nothing. */
static bool xapic_exists(u32 offset)
{
	return offset <= APIC_SELF_IPI && !(offset & 15) && (XAPIC_EXISTING & REG(offset));
}

int lhv_lapic_read(struct lhv_vcpu *vcpu, u32 offset, u32 *value)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	*value = 0;
	if (xapic_exists(offset))
		*value = read_register(lapic, offset);
	else
		lhv_lapic_error(lapic, APIC_ESR_ILLREGA);
	return 0;
}

enum lhv_fate lhv_lapic_write(struct lhv_vcpu *vcpu, u32 offset, u32 value)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (offset == APIC_EOI)
		return eoi(lapic);
	if (!xapic_exists(offset))
		lhv_lapic_error(lapic, APIC_ESR_ILLREGA);
	else if (XAPIC_WRITABLE & REG(offset))
		write_register(lapic, offset, value & lhv_lapic_writable(offset));
	return LHV_GUEST;
}

int lhv_lapic_msr_read(struct lhv_vcpu *vcpu, u32 msr, u64 *value)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 offset = (msr - APIC_BASE_MSR) << 4;

	if (!lhv_lapic_x2apic(lapic) || offset > APIC_SELF_IPI ||
	    !(BOTH_READABLE & REG(offset)))
		return -EINVAL;
	*value = read_register(lapic, offset);
	if (offset == APIC_ICR)
		*value |= (u64)lhv_lapic_reg(lapic, APIC_ICR2) << 32;
	return 0;
}

void lhv_lapic_self_ipi(struct lhv_lapic *lapic, u8 vector)
{
	if (unlikely(vector < 16))
		lhv_lapic_error(lapic, APIC_ESR_SENDILL);
	else if (lhv_lapic_accepts(lapic) && lhv_lapic_set_irr(lapic, vector, false))
		lhv_vcpu_set_request(lapic->vcpu, LHV_REQ_EVENT);
}

static int x2apic_self_ipi(struct lhv_lapic *lapic, u64 value)
{
	if (value > APIC_VECTOR_MASK)
		return -EINVAL;
	lhv_lapic_self_ipi(lapic, value);
	return LHV_GUEST;
}

static int x2apic_icr(struct lhv_lapic *lapic, u64 value)
{
	u32 icr = lower_32_bits(value) & ~APIC_ICR_BUSY;

	if (icr & X2APIC_ICR_RESERVED)
		return -EINVAL;
	lhv_lapic_set_reg(lapic, APIC_ICR2, upper_32_bits(value));
	lhv_lapic_set_reg(lapic, APIC_ICR, icr);
	lhv_lapic_send_ipi(lapic, icr, upper_32_bits(value));
	return LHV_GUEST;
}

int lhv_lapic_msr_write(struct lhv_vcpu *vcpu, u32 msr, u64 value)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 offset = (msr - APIC_BASE_MSR) << 4;

	if (!lhv_lapic_x2apic(lapic))
		return -EINVAL;
	switch (offset) {
	case APIC_EOI:
		return value ? -EINVAL : (int)eoi(lapic);
	case APIC_SELF_IPI:
		return x2apic_self_ipi(lapic, value);
	case APIC_ICR:
		return x2apic_icr(lapic, value);
	}
	if (offset > APIC_SELF_IPI || !(BOTH_WRITABLE & REG(offset)))
		return -EINVAL;
	value &= ~(u64)read_only_bits(offset);
	if (value & ~(u64)lhv_lapic_writable(offset))
		return -EINVAL;
	write_register(lapic, offset, value);
	return LHV_GUEST;
}
