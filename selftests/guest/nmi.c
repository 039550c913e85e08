// SPDX-License-Identifier: GPL-2.0-only
/*
 * Non-maskable interrupts: when they come, and when they are blocked (SDM 3A 6.7)
 */
#include "rings.h"

#define VECTOR	0x40
#define MANY	200

static u32 nmis, inside, depth, deepest;
static struct trap_frame last;
static void (*in_handler)(void);

static void send_nmi(void)
{
	apic_icr(0, ICR_NMI | ICR_ASSERT);
}

static void on_nmi(struct trap_frame *frame)
{
	void (*first)(void) = in_handler;

	last = *frame;
	nmis++;
	depth++;
	if (depth > deepest)
		deepest = depth;
	in_handler = NULL;
	if (first)
		first();
	depth--;
}

/* Waits for what comes asynchronously: some instructions later at most. */
static void settle(void)
{
	int i;

	for (i = 0; i < 100; i++)
		cpu_relax();
}

static u32 take_nmis(void)
{
	u32 n = READ_ONCE(nmis);

	nmis = 0;
	return n;
}

static void send_two(void)
{
	send_nmi();
	send_nmi();
	settle();
	inside = nmis;
}

static void send_and_fault(void)
{
	send_nmi();
	settle();
	inside = nmis;
	attempt("ud2", : : : "memory");	/* its handler's IRET unblocks */
	settle();
}

static u32 interrupts;

static void on_interrupt(struct trap_frame *frame)
{
	(void)frame;
	interrupts++;
	apic_eoi();
}

static void enable_interrupts(void)
{
	apic_icr(0, ICR_SELF | ICR_ASSERT | VECTOR);
	irq_enable();
	asm volatile("nop; nop");
	irq_disable();
	inside = interrupts;
}

static void coming(void)
{
	u32 i, wrong = 0;

	send_nmi();
	settle();
	check("an NMI comes with IF clear", 1, take_nmis());
	check("it has vector 2", VECTOR_NMI, last.vector);
	check("no interrupt is acknowledged by it", 0, apic_bit(APIC_ISR, VECTOR_NMI));
	for (i = 0; i < MANY; i++) {
		send_nmi();
		settle();
		wrong += take_nmis() != 1;
	}
	check("each of many comes once", 0, wrong);
	write_register(cr8, 15);
	send_nmi();
	settle();
	check("TPR doesn't hold it back", 1, take_nmis());
	write_register(cr8, 0);
	asm volatile("int $2" : : : "memory");
	check("INT 2 runs the handler", 1, take_nmis());
	send_nmi();
	settle();
	check("INT 2 doesn't block NMIs afterwards", 1, take_nmis());
}

static void blocking(void)
{
	in_handler = send_two;
	deepest = 0;
	send_nmi();
	settle();
	check("in the handler none comes", 1, inside);
	check("of two that wait one is left", 2, take_nmis());
	check("handlers weren't nested", 1, deepest);

	in_handler = send_and_fault;
	deepest = 0;
	send_nmi();
	settle();
	check("in the handler none comes before IRET", 1, inside);
	check("an exception's IRET lets it in", 2, take_nmis());
	check("so handlers were nested", 2, deepest);

	in_handler = enable_interrupts;
	guest_handler[VECTOR] = on_interrupt;
	send_nmi();
	settle();
	check("interrupts come in an NMI handler if it wants them", 1, inside);
	check("that was one NMI", 1, take_nmis());
}

static void stacks(void)
{
	tss_set_ist(1, LAYOUT_FREE + 0x2000);
	gate_set_ist(VECTOR_NMI, 1);
	send_nmi();
	settle();
	check("an NMI on IST's stack", 1, take_nmis());
	in_handler = send_nmi;
	send_nmi();
	settle();
	check("one that was sent in the handler is next on it", 2, take_nmis());
	gate_set_ist(VECTOR_NMI, 0);
}

void payload(void)
{
	guest_handler[VECTOR_NMI] = on_nmi;
	apic_init(false);
	coming();
	blocking();
	stacks();
}
