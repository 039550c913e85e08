// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers, IPIs, NMIs and messages: each must come, once. And where exactly those
 * are taken that wait for a shadow to end, or for the task priority.
 */
#include "apic.h"
#include "work.h"

/* By priority class; CR8 is below them but in work_priorities(). */
#define VECTOR_OUTER	0x51
#define VECTOR_LOW	0x61
#define VECTOR_HIGH	0x62
#define VECTOR_INNER	0x71
#define VECTOR_IPI	0x81
#define VECTOR_SHADOW	0x91
#define VECTOR_LEVEL	0xa1
#define VECTOR_TIMER	0xe1
#define VECTOR_PERIODIC	0xe2

/* As early as the module may let a timer fire (half a microsecond), and then some. */
#define EARLY		3000

#define LONG_COUNT	0x40000000U
#define PERIOD		20000

static u32 neighbour(void)
{
	return (guest_cpu()->id + 1) % work_plan.cpus;
}

/* ---- timers ------------------------------------------------------------------------------ */

static void on_timer(struct trap_frame *frame)
{
	struct work *w = my_work();

	(void)frame;
	GUEST_ASSERT(rdtsc() + EARLY >= w->due);
	apic_eoi();
}

static void on_periodic(struct trap_frame *frame)
{
	(void)frame;
	my_work()->ticks++;
	apic_eoi();
}

/* HLT, or computing, until the vector came once more. */
static void wait_for(u8 vector, u32 count)
{
	if (work_random() & 1)
		GUEST_HALT_UNTIL(guest_count(vector) >= count);
	else
		GUEST_SPIN_UNTIL(guest_count(vector) >= count);
	GUEST_ASSERT_EQ(count, guest_count(vector));
}

static u32 divider_shift(u32 tdcr)
{
	return ((tdcr & 3) + (tdcr >> 1 & 4) + 1) & 7;
}

static void work_one_shot(void)
{
	static const u8 dividers[] = { 0xb, 0x0, 0x1, 0xa };
	u32 n = 100 + work_random() % 4000;
	u32 tdcr = dividers[work_random() % ARRAY_SIZE(dividers)];

	apic_write(APIC_TDCR, tdcr);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	my_work()->timers++;
	my_work()->due = rdtsc() + ((u64)n << divider_shift(tdcr));
	apic_write(APIC_TMICT, n);
	wait_for(VECTOR_TIMER, my_work()->timers);
	GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	work_mix(apic_read(APIC_TDCR));
	work_mix(apic_read(APIC_TMICT));
}

void work_timer_start(u32 ticks)
{
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VECTOR_TIMER);
	my_work()->timers++;
	my_work()->due = rdtsc() + ticks;
	wrmsr(MSR_TSC_DEADLINE, my_work()->due);
}

void work_timer_wait(void)
{
	wait_for(VECTOR_TIMER, my_work()->timers);
	GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_DEADLINE));
}

static void work_deadline(void)
{
	work_timer_start(work_random() % 20000);
	work_timer_wait();
}

/*
 * Ticks: some, and no more than there was time for. How many are missed depends
 * on the host.
 */
static void work_periodic(void)
{
	u64 first = my_work()->ticks, start = rdtsc(), ticks;

	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR_PERIODIC);
	apic_write(APIC_TMICT, PERIOD);
	GUEST_HALT_UNTIL(my_work()->ticks >= first + 3);
	irq_disable();
	ticks = my_work()->ticks - first;
	GUEST_ASSERT(ticks <= (rdtsc() - start + EARLY) / PERIOD);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_PERIODIC);
	apic_write(APIC_TMICT, 0);
	irq_enable();
	/* What had come before it was stopped */
	GUEST_ASSERT(my_work()->ticks <= first + ticks + 1);
}

/* A count too long to end goes down with the TSC, round after round. */
static void work_long_count(void)
{
	u64 armed[2], seen[2], passed;

	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	armed[0] = rdtsc();
	apic_write(APIC_TMICT, LONG_COUNT);
	armed[1] = rdtsc();
	work_close_closet();
	*(volatile u64 *)work_closet(guest_cpu()->id) = 1;
	seen[0] = rdtsc();
	passed = LONG_COUNT - apic_read(APIC_TMCCT);
	seen[1] = rdtsc();
	GUEST_ASSERT(passed + 1 >= seen[0] - armed[1]);
	GUEST_ASSERT(passed <= seen[1] - armed[0]);
	apic_write(APIC_TMICT, 0);
}

/* ---- IPIs, NMIs, messages ---------------------------------------------------------------- */

/* The sender waits for each, and so knows whose it is. */
static void on_ipi(struct trap_frame *frame)
{
	u32 sender = (guest_cpu()->id + work_plan.cpus - 1) % work_plan.cpus;

	(void)frame;
	WRITE_ONCE(work[sender].acks, work[sender].acks + 1);
	apic_eoi();
}

static void work_ipi(void)
{
	struct work *w = my_work();
	u64 acks = w->acks;

	apic_icr(neighbour(), ICR_FIXED | ICR_ASSERT | VECTOR_IPI);
	WORK_SPIN_UNTIL(READ_ONCE(w->acks) != acks);
	GUEST_ASSERT_EQ(acks + 1, READ_ONCE(w->acks));
}

/* Comes with another one in its handler. */
static void work_nmi(void)
{
	volatile u64 *nmis = &work[neighbour()].nmis;
	u64 before = *nmis;

	apic_icr(neighbour(), ICR_NMI | ICR_ASSERT);
	WORK_SPIN_UNTIL(*nmis >= before + 2);
	GUEST_ASSERT_EQ(before + 2, *nmis);
}

static void work_level(void)
{
	u32 count = guest_count(VECTOR_LEVEL);

	work_close_closet();
	outb(WORK_LEVEL, VECTOR_LEVEL);
	wait_for(VECTOR_LEVEL, count + 1);
}

/* ---- where they are taken ---------------------------------------------------------------- */

static void on_shadow(struct trap_frame *frame)
{
	work_mix(frame->rip);
	apic_eoi();
}

static void send_to_self(u8 vector)
{
	apic_icr(0, ICR_SELF | ICR_FIXED | ICR_ASSERT | vector);
}

/* Behind the instruction that follows STI, and MOV to SS. */
static void work_shadows(void)
{
	volatile u64 *closet = (void *)work_closet(guest_cpu()->id);

	irq_disable();
	send_to_self(VECTOR_SHADOW);
	work_close_closet();
	asm volatile("sti\n\t movq (%0), %%rax\n\t cli" : : "r"(closet) : "rax", "memory");
	send_to_self(VECTOR_SHADOW);
	work_close_closet();
	asm volatile("mov %%ss, %%eax\n\t sti\n\t mov %%eax, %%ss\n\t movq (%0), %%rax\n\t cli"
		     : : "r"(closet) : "rax", "memory");
	send_to_self(VECTOR_SHADOW);
	work_close_closet();
	asm volatile("sti\n\t hlt\n\t movq (%0), %%rax" : : "r"(closet) : "rax", "memory");
	work_mix(guest_count(VECTOR_SHADOW));
}

static void on_priority(struct trap_frame *frame)
{
	work_mix(frame->vector);
	apic_eoi();
}

/* Another one of a higher class comes before it ends. */
static void on_outer(struct trap_frame *frame)
{
	work_mix(frame->vector);
	send_to_self(VECTOR_INNER);
	irq_enable();
	GUEST_SPIN_UNTIL(guest_count(VECTOR_INNER) == guest_count(VECTOR_OUTER));
	irq_disable();
	work_mix(apic_bit(APIC_ISR, VECTOR_OUTER));
	apic_eoi();
}

static void work_priorities(void)
{
	u64 cr8 = read_register(cr8);

	write_register(cr8, 6);
	send_to_self(VECTOR_LOW);
	send_to_self(VECTOR_HIGH);
	send_to_self(VECTOR_OUTER);
	work_mix(apic_bit(APIC_IRR, VECTOR_LOW));
	work_mix(apic_bit(APIC_IRR, VECTOR_OUTER));
	work_mix(apic_read(APIC_PPR));
	write_register(cr8, 5);
	work_mix(guest_count(VECTOR_LOW));
	write_register(cr8, cr8);
	work_mix(guest_count(VECTOR_OUTER));
}

void work_interrupts_init(void)
{
	guest_handler[VECTOR_OUTER] = on_outer;
	guest_handler[VECTOR_LOW] = on_priority;
	guest_handler[VECTOR_HIGH] = on_priority;
	guest_handler[VECTOR_INNER] = on_priority;
	guest_handler[VECTOR_IPI] = on_ipi;
	guest_handler[VECTOR_SHADOW] = on_shadow;
	guest_handler[VECTOR_LEVEL] = guest_count_irq;
	guest_handler[VECTOR_TIMER] = on_timer;
	guest_handler[VECTOR_PERIODIC] = on_periodic;
	/* None of them lets another in. */
	work_use_closet(VECTOR_LOW, 1);
	work_use_closet(VECTOR_HIGH, 1);
	work_use_closet(VECTOR_IPI, 1);
	work_use_closet(VECTOR_SHADOW, 1);
	work_use_closet(VECTOR_LEVEL, 1);
	work_use_closet(VECTOR_TIMER, 1);
}

void work_interrupts(void)
{
	work_one_shot();
	work_deadline();
	work_periodic();
	work_long_count();
	work_ipi();
	work_nmi();
	work_level();
	work_shadows();
	work_priorities();
}
