// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer: one-shot, periodic and TSC-deadline (SDM 3A 11.5.4)
 */
#include "payload.h"

#define VECTOR		0x40
#define COUNT		500000	/* timer ticks, divided by 1 */
#define SOON		50000	/* TSC ticks */
#define LONG		0x7fffffff

static u32 fired;

static void on_timer(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(fired, fired + 1);
	apic_eoi();
}

static u32 take_fired(void)
{
	u32 n = READ_ONCE(fired);

	fired = 0;
	return n;
}

static void start(u32 mode, u32 count)
{
	apic_write(APIC_LVT_TIMER, mode | VECTOR);
	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_TMICT, count);
}

/* With interrupts on */
static void wait_ticks(u64 ticks)
{
	u64 end = rdtsc() + ticks;

	irq_enable();
	while (rdtsc() < end)
		cpu_relax();
	irq_disable();
}

static void halt_until_fired(u32 n)
{
	GUEST_HALT_UNTIL(READ_ONCE(fired) >= n);
	irq_disable();
}

/* TSC ticks of one period, halted: also what to wait to see that nothing comes. */
static u64 period;

static void one_shot(void)
{
	u64 begin = rdtsc();
	u32 first, second;

	start(0, COUNT);
	first = apic_read(APIC_TMCCT);
	check_true("the count is that or less", first && first <= COUNT);
	second = apic_read(APIC_TMCCT);
	check_true("it goes down", second < first);
	check("nothing comes with IF clear", 0, READ_ONCE(fired));
	halt_until_fired(1);
	period = rdtsc() - begin;
	check("one-shot wakes HLT", 1, take_fired());
	check("then the count is 0", 0, apic_read(APIC_TMCCT));
	wait_ticks(2 * period);
	check("one-shot comes once", 0, take_fired());

	start(0, LONG);
	check("the initial count reads back", LONG, apic_read(APIC_TMICT));
	apic_write(APIC_TMICT, 0);
	check("0 stops it", 0, apic_read(APIC_TMCCT));
	start(0, COUNT);
	start(0, 0);
	wait_ticks(2 * period);
	check("stopped, nothing comes", 0, take_fired());
	start(LVT_MASKED, COUNT);
	wait_ticks(2 * period);
	check("masked, nothing comes", 0, take_fired());
	check("masked, it counts", 0, apic_read(APIC_TMCCT));
	start(0, COUNT);
	wait_ticks(2 * period);
	check("while it spins, it comes", 1, take_fired());
}

/* How far it gets in the same time, divided by 1 and by 16. */
static void dividing(void)
{
	u64 by[2], begin;
	int i;

	for (i = 0; i < 2; i++) {
		apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR);
		apic_write(APIC_TDCR, i ? 3 : TDCR_DIVIDE_1);
		apic_write(APIC_TMICT, LONG);
		begin = rdtsc();
		while (rdtsc() - begin < 16 * period)
			cpu_relax();
		by[i] = LONG - apic_read(APIC_TMCCT);
	}
	check_true("divided by 16, it is slower by about that", by[0] > 12 * by[1] &&
		   by[0] < 20 * by[1]);
	start(0, 0);
}

static void periodic(void)
{
	u32 count;

	take_fired();
	start(LVT_PERIODIC, COUNT);
	halt_until_fired(5);
	check_true("periodic comes again and again", take_fired() >= 5);
	count = apic_read(APIC_TMCCT);
	check_true("it counts anew", count && count <= COUNT);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | VECTOR);
	wait_ticks(period);
	take_fired();
	wait_ticks(2 * period);
	check("masked, it stops coming", 0, take_fired());
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	halt_until_fired(1);
	check_true("unmasked, it comes again", take_fired());
	apic_write(APIC_TMICT, 0);
	wait_ticks(period);
	take_fired();
	wait_ticks(2 * period);
	check("0 stops it for good", 0, take_fired());
}

static void deadline(void)
{
	u64 when;

	if (!cpu_has(FEATURE_TSC_DEADLINE)) {
		check_skip("TSC deadline", "the CPU has none");
		return;
	}
	start(0, 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + SOON);
	check("in another mode a deadline is ignored", 0, rdmsr(MSR_TSC_DEADLINE));
	start(LVT_DEADLINE, 0);
	when = rdtsc() + SOON;
	wrmsr(MSR_TSC_DEADLINE, when);
	check("a deadline reads back", when, rdmsr(MSR_TSC_DEADLINE));
	halt_until_fired(1);
	check_true("it comes, and not before", rdtsc() >= when);
	check("it comes once", 1, take_fired());
	check("then it reads 0", 0, rdmsr(MSR_TSC_DEADLINE));
	wrmsr(MSR_TSC_DEADLINE, 1);
	halt_until_fired(1);
	check("one that has passed comes at once", 1, take_fired());
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + SOON);
	wrmsr(MSR_TSC_DEADLINE, 0);
	wait_ticks(3 * SOON);
	check("0 disarms it", 0, take_fired());
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + SOON);
	apic_write(APIC_LVT_TIMER, VECTOR);
	check("another mode disarms it", 0, rdmsr(MSR_TSC_DEADLINE));
	wait_ticks(3 * SOON);
	check("then nothing comes", 0, take_fired());
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	apic_write(APIC_TMICT, COUNT);
	check("in this mode the initial count is ignored", 0, apic_read(APIC_TMCCT));
	wait_ticks(2 * period);
	check("and nothing comes of it", 0, take_fired());
}

void payload(void)
{
	guest_handler[VECTOR] = on_timer;
	apic_init(false);
	one_shot();
	dividing();
	periodic();
	deadline();
}
