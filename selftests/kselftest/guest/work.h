/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that computes a checksum of all that a vCPU has: memory, registers,
 * what its devices, exceptions, interrupts and timers did. The sums of two runs
 * with the same seed are equal, wherever they were interrupted.
 *
 * The sum holds nothing that depends on time. What comes at any time (timers,
 * IPIs, NMIs) is counted, and the guest waits until the count is what it must be.
 */
#ifndef LHV_TEST_WORK_H
#define LHV_TEST_WORK_H

#include "guest.h"

#define WORK_MAX_CPUS	4

/* Ports. Each vCPU has a device of its own behind them. */
#define WORK_DATA	0x200	/* any size, strings too */
#define WORK_LEVEL	0x210	/* OUT: send a level-triggered interrupt, this vector */
#define WORK_CLOSE	0x214	/* OUT: no access to the vCPU's closet */

/* Registers in memory of the same device: any address in the page. */
#define WORK_MMIO	0xd0000000UL

/*
 * Two pages for each vCPU, which the host closes: the next access leaves the
 * guest as LHV_EXIT_MEMORY_FAULT, and the host opens them again. They are
 * stacks, so events are interrupted in the middle of their delivery.
 */
#define WORK_CLOSET	0x50000000UL
#define WORK_CLOSET_SIZE (2 * GUEST_PAGE)

static inline u64 work_closet(u32 id)
{
	return WORK_CLOSET + id * WORK_CLOSET_SIZE;
}

/**
 * struct work - a vCPU's work and what came of it
 * @sum:	checksum
 * @random:	state of the guest's numbers
 * @tsc:	last TSC seen
 * @nmis:	NMIs taken
 * @steps:	debug exceptions
 * @last_step:	RIP of the last one
 * @acks:	IPIs that this vCPU's neighbour took
 * @ticks:	of the periodic timer
 * @timers:	one-shots and deadlines armed
 * @due:	TSC before which the timer's next interrupt is too early
 * @area:	memory to compute with
 */
struct work {
	u64 sum;
	u64 random;
	u64 tsc;
	u64 nmis;
	u64 steps;
	u64 last_step;
	u64 acks;
	u64 ticks;
	u64 timers;
	u64 due;
	u64 area[2 * 512];
};

/* What the host sets before the start. */
struct work_plan {
	u64 seed;
	u64 cpus;
	u64 rounds;
	u64 x2apic;
};

extern struct work work[WORK_MAX_CPUS];
extern struct work_plan work_plan;

/* For vCPU 0, which starts the others. */
void work_main(void);

/* ---- within the guest ---------------------------------------------------------------- */

static inline struct work *my_work(void)
{
	return &work[guest_cpu()->id];
}

/* To the next instruction; ends blocking by NMI. */
static inline void work_iret(void)
{
	asm volatile("mov %%rsp, %%rax\n\t"
		     "mov %%ss, %%ecx\n\t push %%rcx\n\t push %%rax\n\t pushfq\n\t"
		     "mov %%cs, %%ecx\n\t push %%rcx\n\t lea 1f(%%rip), %%rcx\n\t push %%rcx\n\t"
		     "iretq\n1:" : : : "rax", "rcx", "cc", "memory");
}

/*
 * For others' work. In the lab a vCPU gets the blocking by NMI of one that ran on
 * the same CPU before it (docs/lab.md), and without an IRET would never lose it.
 */
#define WORK_SPIN_UNTIL(condition)	GUEST_SPIN_UNTIL(({ work_iret(); (condition); }))

/* Not in handlers of what comes at any time. */
static inline void work_mix(u64 value)
{
	struct work *w = my_work();

	w->sum = (w->sum ^ value) * 0x9e3779b97f4a7c15;
	w->sum ^= w->sum >> 29;
}

/* SplitMix64, of this vCPU */
static inline u64 work_random(void)
{
	u64 z = my_work()->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	return z ^ (z >> 27);
}

static inline void work_close_closet(void)
{
	outb(WORK_CLOSE, 0);
}

/*
 * The vector's handler gets a stack in the closet (in its IDT gate, SDM 3A figure
 * 6-8): page 1 or 2, of which one handler at a time may make use.
 */
static inline void work_use_closet(u8 vector, u8 page)
{
	((u8 *)LAYOUT_IDT)[16 * vector + 4] = page;
}

/* Registers: work_state.c. */
void work_state_init(void);
void work_state(void);
/* Devices: work_devices.c. */
void work_devices(void);
/* Exceptions, steps, breakpoints: work_exceptions.c. */
void work_exceptions_init(void);
void work_exceptions(void);
/* Interrupts and timers: work_interrupts.c. */
void work_interrupts_init(void);
void work_interrupts(void);
/* Fires once, after so many ticks; and has fired. */
void work_timer_start(u32 ticks);
void work_timer_wait(void);

#endif /* LHV_TEST_WORK_H */
