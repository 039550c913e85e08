// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's state records
 */
#include <linux/random.h>

#include "lapic_fixture.h"

static struct lhv_lapic_state *get_state(struct kunit *test, struct lhv_vcpu *vcpu)
{
	struct lhv_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, state);
	lhv_lapic_get_state(vcpu, state);
	return state;
}

static void fill(struct lhv_vcpu *vcpu)
{
	lhv_lapic_set_cr8(vcpu, 2);
	lhv_lapic_deliver(vcpu, 0x41, true);
	lapic_take(vcpu);
	lhv_lapic_deliver(vcpu, 0xf7, false);
	lapic_take(vcpu);
	lhv_lapic_deliver(vcpu, 0x33, false);
	lhv_lapic_deliver(vcpu, 0x92, true);
	lhv_lapic_error(vcpu->arch.lapic, APIC_ESR_ILLREGA);
}

static void expect_round_trip(struct kunit *test, struct lhv_vcpu *vcpu)
{
	struct lhv_lapic_state *before = get_state(test, vcpu), *after;

	lhv_lapic_reset(vcpu, true);
	vcpu->requests = 0;
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_state(vcpu, before), 0);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &vcpu->requests));
	after = get_state(test, vcpu);
	/* The count runs on. */
	KUNIT_EXPECT_LE(test, after->regs[APIC_TMCCT / 4], before->regs[APIC_TMCCT / 4]);
	after->regs[APIC_TMCCT / 4] = before->regs[APIC_TMCCT / 4];
	KUNIT_EXPECT_EQ(test, memcmp(before, after, sizeof(*before)), 0);
	KUNIT_EXPECT_EQ(test, before->regs[APIC_PROCPRI / 4], 0xf0);
}

static void round_trip_xapic(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_TIMER_PERIODIC, APIC_TDR_DIV_32);

	lhv_lapic_write(vcpu, APIC_LDR, 0x04000000);
	lhv_lapic_write(vcpu, APIC_DFR, 0);
	lhv_lapic_write(vcpu, APIC_ICR2, 0x12000000);
	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	fill(vcpu);
	KUNIT_EXPECT_GT(test, lhv_lapic_timer_get_expiry(vcpu->arch.lapic), lapic_guest_tsc(vcpu));
	expect_round_trip(test, vcpu);
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	/* 0xf7 is done; 0x92 has its turn before 0x41, which is in service, ends. */
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0x92);
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_USER);
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_USER);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0x33);
	lhv_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), APIC_ESR_ILLREGA);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->arch.lapic->timer));
}

static void round_trip_x2apic(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_TIMER_TSCDEADLINE, 0);
	u64 deadline = lapic_guest_tsc(vcpu) + 10 * (u64)LONG_COUNT;

	lapic_to_x2apic(test, vcpu);
	lapic_msr_set(vcpu, APIC_ICR, 0x1234567800000051);
	fill(vcpu);
	lhv_lapic_set_tsc_deadline(vcpu, deadline);
	expect_round_trip(test, vcpu);
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), deadline);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->arch.lapic->timer));
}

/* The timer ran out, and its request wasn't taken before the record was. */
static void record_of_expired_timer(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct lhv_lapic_state *state;

	lhv_lapic_write(vcpu, APIC_TMICT, 1);
	usleep_range(2000, 3000);
	state = get_state(test, vcpu);
	KUNIT_EXPECT_NE(test, state->timer_expiry, 0ull);
	lhv_lapic_reset(vcpu, false);
	vcpu->requests = 0;
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_state(vcpu, state), 0);
	KUNIT_ASSERT_TRUE(test, lapic_timer_fires(vcpu));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
}

/* No timer can be restored to fire later than a count from now. */
static void record_of_other_tsc(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct lhv_lapic_state *state;

	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	state = get_state(test, vcpu);
	state->timer_expiry += BIT_ULL(50);
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_state(vcpu, state), 0);
	KUNIT_EXPECT_LE(test, vcpu->arch.lapic->expiry - rdtsc(), (u64)LONG_COUNT);
}

static void invalid_records(struct kunit *test)
{
	/* A bit that may not differ from what the record has. */
	static const struct { u32 offset, bit; } rows[] = {
		{ 0x00, 0 }, { 0x04, 0 }, { APIC_ID, 24 }, { APIC_ID + 4, 0 }, { APIC_LVR, 0 },
		{ APIC_TASKPRI, 8 }, { APIC_LDR, 0 }, { APIC_DFR, 0 }, { APIC_SPIV, 12 },
		{ APIC_EOI, 0 }, { APIC_ISR, 15 }, { APIC_IRR, 0 }, { APIC_TMR, 1 },
		{ APIC_IRR + 0x14, 0 }, { APIC_ESR, 0 }, { 0x290, 8 }, { 0x2a0, 0 },
		{ APIC_LVTCMCI, 16 }, { APIC_ICR, 12 }, { APIC_ICR, 20 }, { APIC_ICR2, 0 },
		{ APIC_LVTT, 12 }, { APIC_LVTERR, 8 }, { APIC_LVT0, 14 }, { APIC_TDCR, 2 },
		{ APIC_SELF_IPI, 0 }, { 0x3d0, 0 }, { 0x3fc, 31 },
	};
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct lhv_lapic_state *state = get_state(test, vcpu), *after;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 *word = &state->regs[rows[i].offset / 4];

		*word ^= BIT(rows[i].bit);
		state->regs[APIC_TASKPRI / 4] ^= 0x80;
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_set_state(vcpu, state), -EINVAL,
				    "%x bit %d", rows[i].offset, rows[i].bit);
		state->regs[APIC_TASKPRI / 4] ^= 0x80;
		*word ^= BIT(rows[i].bit);
	}
	after = get_state(test, vcpu);
	KUNIT_EXPECT_EQ(test, memcmp(state, after, sizeof(*state)), 0);
	/* Of the other mode. */
	lapic_to_x2apic(test, vcpu);
	state->regs[APIC_LDR / 4] = 0x01000000;
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_state(vcpu, state), -EINVAL);
}

/* Whatever is accepted leaves an APIC that works, and comes out again. */
static void random_records(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct lhv_lapic_state *state = get_state(test, vcpu), *after;
	int i, n, vector;

	for (i = 0; i < 100; i++) {
		for (n = 0; n < 24; n++)
			state->regs[APIC_ISR / 4 + n * 4] =
				get_random_u32() & get_random_u32() & (n % 8 ? ~0 : ~0xffff);
		KUNIT_ASSERT_EQ(test, lhv_lapic_set_state(vcpu, state), 0);
		after = get_state(test, vcpu);
		KUNIT_ASSERT_EQ(test, memcmp(&state->regs[APIC_ISR / 4],
					     &after->regs[APIC_ISR / 4], 24 * 16), 0);
		kunit_kfree(test, after);
		for (n = 0; vcpu->arch.lapic->isr_words || vcpu->arch.lapic->irr_words; n++) {
			KUNIT_ASSERT_LT(test, n, 512);
			vector = lapic_take(vcpu);
			KUNIT_ASSERT_TRUE(test, vector < 256);
			lhv_lapic_write(vcpu, APIC_EOI, 0);
		}
	}
}

static struct kunit_case lapic_state_cases[] = {
	KUNIT_CASE(round_trip_xapic),
	KUNIT_CASE(round_trip_x2apic),
	KUNIT_CASE(record_of_expired_timer),
	KUNIT_CASE(record_of_other_tsc),
	KUNIT_CASE(invalid_records),
	KUNIT_CASE(random_records),
	{}
};

static struct kunit_suite lapic_state_suite = {
	.name = "lhv-lapic-state",
	.init = lapic_fixture_init,
	.exit = lapic_fixture_exit,
	.test_cases = lapic_state_cases,
};

kunit_test_suite(lapic_state_suite);
