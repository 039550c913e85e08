// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of one processor, in xAPIC and x2APIC mode: registers,
 * priorities, the task priority, and the ways between the modes (SDM 3A chapter 11)
 */
#include "payload.h"

#define LOW	0x41
#define MIDDLE	0x51
#define HIGH	0x61
#define SPURIOUS 0xff

#define X2APIC_MSR(reg)	(0x800 + (reg) / 16)

static bool x2apic;

static const char *in_mode(const char *name)
{
	return joined(x2apic ? "x2APIC, " : "xAPIC, ", name);
}

#define check_mode(name, want, got)	check(in_mode(name), want, got)

/* ---- handlers note the order in which they come ------------------------------- */

static u8 order[16];
static u32 count;
static u8 send_inside, isr_seen, ppr_seen;

static void note(struct trap_frame *frame)
{
	if (count < sizeof(order))
		order[count] = frame->vector;
	count++;
}

static void on_interrupt(struct trap_frame *frame)
{
	note(frame);
	apic_eoi();
}

static void self_ipi(u8 vector)
{
	apic_icr(0, ICR_SELF | ICR_ASSERT | vector);
}

/* Sends another vector from within, with interrupts on, before its EOI. */
static void on_middle(struct trap_frame *frame)
{
	note(frame);
	isr_seen = apic_bit(APIC_ISR, frame->vector);
	ppr_seen = apic_read(APIC_PPR);
	if (send_inside) {
		self_ipi(send_inside);
		asm volatile("sti; nop; nop; cli" : : : "memory");
	}
	if (count < sizeof(order))
		order[count++] = 0xee;
	apic_eoi();
}

static u64 order_seen(void)
{
	u64 seen = 0;
	u32 i;

	for (i = 0; i < count && i < 8; i++)
		seen = seen << 8 | order[i];
	count = 0;
	return seen;
}

/* Interrupts on for a moment. */
static void let_in(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

/* ---- both modes ------------------------------------------------------------------ */

static void registers(void)
{
	u32 version = apic_read(APIC_VERSION);

	check_mode("id", 0, apic_read(APIC_ID));
	check(in_mode("version"), 1, (version & 0xff) >= 0x10 && (version & 0xff) <= 0x15);
	check(in_mode("LVT entries"), 1, (version >> 16 & 0xff) >= 4);
	check_mode("TPR at first", 0, apic_read(APIC_TPR));
	check_mode("no interrupt waits", 0,
		   apic_read(APIC_IRR + 0x20) | apic_read(APIC_IRR + 0x30));
	apic_write(APIC_TPR, 0x57);
	check_mode("TPR reads back", 0x57, apic_read(APIC_TPR));
	check_mode("CR8 has its high half", 5, read_register(cr8));
	check_mode("PPR is TPR", 0x57, apic_read(APIC_PPR));
	write_register(cr8, 3);
	check_mode("CR8 sets it", 0x30, apic_read(APIC_TPR));
	write_register(cr8, 0);
	apic_write(APIC_LVT_ERROR, 0x10000 | 0xe0);
	check_mode("an LVT entry reads back", 0x100e0, apic_read(APIC_LVT_ERROR));
	apic_write(APIC_TDCR, 0xb);
	check_mode("the divide register reads back", 0xb, apic_read(APIC_TDCR));
	apic_write(APIC_ESR, 0);
	check_mode("no error", 0, apic_read(APIC_ESR));
	apic_write(APIC_SVR, 0xff);
	check_mode("software-disabled, the LVT is masked", LVT_MASKED,
		   apic_read(APIC_LVT_TIMER) & LVT_MASKED);
	apic_write(APIC_LVT_ERROR, 0xe0);
	check_mode("and can't be unmasked", LVT_MASKED, apic_read(APIC_LVT_ERROR) & LVT_MASKED);
	apic_write(APIC_SVR, SVR_ENABLE | SPURIOUS);
	check_mode("SVR reads back", SVR_ENABLE | SPURIOUS, apic_read(APIC_SVR));
	check_mode("the mask stays", LVT_MASKED, apic_read(APIC_LVT_ERROR) & LVT_MASKED);
}

static void delivery(void)
{
	guest_handler[LOW] = on_interrupt;
	guest_handler[MIDDLE] = on_middle;
	guest_handler[HIGH] = on_interrupt;
	count = 0;
	send_inside = 0;

	self_ipi(MIDDLE);
	check_mode("IRR holds what waits", 1, apic_bit(APIC_IRR, MIDDLE));
	check_mode("nothing comes with IF clear", 0, count);
	let_in();
	check_mode("it comes with IF", MIDDLE << 8 | 0xee, order_seen());
	check_mode("ISR holds what is served", 1, isr_seen);
	check_mode("PPR is its class", MIDDLE & 0xf0, ppr_seen);
	check_mode("IRR is clear again", 0, apic_bit(APIC_IRR, MIDDLE));
	check_mode("EOI clears ISR", 0, apic_bit(APIC_ISR, MIDDLE));
	check_mode("PPR is low again", 0, apic_read(APIC_PPR));
	check_mode("edge-triggered in TMR", 0, apic_bit(APIC_TMR, MIDDLE));

	self_ipi(LOW);
	self_ipi(HIGH);
	let_in();
	check_mode("the higher one comes first", HIGH << 8 | LOW, order_seen());
	self_ipi(LOW);
	self_ipi(LOW);
	let_in();
	check_mode("the same one twice comes once", LOW, order_seen());
	send_inside = HIGH;
	self_ipi(MIDDLE);
	let_in();
	check_mode("a higher one interrupts a handler", MIDDLE << 16 | HIGH << 8 | 0xee,
		   order_seen());
	send_inside = LOW;
	self_ipi(MIDDLE);
	let_in();
	check_mode("a lower one waits for EOI", MIDDLE << 16 | 0xee << 8 | LOW, order_seen());
	send_inside = MIDDLE + 1;
	guest_handler[MIDDLE + 1] = on_interrupt;
	self_ipi(MIDDLE);
	let_in();
	check_mode("one of the same class waits, too", MIDDLE << 16 | 0xee << 8 | (MIDDLE + 1),
		   order_seen());
	send_inside = 0;
	apic_eoi();
	check_mode("an EOI too many does nothing", 0, apic_read(APIC_PPR));
}

static void task_priority(void)
{
	write_register(cr8, HIGH >> 4);
	self_ipi(HIGH);
	self_ipi(MIDDLE);
	let_in();
	check_mode("TPR holds back its own class", 0, order_seen());
	write_register(cr8, MIDDLE >> 4);
	let_in();
	check_mode("lowered, what is above comes", HIGH, order_seen());
	irq_enable();
	write_register(cr8, 0);
	asm volatile("nop");
	irq_disable();
	check_mode("lowered with IF set", MIDDLE << 8 | 0xee, order_seen());
	apic_write(APIC_TPR, 0x4f);
	self_ipi(LOW);
	let_in();
	check_mode("TPR's low half doesn't raise the class", 0, order_seen());
	apic_write(APIC_TPR, 0x3f);
	let_in();
	check_mode("TPR by the register", LOW, order_seen());
	apic_write(APIC_TPR, 0);
}

static void destinations(void)
{
	apic_icr(0, ICR_ASSERT | LOW);
	let_in();
	check_mode("physical, itself", LOW, order_seen());
	apic_icr(0, ICR_ALL | ICR_ASSERT | LOW);
	let_in();
	check_mode("all and itself", LOW, order_seen());
	apic_icr(0, ICR_OTHERS | ICR_ASSERT | LOW);
	let_in();
	check_mode("all others, and there are none", 0, order_seen());
	apic_icr(x2apic ? 0xffffffff : 0xff, ICR_ASSERT | LOW);
	let_in();
	check_mode("physical, broadcast", LOW, order_seen());
	apic_icr(7, ICR_ASSERT | LOW);
	let_in();
	check_mode("physical, nobody", 0, order_seen());
	if (!x2apic) {
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 0x04000000);
	}
	apic_icr(x2apic ? 1 : 0x0c, ICR_LOGICAL | ICR_ASSERT | LOW);
	let_in();
	check_mode("logical, itself among others", LOW, order_seen());
	apic_icr(x2apic ? 2 : 0x08, ICR_LOGICAL | ICR_ASSERT | LOW);
	let_in();
	check_mode("logical, nobody", 0, order_seen());
	apic_icr(x2apic ? 1 : 0x04, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | LOW);
	let_in();
	check_mode("lowest priority", LOW, order_seen());
	check_mode("ICR shows what was sent", ICR_LOGICAL | LOW,
		   apic_read(APIC_ICR) & (ICR_LOGICAL | 0xff));
}

static void errors(void)
{
	apic_write(APIC_ESR, 0);
	self_ipi(5);
	apic_write(APIC_ESR, 0);
	check(in_mode("an illegal vector is an error"), 1,
	      !!(apic_read(APIC_ESR) & (ESR_SEND_ILLEGAL | ESR_RECEIVE_ILLEGAL)));
	apic_write(APIC_ESR, 0);
	check_mode("an error is shown once", 0, apic_read(APIC_ESR));
}

static void both(void)
{
	registers();
	delivery();
	task_priority();
	destinations();
	errors();
}

/* ---- each by itself ----------------------------------------------------------------- */

static void xapic_only(void)
{
	apic_write(APIC_LDR, 0xa5ffffff);
	check_mode("LDR has its high byte only", 0xa5000000, apic_read(APIC_LDR));
	apic_write(APIC_DFR, 0);
	check_mode("DFR's low bits are ones", 0x0fffffff, apic_read(APIC_DFR));
	/* Cluster A, the third in it */
	apic_write(APIC_LDR, 0xa4000000);
	apic_icr(0xa6, ICR_LOGICAL | ICR_ASSERT | LOW);
	let_in();
	check_mode("cluster, itself among others", LOW, order_seen());
	apic_icr(0xb4, ICR_LOGICAL | ICR_ASSERT | LOW);
	let_in();
	check_mode("another cluster", 0, order_seen());
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_ICR2, 0x12000000);
	check_mode("ICR's high half reads back", 0x12000000, apic_read(APIC_ICR2));
}

static void x2apic_only(void)
{
	check_mode("LDR is the id's", 1, apic_read(APIC_LDR));
	check_mode("the register for self IPIs", NO_FAULT,
		   attempt_wrmsr(X2APIC_MSR(APIC_SELF_IPI), LOW));
	let_in();
	check_mode("it sends one", LOW, order_seen());
	check_mode("that register read", FAULT_GP, attempt_rdmsr(X2APIC_MSR(APIC_SELF_IPI)));
	check_mode("its reserved bits", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_SELF_IPI), 0x100 | LOW));
	check_mode("ID written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_ID), 0));
	check_mode("version written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_VERSION), 0));
	check_mode("LDR written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_LDR), 1));
	check_mode("PPR written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_PPR), 0));
	check_mode("ISR written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_ISR), 0));
	check_mode("IRR written", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_IRR), 0));
	check_mode("current count written", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_TMCCT), 0));
	check_mode("no DFR", FAULT_GP, attempt_rdmsr(X2APIC_MSR(APIC_DFR)));
	check_mode("no ICR's high half", FAULT_GP, attempt_rdmsr(X2APIC_MSR(APIC_ICR2)));
	check_mode("no register there", FAULT_GP, attempt_rdmsr(0x8ff));
	check_mode("EOI read", FAULT_GP, attempt_rdmsr(X2APIC_MSR(APIC_EOI)));
	check_mode("EOI of 1", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_EOI), 1));
	check_mode("ESR of 1", FAULT_GP, attempt_wrmsr(X2APIC_MSR(APIC_ESR), 1));
	check_mode("TPR's reserved bits", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_TPR), 0x100));
	check_mode("SVR's high half", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_SVR), BIT(32) | SVR_ENABLE | SPURIOUS));
	check_mode("the LVT's reserved bits", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_LVT_TIMER), LVT_MASKED | BIT(20)));
	check_mode("the divide register's reserved bits", FAULT_GP,
		   attempt_wrmsr(X2APIC_MSR(APIC_TDCR), 0x10));
	wrmsr(X2APIC_MSR(APIC_ICR), 0x1234567800000000 | ICR_OTHERS | ICR_ASSERT | LOW);
	check_mode("ICR has 64 bits", 0x12345678, rdmsr(X2APIC_MSR(APIC_ICR)) >> 32);
}

/* SDM 3A 11.12.5 */
static void transitions(u64 base)
{
	const u64 off = base & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	const u64 xapic = off | APIC_BASE_ENABLE, x2 = xapic | APIC_BASE_X2APIC;

	check("from x2APIC to xAPIC", FAULT_GP, attempt_wrmsr(MSR_APIC_BASE, xapic));
	check("x2APIC but disabled", FAULT_GP,
	      attempt_wrmsr(MSR_APIC_BASE, off | APIC_BASE_X2APIC));
	check("from x2APIC to x2APIC", NO_FAULT, attempt_wrmsr(MSR_APIC_BASE, x2));
	check("from x2APIC to disabled", NO_FAULT, attempt_wrmsr(MSR_APIC_BASE, off));
	check("disabled, no x2APIC register", FAULT_GP, attempt_rdmsr(X2APIC_MSR(APIC_ID)));
	check("from disabled to x2APIC", FAULT_GP, attempt_wrmsr(MSR_APIC_BASE, x2));
	check("from disabled to xAPIC", NO_FAULT, attempt_wrmsr(MSR_APIC_BASE, xapic));
	guest_cpu()->x2apic = 0;
	check("enabled anew, SVR is as after reset", 0xff, apic_read(APIC_SVR));
	check("enabled anew, the LVT is masked", LVT_MASKED, apic_read(APIC_LVT_TIMER));
	check("from xAPIC to x2APIC again", NO_FAULT, attempt_wrmsr(MSR_APIC_BASE, x2));
}

void payload(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	check("APIC base at first", APIC_PAGE | APIC_BASE_BSP | APIC_BASE_ENABLE, base);
	check("SVR at first", 0xff, apic_read(APIC_SVR));
	check("the timer's LVT at first", LVT_MASKED, apic_read(APIC_LVT_TIMER));
	guest_handler[SPURIOUS] = note;
	apic_init(false);
	both();
	xapic_only();
	if (!cpu_has(FEATURE_X2APIC)) {
		check_skip("x2APIC", "the CPU has none");
		return;
	}
	x2apic = true;
	apic_init(true);
	both();
	x2apic_only();
	transitions(base);
}
