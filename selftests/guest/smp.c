// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four processors: how they start, IPIs of all kinds, memory, the TLB, time
 * (SDM 3A chapters 9 and 11)
 */
#include "pages.h"

#define CPUS		4
#define WAKE		0x40	/* there is work */
#define VECTOR		0x50
#define ROUNDS		100
#define TURNS		20	/* where all spin: each may cost a time slice of the host */
#define INCREMENTS	5000

/* TSC ticks after which what hasn't come won't: seconds in the lab. */
#define LIMIT		(1ULL << 28)

/* Is it true, now or in a while? */
#define eventually(condition) ({					\
	u64 __end = rdtsc() + LIMIT;					\
									\
	while (!(condition) && rdtsc() < __end)				\
		cpu_relax();						\
	!!(condition);							\
})

struct cpu {
	u32 started;
	u32 first_svr, first_lvt;
	u64 first_base;
	u64 (*work)(u32 id);
	u64 result;
};

static struct cpu cpus[CPUS];
static bool x2apic;

static u32 count_of(u32 id, u8 vector)
{
	const struct guest_cpu *cpu = (void *)(LAYOUT_CPU + id * GUEST_PAGE);

	return READ_ONCE(cpu->count[vector]);
}

/* How often the vector came to each since: a digit each, CPU 0 the lowest. */
static u64 counts_since(u32 *before, u8 vector)
{
	u64 seen = 0;
	u32 id;

	for (id = CPUS; id--;)
		seen = seen << 4 | ((count_of(id, vector) - before[id]) & 0xf);
	return seen;
}

static void note_counts(u32 *counts, u8 vector)
{
	u32 id;

	for (id = 0; id < CPUS; id++)
		counts[id] = count_of(id, vector);
}

/* ---- processors wait, halted, for work -------------------------------------------- */

static void on_cpu(u32 id)
{
	struct cpu *cpu = &cpus[id];

	guest_cpu()->x2apic = 0;
	cpu->first_base = rdmsr(MSR_APIC_BASE);
	cpu->first_svr = apic_read(APIC_SVR);
	cpu->first_lvt = apic_read(APIC_LVT_LINT0);
	apic_init(x2apic);
	if (!x2apic)
		apic_write(APIC_LDR, 1U << (24 + id));
	WRITE_ONCE(cpu->started, cpu->started + 1);
	for (;;) {
		GUEST_HALT_UNTIL(READ_ONCE(cpu->work));
		cpu->result = cpu->work(id);
		asm volatile("" : : : "memory");
		WRITE_ONCE(cpu->work, NULL);
	}
}

static void begin(u32 id, u64 (*work)(u32 id))
{
	WRITE_ONCE(cpus[id].work, work);
	apic_icr(id, ICR_ASSERT | WAKE);
}

static u64 finish(u32 id)
{
	if (!eventually(!READ_ONCE(cpus[id].work)))
		bail_out("a processor doesn't come back from its work", id);
	return READ_ONCE(cpus[id].result);
}

static u64 run_on(u32 id, u64 (*work)(u32 id))
{
	begin(id, work);
	return finish(id);
}

/* On all, this one too. Returns the sum of what they return. */
static u64 run_on_all(u64 (*work)(u32 id))
{
	u64 sum = 0;
	u32 id;

	for (id = 1; id < CPUS; id++)
		begin(id, work);
	sum = work(0);
	for (id = 1; id < CPUS; id++)
		sum += finish(id);
	return sum;
}

static u64 nothing(u32 id)
{
	return id;
}

/* ---- starting ------------------------------------------------------------------------ */

static void starting(void)
{
	static const char * const names[] = {
		"", "CPU 1 starts", "CPU 2 starts", "CPU 3 starts",
	};
	u32 id;

	for (id = 1; id < CPUS; id++) {
		apic_start_cpu(id);
		check(names[id], 1, eventually(READ_ONCE(cpus[id].started)));
	}
	check("no BSP flag", APIC_PAGE | APIC_BASE_ENABLE, cpus[1].first_base);
	check("SVR at first", 0xff, cpus[1].first_svr);
	check("LINT0 is masked at first", LVT_MASKED, cpus[1].first_lvt);
	apic_icr(1, ICR_SIPI | ICR_ASSERT | LAYOUT_TRAMPOLINE >> 12);
	run_on(1, nothing);
	check("another SIPI does nothing", 1, cpus[1].started);
	apic_icr(1, ICR_INIT | ICR_ASSERT);
	apic_icr(1, ICR_SIPI | ICR_ASSERT | LAYOUT_TRAMPOLINE >> 12);
	check("INIT and SIPI start it again", 1, eventually(READ_ONCE(cpus[1].started) == 2));
	apic_icr(0, ICR_OTHERS | ICR_INIT | ICR_ASSERT);
	apic_icr(0, ICR_OTHERS | ICR_SIPI | ICR_ASSERT | LAYOUT_TRAMPOLINE >> 12);
	check("all others at once", 1, eventually(READ_ONCE(cpus[1].started) == 3 &&
	      READ_ONCE(cpus[2].started) == 2 && READ_ONCE(cpus[3].started) == 2));
}

static u64 read_id(u32 id)
{
	u32 here = apic_read(APIC_ID);

	return (guest_cpu()->x2apic ? here : here >> 24) == id &&
	       cpuid(1, 0).ebx >> 24 == id && cpuid(0xb, 0).edx == id;
}

/* ---- IPIs ----------------------------------------------------------------------------- */

static const char *in_mode(const char *name)
{
	return joined(x2apic ? "x2APIC, " : "xAPIC, ", name);
}

/*
 * Sends one, and lets this processor take it. @want has a digit for each that
 * must get it: others get nothing, which work on each of them afterwards shows.
 */
static void check_ipi(const char *name, u64 want, u32 dest, u32 icr)
{
	u32 before[CPUS];

	note_counts(before, VECTOR);
	apic_icr(dest, icr | ICR_ASSERT | VECTOR);
	irq_enable();
	eventually(counts_since(before, VECTOR) == want);
	run_on_all(nothing);
	irq_disable();
	check(in_mode(name), want, counts_since(before, VECTOR));
}

static u32 sum_of_digits(u64 digits)
{
	u32 sum = 0;

	for (; digits; digits >>= 4)
		sum += digits & 0xf;
	return sum;
}

static void lowest_priority(void)
{
	u32 before[CPUS];

	note_counts(before, VECTOR);
	apic_icr(0xe, ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | VECTOR);
	eventually(counts_since(before, VECTOR));
	run_on_all(nothing);
	check(in_mode("lowest priority, one of three"), 1,
	      sum_of_digits(counts_since(before, VECTOR)));
	check(in_mode("lowest priority, not another"), 0, counts_since(before, VECTOR) & 0xf);
}

static void ipis(void)
{
	check(in_mode("ids"), CPUS, run_on_all(read_id));
	check_ipi("physical, CPU 2", 0x0100, 2, 0);
	check_ipi("physical, itself", 0x0001, 0, 0);
	check_ipi("physical, broadcast", 0x1111, x2apic ? 0xffffffff : 0xff, 0);
	check_ipi("shorthand, itself", 0x0001, 0, ICR_SELF);
	check_ipi("shorthand, all", 0x1111, 0, ICR_ALL);
	check_ipi("shorthand, all others", 0x1110, 0, ICR_OTHERS);
	check_ipi("logical, CPUs 1 and 3", 0x1010, 0xa, ICR_LOGICAL);
	check_ipi("logical, CPU 0", 0x0001, 0x1, ICR_LOGICAL);
	check_ipi("logical, nobody", 0, x2apic ? 0x10001 : 0x10, ICR_LOGICAL);
	check_ipi("physical, nobody", 0, 0x20, 0);
	lowest_priority();
}

/* ---- NMIs, and how processors wait ------------------------------------------------------ */

static u32 flag;

static u64 halt_without_interrupts(u32 id)
{
	u32 before = guest_count(VECTOR_NMI);

	irq_disable();
	WRITE_ONCE(flag, 1);
	while (guest_count(VECTOR_NMI) == before)
		asm volatile("hlt" : : : "memory");
	return id;
}

static u64 spin_without_interrupts(u32 id)
{
	u32 before = guest_count(VECTOR), during;

	(void)id;
	irq_disable();
	WRITE_ONCE(flag, 1);
	GUEST_SPIN_UNTIL(READ_ONCE(flag) == 2);
	during = guest_count(VECTOR) - before;
	asm volatile("sti; nop; nop" : : : "memory");
	return during << 4 | (guest_count(VECTOR) - before);
}

static void ignore(struct trap_frame *frame)
{
	(void)frame;
}

static void waiting(void)
{
	u32 before[CPUS];

	guest_handler[VECTOR_NMI] = ignore;
	flag = 0;
	begin(1, halt_without_interrupts);
	eventually(READ_ONCE(flag));
	apic_icr(1, ICR_NMI | ICR_ASSERT);
	/* It may have come between the look at the count and HLT. */
	if (!eventually(!READ_ONCE(cpus[1].work)))
		apic_icr(1, ICR_NMI | ICR_ASSERT);
	check("an NMI ends HLT with IF clear", 1, finish(1));
	note_counts(before, VECTOR_NMI);
	apic_icr(0, ICR_OTHERS | ICR_NMI | ICR_ASSERT);
	eventually(counts_since(before, VECTOR_NMI) == 0x1110);
	check("NMIs to all others", 0x1110, counts_since(before, VECTOR_NMI));

	flag = 0;
	begin(2, spin_without_interrupts);
	eventually(READ_ONCE(flag) == 1);
	apic_icr(2, ICR_ASSERT | VECTOR);
	WRITE_ONCE(flag, 2);
	check("an IPI waits while IF is clear", 0x01, finish(2));
}

/* CPU 1 answers each IPI with one, both halt in between: no wake-up is lost. */
static u64 answer(u32 id)
{
	u32 first = guest_count(VECTOR), i;

	(void)id;
	WRITE_ONCE(flag, 1);
	for (i = 1; i <= ROUNDS; i++) {
		GUEST_HALT_UNTIL(guest_count(VECTOR) - first >= i);
		apic_icr(0, ICR_ASSERT | VECTOR);
	}
	return i - 1;
}

static void ping_pong(void)
{
	u32 first = guest_count(VECTOR), i;

	flag = 0;
	begin(1, answer);
	eventually(READ_ONCE(flag));
	for (i = 1; i <= ROUNDS; i++) {
		apic_icr(1, ICR_ASSERT | VECTOR);
		GUEST_HALT_UNTIL(guest_count(VECTOR) - first >= i);
		irq_disable();
	}
	check(in_mode("IPIs to and fro, both halted"), ROUNDS, finish(1));
	check(in_mode("none too many"), ROUNDS, guest_count(VECTOR) - first);
}

/* ---- memory and time ----------------------------------------------------------------------- */

static u64 shared_count;

static u64 increment(u32 id)
{
	u32 i;

	(void)id;
	for (i = 0; i < INCREMENTS; i++)
		asm volatile("lock incq %0" : "+m"(shared_count) : : "memory");
	return i;
}

static u64 exchange(u32 id)
{
	u64 old, i;

	(void)id;
	for (i = 0; i < INCREMENTS; i++) {
		old = READ_ONCE(shared_count);
		while (!__atomic_compare_exchange_n(&shared_count, &old, old + 1, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			cpu_relax();
	}
	return i;
}

static u32 data, ready;

static u64 consume(u32 id)
{
	u32 i, wrong = 0;

	(void)id;
	for (i = 1; i <= TURNS; i++) {
		GUEST_SPIN_UNTIL(READ_ONCE(ready) == i);
		wrong += READ_ONCE(data) != i * 3;
		WRITE_ONCE(ready, 0);
	}
	return wrong;
}

static void memory(void)
{
	u32 i;

	run_on_all(increment);
	check("LOCK INC on four at once", CPUS * INCREMENTS, shared_count);
	shared_count = 0;
	run_on_all(exchange);
	check("LOCK CMPXCHG on four at once", CPUS * INCREMENTS, shared_count);
	begin(3, consume);
	for (i = 1; i <= TURNS; i++) {
		WRITE_ONCE(data, i * 3);
		WRITE_ONCE(ready, i);
		GUEST_SPIN_UNTIL(!READ_ONCE(ready));
	}
	check("stores are seen in order", 0, finish(3));
}

static u64 read_there(u32 id)
{
	(void)id;
	return *(volatile u64 *)TEST_ADDRESS;
}

static u64 flush_there(u32 id)
{
	(void)id;
	invlpg((void *)TEST_ADDRESS);
	return *(volatile u64 *)TEST_ADDRESS;
}

static void shootdown(void)
{
	*(u64 *)TEST_FRAME = 1;
	*(u64 *)OTHER_FRAME = 2;
	test_map(1, TEST_FRAME | PTE_ALL);
	check("all have a page in their TLB", CPUS, run_on_all(read_there));
	WRITE_ONCE(*test_entry(1), OTHER_FRAME | PTE_ALL);
	check("and flush it", 2 * CPUS, run_on_all(flush_there));
}

/* Time never goes back between processors: they take turns, each adds its own. */
static u64 last_time;
static u32 turn;

static u64 compare_time(u32 id)
{
	u32 i, wrong = 0;
	u64 now;

	for (i = 0; i < TURNS; i++) {
		GUEST_SPIN_UNTIL(READ_ONCE(turn) % CPUS == id);
		now = rdtsc();
		wrong += now < last_time;
		last_time = now;
		WRITE_ONCE(turn, turn + 1);
	}
	return wrong;
}

/* Registers are each one's own. */
static u64 set_registers(u32 id)
{
	wrmsr(MSR_LSTAR, 0x1000 + id);
	wrmsr(MSR_FS_BASE, 0x2000 + id);
	write_register(db0, 0x3000 + id);
	write_register(cr8, id);
	return 0;
}

static u64 read_registers(u32 id)
{
	u64 right = rdmsr(MSR_LSTAR) == 0x1000 + id && rdmsr(MSR_FS_BASE) == 0x2000 + id &&
		    read_register(db0) == 0x3000 + id && read_register(cr8) == id;

	write_register(cr8, 0);
	return right;
}

static u64 enable_x2apic(u32 id)
{
	(void)id;
	apic_init(true);
	return apic_read(APIC_LDR) == 1U << id;
}

static u64 x2apic_on_this(void)
{
	u32 id;
	u64 right = 0;

	/* The others first: this one's IPIs reach them in either mode. */
	for (id = 1; id < CPUS; id++)
		right += run_on(id, enable_x2apic);
	return right + enable_x2apic(0);
}

void payload(void)
{
	guest_handler[WAKE] = guest_count_irq;
	guest_handler[VECTOR] = guest_count_irq;
	guest_trampoline_entry = on_cpu;
	apic_init(false);
	apic_write(APIC_LDR, 1U << 24);
	starting();
	ipis();
	waiting();
	ping_pong();
	memory();
	shootdown();
	check("time goes on across processors", 0, run_on_all(compare_time));
	run_on_all(set_registers);
	check("registers are each one's own", CPUS, run_on_all(read_registers));
	if (!cpu_has(FEATURE_X2APIC)) {
		check_skip("x2APIC", "the CPU has none");
		return;
	}
	x2apic = true;
	check("all switch to x2APIC mode", CPUS, x2apic_on_this());
	ipis();
	ping_pong();
}
