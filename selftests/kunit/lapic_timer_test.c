// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer
 */
#include "lapic_fixture.h"
#include "../../arch/x86/lapic_timer.c"

static u32 usec_count(u32 usec)
{
	return (u64)tsc_khz * usec / USEC_PER_MSEC;
}

static void dividers(struct kunit *test)
{
	static const struct { u32 tdcr, divider; } rows[] = {
		{ APIC_TDR_DIV_1, 1 }, { APIC_TDR_DIV_2, 2 }, { APIC_TDR_DIV_4, 4 },
		{ APIC_TDR_DIV_8, 8 }, { APIC_TDR_DIV_16, 16 }, { APIC_TDR_DIV_32, 32 },
		{ APIC_TDR_DIV_64, 64 }, { APIC_TDR_DIV_128, 128 },
	};
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, 0);
	int i;

	lhv_lapic_set_reg(vcpu->arch.lapic, APIC_TMICT, U32_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		lhv_lapic_write(vcpu, APIC_TDCR, rows[i].tdcr);
		KUNIT_EXPECT_EQ(test, 1u << divider_shift(vcpu->arch.lapic), rows[i].divider);
		KUNIT_EXPECT_EQ(test, timer_period(vcpu->arch.lapic),
				(u64)U32_MAX * rows[i].divider);
	}
}

static void conversion(struct kunit *test)
{
	u64 second = (u64)tsc_khz * MSEC_PER_SEC;

	KUNIT_EXPECT_EQ(test, ticks_to_ns(0), 1ull);
	KUNIT_EXPECT_EQ(test, ticks_to_ns(second), NSEC_PER_SEC + 1ull);
	KUNIT_EXPECT_EQ(test, ticks_to_ns(second * 1000), 1000ull * NSEC_PER_SEC + 1);
	/* Anything longer is slept through in pieces; nothing overflows. */
	KUNIT_EXPECT_EQ(test, ticks_to_ns(S64_MAX), MAX_SLEEP_SEC * 1ull * NSEC_PER_SEC + 1);
	KUNIT_EXPECT_EQ(test, ticks_to_ns(U64_MAX), MAX_SLEEP_SEC * 1ull * NSEC_PER_SEC + 1);
}

static void current_count(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_16);
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u32 first, second;

	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMCCT), 0);
	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	first = lapic_get(vcpu, APIC_TMCCT);
	usleep_range(100, 200);
	second = lapic_get(vcpu, APIC_TMCCT);
	KUNIT_EXPECT_LE(test, first, LONG_COUNT);
	KUNIT_EXPECT_LE(test, second, first - usec_count(90) / 16);
	KUNIT_EXPECT_GT(test, second, LONG_COUNT / 2);

	/* A new divider: the count goes on from where it is. */
	lhv_lapic_write(vcpu, APIC_TDCR, APIC_TDR_DIV_128);
	first = lapic_get(vcpu, APIC_TMCCT);
	KUNIT_EXPECT_LE(test, first, second);
	KUNIT_EXPECT_GT(test, first, LONG_COUNT / 2);
	KUNIT_EXPECT_GT(test, ticks_left(lapic), (s64)(LONG_COUNT / 2) * 128);

	/* Ended, and not delivered yet. */
	hrtimer_cancel(&lapic->timer);
	lapic->expiry = rdtsc() - 5;
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMCCT), 0);
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR | APIC_LVT_TIMER_PERIODIC);
	KUNIT_EXPECT_GT(test, lapic_get(vcpu, APIC_TMCCT), LONG_COUNT / 2);

	lhv_lapic_write(vcpu, APIC_TMICT, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMCCT), 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer));
}

static void one_shot(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	u64 start = rdtsc();

	lhv_lapic_write(vcpu, APIC_TMICT, usec_count(3000));
	KUNIT_ASSERT_TRUE(test, lapic_timer_fires(vcpu));
	KUNIT_EXPECT_GE(test, rdtsc() - start, (u64)usec_count(2999));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
	KUNIT_EXPECT_FALSE(test, vcpu->arch.lapic->armed);
	usleep_range(5000, 6000);
	KUNIT_EXPECT_FALSE(test, test_bit(LHV_REQ_TIMER, &vcpu->requests));
	/* A request that is left over does nothing. */
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	lhv_lapic_timer_deliver(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->arch.lapic->timer));
}

static void masked(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_MASKED, APIC_TDR_DIV_1);

	lhv_lapic_write(vcpu, APIC_TMICT, 1);
	KUNIT_ASSERT_TRUE(test, lapic_timer_fires(vcpu));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
}

static void periodic(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_TIMER_PERIODIC, APIC_TDR_DIV_1);
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u64 expiry, period = usec_count(2000);
	int i;

	lhv_lapic_write(vcpu, APIC_TMICT, period);
	expiry = lapic->expiry;
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_TRUE(test, lapic_timer_fires(vcpu));
		KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
		lhv_lapic_write(vcpu, APIC_EOI, 0);
		KUNIT_EXPECT_GT(test, lapic->expiry, expiry);
		KUNIT_EXPECT_EQ(test, (lapic->expiry - expiry) % period, 0ull);
		expiry = lapic->expiry;
	}
	/* Periods that were missed are lost, and the phase is kept. */
	hrtimer_cancel(&lapic->timer);
	lapic->expiry = rdtsc() - 1000 * period - period / 2;
	expiry = lapic->expiry;
	lhv_lapic_timer_deliver(vcpu);
	KUNIT_EXPECT_EQ(test, (lapic->expiry - expiry) % period, 0ull);
	KUNIT_EXPECT_GE(test, (lapic->expiry - expiry) / period, 1001ull);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
}

static void period_floor(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_TIMER_PERIODIC, APIC_TDR_DIV_1);

	lhv_lapic_write(vcpu, APIC_TMICT, 1);
	KUNIT_EXPECT_EQ(test, timer_period(vcpu->arch.lapic), (u64)usec_count(MIN_PERIOD_USEC));
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMCCT), 1);
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR);
	KUNIT_EXPECT_EQ(test, timer_period(vcpu->arch.lapic), 1ull);
}

static void tsc_deadline(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, APIC_LVT_TIMER_TSCDEADLINE, 0);
	u64 deadline = lapic_guest_tsc(vcpu) + usec_count(3000);

	lhv_lapic_set_tsc_deadline(vcpu, deadline);
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), deadline);
	KUNIT_ASSERT_TRUE(test, lapic_timer_fires(vcpu));
	KUNIT_EXPECT_GE(test, lapic_guest_tsc(vcpu), deadline - usec_count(1));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), 0ull);
	lhv_lapic_write(vcpu, APIC_EOI, 0);

	/* In the past: at once. */
	lhv_lapic_set_tsc_deadline(vcpu, 1);
	KUNIT_EXPECT_TRUE(test, lhv_vcpu_take_request(vcpu, LHV_REQ_TIMER));
	lhv_lapic_timer_deliver(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), TIMER_VECTOR);
	lhv_lapic_write(vcpu, APIC_EOI, 0);

	/* As far away as can be said; and disarmed. */
	lhv_lapic_set_tsc_deadline(vcpu, U64_MAX);
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), U64_MAX);
	lhv_lapic_timer_deliver(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	lhv_lapic_set_tsc_deadline(vcpu, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->arch.lapic->timer));

	/* The count registers mean nothing in this mode. */
	lhv_lapic_write(vcpu, APIC_TMICT, 1000);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMICT), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMCCT), 0);
}

static void mode_switch_disarms(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	lhv_lapic_set_tsc_deadline(vcpu, 1);
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), 0ull);
	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR | APIC_LVT_TIMER_PERIODIC);
	KUNIT_EXPECT_TRUE(test, lapic->armed);
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR | APIC_LVT_TIMER_TSCDEADLINE);
	KUNIT_EXPECT_FALSE(test, lapic->armed);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMICT), 0);
	lhv_lapic_set_tsc_deadline(vcpu, lapic_guest_tsc(vcpu) + LONG_COUNT);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&lapic->timer));
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR);
	KUNIT_EXPECT_FALSE(test, lapic->armed);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer));
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_tsc_deadline(vcpu), 0ull);
}

static void tsc_moves(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_128);
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u64 expiry;

	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	expiry = lapic->expiry;
	vcpu->arch.tsc_offset += LONG_COUNT;
	lhv_lapic_tsc_changed(vcpu);
	KUNIT_EXPECT_EQ(test, lapic->expiry, expiry);

	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR | APIC_LVT_TIMER_TSCDEADLINE);
	lhv_lapic_set_tsc_deadline(vcpu, lapic_guest_tsc(vcpu) + LONG_COUNT);
	vcpu->arch.tsc_offset += 2ull * LONG_COUNT;
	lhv_lapic_tsc_changed(vcpu);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_TIMER, &vcpu->requests));
}

static void migrate(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_timer_vcpu(test, 0, APIC_TDR_DIV_1);
	struct hrtimer *timer = &vcpu->arch.lapic->timer;
	ktime_t before, after;
	bool idle, running;

	local_irq_disable();
	lhv_lapic_timer_migrate(vcpu);
	idle = !hrtimer_active(timer);
	lhv_lapic_write(vcpu, APIC_TMICT, LONG_COUNT);
	before = hrtimer_get_expires(timer);
	lhv_lapic_timer_migrate(vcpu);
	after = hrtimer_get_expires(timer);
	running = hrtimer_active(timer);
	local_irq_enable();
	KUNIT_EXPECT_TRUE(test, idle);
	KUNIT_EXPECT_TRUE(test, running);
	KUNIT_EXPECT_EQ(test, after, before);
}

static struct kunit_case lapic_timer_cases[] = {
	KUNIT_CASE(dividers),
	KUNIT_CASE(conversion),
	KUNIT_CASE(current_count),
	KUNIT_CASE(one_shot),
	KUNIT_CASE(masked),
	KUNIT_CASE(periodic),
	KUNIT_CASE(period_floor),
	KUNIT_CASE(tsc_deadline),
	KUNIT_CASE(mode_switch_disarms),
	KUNIT_CASE(tsc_moves),
	KUNIT_CASE(migrate),
	{}
};

static struct kunit_suite lapic_timer_suite = {
	.name = "lhv-lapic-timer",
	.init = lapic_fixture_init,
	.exit = lapic_fixture_exit,
	.test_cases = lapic_timer_cases,
};

kunit_test_suite(lapic_timer_suite);
