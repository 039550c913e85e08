// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer in its three modes. A timer may be late by as much as the host
 * is busy, but never early; the guest's clock is the TSC.
 */
#include "apic.h"
#include "test.h"

#define VECTOR	0xe0

/* TSC ticks per tick of the timer, times 1000; set by the host. */
static u64 tsc_per_tick;
static u64 tsc_khz;
/* When it last came. */
static u64 fired_at;

static void on_timer(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(fired_at, rdtsc());
	apic_eoi();
}

static u64 ms_to_tsc(u64 ms)
{
	return ms * tsc_khz;
}

/* Ticks of the timer, undivided. */
static u32 ms_to_ticks(u64 ms)
{
	return ms * tsc_khz * 1000 / tsc_per_tick;
}

static u64 ticks_to_tsc(u64 ticks)
{
	return ticks * tsc_per_tick / 1000;
}

static void timer_init(bool x2apic, u32 lvt)
{
	guest_handler[VECTOR] = on_timer;
	apic_init(x2apic);
	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, lvt | VECTOR);
	irq_enable();
}

FIXTURE(timer) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_VARIANT(timer) {
	bool x2apic;
};

FIXTURE_VARIANT_ADD(timer, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(timer, x2apic) { .x2apic = true };

FIXTURE_SETUP(timer)
{
	struct lhv_info info;
	int dev = dev_open();

	REQUIRE_OK(lhv_info(dev, &info));
	close(dev);
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	guest_var(self->vm, tsc_khz) = info.tsc_khz;
	guest_var(self->vm, tsc_per_tick) = info.tsc_khz * 1000ULL / info.apic_timer_khz;
}

FIXTURE_TEARDOWN(timer)
{
	vm_close(self->vm);
}

#define GUEST_TEST(name)						\
	TEST_F(timer, name)						\
	{								\
		vcpu_set_long(self->vcpu, guest_##name, variant->x2apic, 0); \
		vcpu_run_to_done(self->vcpu);				\
	}

/* SDM 3A figure 11-10: divisors 2 to 128, and 1. */
static const u32 divide_codes[] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };

static void guest_one_shot(u64 x2apic)
{
	u32 ticks, i;
	u64 start;

	timer_init(x2apic, 0);
	for (i = 0; i < ARRAY_SIZE(divide_codes); i++) {
		apic_write(APIC_TDCR, divide_codes[i]);
		GUEST_ASSERT_EQ(divide_codes[i], apic_read(APIC_TDCR));
		ticks = ms_to_ticks(2) >> i;
		start = rdtsc();
		apic_write(APIC_TMICT, ticks);
		GUEST_ASSERT_EQ(ticks, apic_read(APIC_TMICT));
		GUEST_HALT_UNTIL(guest_count(VECTOR) == i + 1);
		GUEST_ASSERT(fired_at - start >= ticks_to_tsc((u64)ticks << i));
		GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	}
	/* Once is once. */
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(5));
	GUEST_ASSERT_EQ(ARRAY_SIZE(divide_codes), guest_count(VECTOR));
}

GUEST_TEST(one_shot)

static void guest_current_count(u64 x2apic)
{
	u32 ticks = ms_to_ticks(50), now, before = ticks;
	u64 start, elapsed;
	int i;

	timer_init(x2apic, 0);
	GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	start = rdtsc();
	apic_write(APIC_TMICT, ticks);
	for (i = 0; i < 20; i++) {
		now = apic_read(APIC_TMCCT);
		elapsed = rdtsc() - start;
		GUEST_ASSERT(now <= before);
		/* It can't have counted more than the TSC has. */
		GUEST_ASSERT(ticks_to_tsc(ticks - now) <= elapsed);
		before = now;
	}
	GUEST_ASSERT(now < ticks);
	/* 0 stops it. */
	apic_write(APIC_TMICT, 0);
	GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(60));
	GUEST_ASSERT_EQ(0, guest_count(VECTOR));
}

GUEST_TEST(current_count)

#define PERIODS	20

static void guest_periodic(u64 x2apic)
{
	u32 ticks, count;
	u64 start;

	timer_init(x2apic, LVT_PERIODIC);
	ticks = ms_to_ticks(1);
	start = rdtsc();
	apic_write(APIC_TMICT, ticks);
	for (count = 1; count <= PERIODS; count++) {
		GUEST_HALT_UNTIL(guest_count(VECTOR) >= count);
		GUEST_ASSERT(rdtsc() - start >= ticks_to_tsc(ticks) * guest_count(VECTOR));
	}
	GUEST_ASSERT(apic_read(APIC_TMCCT) <= ticks);
	/* Masked it counts on in silence. */
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | VECTOR);
	count = guest_count(VECTOR);
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(4));
	GUEST_ASSERT_EQ(count, guest_count(VECTOR));
	GUEST_ASSERT(!apic_bit(APIC_IRR, VECTOR));
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	GUEST_HALT_UNTIL(guest_count(VECTOR) > count);
	apic_write(APIC_TMICT, 0);
	count = guest_count(VECTOR);
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(4));
	GUEST_ASSERT_EQ(count, guest_count(VECTOR));
}

GUEST_TEST(periodic)

static void guest_deadline(u64 x2apic)
{
	u64 deadline, start;
	u32 i;

	timer_init(x2apic, LVT_DEADLINE);
	for (i = 1; i <= 5; i++) {
		deadline = rdtsc() + ms_to_tsc(i);
		wrmsr(MSR_TSC_DEADLINE, deadline);
		GUEST_ASSERT_EQ(deadline, rdmsr(MSR_TSC_DEADLINE));
		GUEST_HALT_UNTIL(guest_count(VECTOR) == i);
		GUEST_ASSERT(fired_at >= deadline);
		/* Fired, it is disarmed. */
		GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_DEADLINE));
	}
	/* In the past: at once */
	wrmsr(MSR_TSC_DEADLINE, 1);
	GUEST_HALT_UNTIL(guest_count(VECTOR) == 6);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() - 1000);
	GUEST_HALT_UNTIL(guest_count(VECTOR) == 7);
	/* 0 disarms; and the count registers mean nothing in this mode. */
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + ms_to_tsc(5));
	wrmsr(MSR_TSC_DEADLINE, 0);
	GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_DEADLINE));
	apic_write(APIC_TMICT, 100);
	GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(8));
	GUEST_ASSERT_EQ(7, guest_count(VECTOR));
	/* A new deadline takes the old one's place. */
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + ms_to_tsc(1000));
	wrmsr(MSR_TSC_DEADLINE, start + ms_to_tsc(2));
	GUEST_HALT_UNTIL(guest_count(VECTOR) == 8);
	GUEST_ASSERT(fired_at - start < ms_to_tsc(1000));
	/* As far away as can be */
	wrmsr(MSR_TSC_DEADLINE, ~0ULL);
	GUEST_ASSERT_EQ(~0ULL, rdmsr(MSR_TSC_DEADLINE));
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(2));
	GUEST_ASSERT_EQ(8, guest_count(VECTOR));
}

GUEST_TEST(deadline)

/* Another mode disarms, and outside its mode the MSR is dead. */
static void guest_mode_change(u64 x2apic)
{
	u64 start;

	timer_init(x2apic, LVT_DEADLINE);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + ms_to_tsc(3));
	apic_write(APIC_LVT_TIMER, VECTOR);
	GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_DEADLINE));
	wrmsr(MSR_TSC_DEADLINE, start + ms_to_tsc(3));
	GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_DEADLINE));
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(6));
	GUEST_ASSERT_EQ(0, guest_count(VECTOR));
	apic_write(APIC_TMICT, ms_to_ticks(3));
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(6));
	GUEST_ASSERT_EQ(0, guest_count(VECTOR));
}

GUEST_TEST(mode_change)

static void guest_masked(u64 x2apic)
{
	u64 start;

	timer_init(x2apic, LVT_MASKED);
	start = rdtsc();
	apic_write(APIC_TMICT, ms_to_ticks(1));
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(4));
	GUEST_ASSERT_EQ(0, guest_count(VECTOR));
	GUEST_ASSERT(!apic_bit(APIC_IRR, VECTOR));
	/* What was missed is lost. */
	apic_write(APIC_LVT_TIMER, VECTOR);
	start = rdtsc();
	GUEST_SPIN_UNTIL(rdtsc() - start > ms_to_tsc(2));
	GUEST_ASSERT_EQ(0, guest_count(VECTOR));
}

GUEST_TEST(masked)

/* ---- the host's part --------------------------------------------------------- */

static void guest_arm_and_leave(u64 x2apic)
{
	timer_init(x2apic, 0);
	irq_disable();
	apic_write(APIC_TMICT, ms_to_ticks(5));
	GUEST_REPORT(1);
	/* Long over by now */
	irq_enable();
	asm volatile("nop" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(VECTOR));
}

/* It fires while the vCPU is out, and is there when it comes back. */
TEST_F(timer, fires_outside)
{
	vcpu_set_long(self->vcpu, guest_arm_and_leave, variant->x2apic, 0);
	vcpu_run_to_report(self->vcpu, 1);
	usleep(10000);
	vcpu_run_to_done(self->vcpu);
}

static void guest_halt_for_timer(u64 x2apic)
{
	timer_init(x2apic, 0);
	irq_disable();
	apic_write(APIC_TMICT, ms_to_ticks(30));
	irq_enable_halt();
	GUEST_ASSERT_EQ(1, guest_count(VECTOR));
}

TEST_F(timer, wakes_from_halt)
{
	u64 halted;

	vcpu_set_long(self->vcpu, guest_halt_for_timer, variant->x2apic, 0);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(1, vcpu_stat(self->vcpu, LHV_VCPU_STAT_HLT_EXITS));
	/* It blocked for most of that time, and this thread with it. */
	halted = vcpu_stat(self->vcpu, LHV_VCPU_STAT_HALT_NS);
	EXPECT_LT(1000000, halted);
}

/* The record of an armed timer, written to another vCPU, fires there. */
static void guest_arm_and_wait(u64 x2apic)
{
	timer_init(x2apic, 0);
	irq_disable();
	apic_write(APIC_TMICT, ms_to_ticks(20));
	GUEST_REPORT(1);
	GUEST_HALT_UNTIL(guest_count(VECTOR));
}

TEST_F(timer, moves_with_its_state)
{
	struct lhv_lapic_state lapic, again;
	struct lhv_sregs sregs;
	struct lhv_regs regs;
	struct lhv_tsc tsc;

	vcpu_set_long(self->vcpu, guest_arm_and_wait, variant->x2apic, 0);
	vcpu_run_to_report(self->vcpu, 1);
	vcpu_complete(self->vcpu);
	vcpu_get_regs(self->vcpu, &regs);
	vcpu_get_sregs(self->vcpu, &sregs);
	vcpu_get(self->vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	vcpu_get(self->vcpu, LHV_STATE_LAPIC, &lapic, sizeof(lapic));
	EXPECT_NE(0, lapic.timer_expiry);

	vcpu_close(self->vcpu);
	vcpu_create(self->vm, 0);
	vcpu_set_sregs(self->vcpu, &sregs);
	vcpu_set_regs(self->vcpu, &regs);
	vcpu_set(self->vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	vcpu_set(self->vcpu, LHV_STATE_LAPIC, &lapic, sizeof(lapic));
	vcpu_get(self->vcpu, LHV_STATE_LAPIC, &again, sizeof(again));
	EXPECT_EQ(lapic.timer_expiry, again.timer_expiry);
	vcpu_run_to_done(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_LAPIC, &again, sizeof(again));
	EXPECT_EQ(0, again.timer_expiry);
}

TEST_HARNESS_MAIN
