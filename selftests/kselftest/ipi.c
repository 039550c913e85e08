// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts between vCPUs: destinations, shorthands, delivery modes, and the
 * start of processors by INIT and start-up IPI
 */
#include "apic.h"
#include "test.h"

#define NR_CPUS		4

static u32 ready;
static u32 stop;

static u32 count_of(u32 id, u8 vector)
{
	return READ_ONCE(((struct guest_cpu *)(LAYOUT_CPU + id * GUEST_PAGE))->count[vector]);
}

static u32 count_of_all(u8 vector)
{
	u32 id, n = 0;

	for (id = 0; id < NR_CPUS; id++)
		n += count_of(id, vector);
	return n;
}

#define STOP_VECTOR	0x2f

static void set_handlers(void)
{
	u32 vector;

	for (vector = 0x20; vector < 0xff; vector++)
		guest_handler[vector] = guest_count_irq;
}

/* All but vCPU 0: take what comes until told to stop. */
static void guest_receive(u64 x2apic)
{
	apic_init(x2apic);
	if (!x2apic)
		apic_write(APIC_LDR, BIT(guest_cpu()->id) << 24);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_HALT_UNTIL(READ_ONCE(stop));
}

static void sender_init(u64 x2apic)
{
	set_handlers();
	apic_init(x2apic);
	if (!x2apic)
		apic_write(APIC_LDR, BIT(0) << 24);
	irq_enable();
	GUEST_SPIN_UNTIL(READ_ONCE(ready) == NR_CPUS - 1);
}

static void stop_all(void)
{
	WRITE_ONCE(stop, 1);
	apic_icr(0, ICR_OTHERS | STOP_VECTOR);
}

FIXTURE(ipi) {
	struct vm *vm;
};

FIXTURE_VARIANT(ipi) {
	bool x2apic;
};

FIXTURE_VARIANT_ADD(ipi, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(ipi, x2apic) { .x2apic = true };

FIXTURE_SETUP(ipi)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(ipi)
{
	vm_close(self->vm);
}

/* vCPU 0 runs @sender, the others @receiver, all to their ends. */
static void run_cpus(struct vm *vm, void *sender, void *receiver, bool x2apic)
{
	u32 id;

	for (id = 0; id < NR_CPUS; id++)
		vcpu_start(vm, id, id ? receiver : sender, x2apic, 0);
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_start(&vm->vcpu[id]);
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_join(&vm->vcpu[id]);
}

/* ---- who gets it ------------------------------------------------------------- */

#define ANY_ONE		0x80	/* one of the mask */

/* Destinations of xAPIC and x2APIC mode; the mask of who gets it. */
static const struct destination {
	u32 dest;
	u32 dest_x2apic;
	u32 icr;
	u32 mask;
} destinations[] = {
	{ 1, 1, 0, 0x2 },
	{ 3, 3, 0, 0x8 },
	{ 0, 0, 0, 0x1 },
	{ 0xff, 0xffffffff, 0, 0xf },
	{ 7, 7, 0, 0 },
	{ 0x06, 0x06, ICR_LOGICAL, 0x6 },
	{ 0x09, 0x09, ICR_LOGICAL, 0x9 },
	{ 0xff, 0xffffffff, ICR_LOGICAL, 0xf },
	{ 0x10, 0x10010, ICR_LOGICAL, 0 },
	{ 0, 0, ICR_SELF, 0x1 },
	{ 0, 0, ICR_ALL, 0xf },
	{ 0, 0, ICR_OTHERS, 0xe },
	{ 2, 2, ICR_LOWEST, 0x4 },
	{ 0x0e, 0x0e, ICR_LOGICAL | ICR_LOWEST, 0xe | ANY_ONE },
	{ 0x0f, 0x0f, ICR_LOGICAL | ICR_LOWEST, 0xf | ANY_ONE },
	{ 0x04, 0x04, ICR_LOGICAL | ICR_LOWEST, 0x4 },
	/* Without a receiver */
	{ 0x40, 0x40, ICR_LOGICAL | ICR_LOWEST, 0 },
};

#define VECTOR_OF(i)	(0x40 + (i))

static void guest_send_all(u64 x2apic)
{
	const struct destination *d;
	unsigned int i;

	sender_init(x2apic);
	for (i = 0; i < ARRAY_SIZE(destinations); i++) {
		u32 expected;

		d = &destinations[i];
		expected = d->mask & ANY_ONE ? 1 : __builtin_popcount(d->mask);
		apic_icr(x2apic ? d->dest_x2apic : d->dest, d->icr | VECTOR_OF(i));
		GUEST_SPIN_UNTIL(count_of_all(VECTOR_OF(i)) == expected);
	}
	stop_all();
}

TEST_F(ipi, destinations)
{
	const struct destination *d;
	unsigned int i, got;
	u32 id;

	run_cpus(self->vm, guest_send_all, guest_receive, variant->x2apic);
	/* By now whatever went astray has arrived, too. */
	for (i = 0; i < ARRAY_SIZE(destinations); i++) {
		d = &destinations[i];
		got = 0;
		for (id = 0; id < NR_CPUS; id++) {
			const struct guest_cpu *cpu = guest_memory(self->vm,
								   LAYOUT_CPU + id * GUEST_PAGE);

			EXPECT_GE(1, cpu->count[VECTOR_OF(i)]);
			got |= cpu->count[VECTOR_OF(i)] << id;
		}
		if (!(d->mask & ANY_ONE)) {
			EXPECT_EQ(d->mask, got) TH_LOG("destination %u", i);
			continue;
		}
		EXPECT_EQ(1, __builtin_popcount(got)) TH_LOG("destination %u", i);
		EXPECT_EQ(0, got & ~d->mask) TH_LOG("destination %u", i);
	}
}

/* Lowest priority takes turns: nobody gets them all. */
static void guest_send_lowest(u64 x2apic)
{
	u32 i;

	sender_init(x2apic);
	for (i = 1; i <= 30; i++) {
		apic_icr(0x0e, ICR_LOGICAL | ICR_LOWEST | 0x60);
		GUEST_SPIN_UNTIL(count_of_all(0x60) == i);
	}
	GUEST_ASSERT_EQ(0, count_of(0, 0x60));
	for (i = 1; i < NR_CPUS; i++)
		GUEST_ASSERT(count_of(i, 0x60) > 0);
	stop_all();
}

TEST_F(ipi, lowest_priority)
{
	run_cpus(self->vm, guest_send_lowest, guest_receive, variant->x2apic);
}

/* ---- NMI --------------------------------------------------------------------- */

static void count_only(struct trap_frame *frame)
{
	(void)frame;
}

/* Interrupts off for good: only NMIs get through, and end the HLT. */
static void guest_receive_nmis(u64 x2apic)
{
	apic_init(x2apic);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(stop))
		asm volatile("hlt" ::: "memory");
}

static void guest_send_nmis(u64 x2apic)
{
	u32 i;

	guest_handler[VECTOR_NMI] = count_only;
	sender_init(x2apic);
	for (i = 1; i <= 5; i++) {
		apic_icr(1, ICR_NMI);
		GUEST_SPIN_UNTIL(count_of(1, VECTOR_NMI) == i);
		apic_icr(2, ICR_NMI | 0x77);
		GUEST_SPIN_UNTIL(count_of(2, VECTOR_NMI) == i);
		/* An interrupt doesn't wake who has them off. */
		apic_icr(3, 0x50);
	}
	GUEST_ASSERT_EQ(0, count_of(3, VECTOR_NMI));
	GUEST_ASSERT_EQ(0, count_of_all(0x50));
	WRITE_ONCE(stop, 1);
	apic_icr(0, ICR_OTHERS | ICR_NMI);
}

TEST_F(ipi, nmi)
{
	const struct guest_cpu *cpu;
	u32 id;

	run_cpus(self->vm, guest_send_nmis, guest_receive_nmis, variant->x2apic);
	for (id = 0; id < NR_CPUS; id++) {
		cpu = guest_memory(self->vm, LAYOUT_CPU + id * GUEST_PAGE);
		EXPECT_EQ(0, cpu->count[0x50]);
		EXPECT_EQ(id == 0 ? 0 : id == 3 ? 1 : 6, cpu->count[VECTOR_NMI]);
	}
}

/* In an NMI's handler others wait, two as one, until its IRET. */
static u32 nmi_depth, nmi_deepest;

static void on_nested_nmi(struct trap_frame *frame)
{
	(void)frame;
	nmi_depth++;
	if (nmi_depth > nmi_deepest)
		nmi_deepest = nmi_depth;
	if (guest_count(VECTOR_NMI) == 1) {
		apic_icr(0, ICR_NMI);
		apic_icr(0, ICR_NMI);
		apic_icr(0, ICR_NMI);
		cpuid(0, 0);
		GUEST_ASSERT_EQ(1, guest_count(VECTOR_NMI));
	}
	nmi_depth--;
}

static void guest_nested_nmis(u64 x2apic)
{
	guest_handler[VECTOR_NMI] = on_nested_nmi;
	apic_init(x2apic);
	apic_icr(0, ICR_NMI);
	GUEST_SPIN_UNTIL(guest_count(VECTOR_NMI) >= 2);
	cpuid(0, 0);
	GUEST_ASSERT_EQ(2, guest_count(VECTOR_NMI));
	GUEST_ASSERT_EQ(1, nmi_deepest);
}

TEST_F(ipi, nmi_blocks_nmi)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_nested_nmis, variant->x2apic, 0);

	vcpu_run_to_done(vcpu);
}

/* One that waits doesn't end the handler's HLT: the timer does. */
static void on_halting_nmi(struct trap_frame *frame)
{
	(void)frame;
	if (guest_count(VECTOR_NMI) > 1)
		return;
	apic_icr(0, ICR_NMI);
	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, 0x50);
	apic_write(APIC_TMICT, 500000);
	irq_enable_halt();
	GUEST_ASSERT_EQ(1, guest_count(0x50));
}

static void guest_halt_in_nmi(u64 x2apic)
{
	guest_handler[VECTOR_NMI] = on_halting_nmi;
	guest_handler[0x50] = guest_count_irq;
	apic_init(x2apic);
	apic_icr(0, ICR_NMI);
	GUEST_SPIN_UNTIL(guest_count(VECTOR_NMI) == 2);
}

TEST_F(ipi, nmi_waits_through_hlt)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_halt_in_nmi, variant->x2apic, 0);

	vcpu_run_to_done(vcpu);
}

/* ---- INIT and start-up ------------------------------------------------------- */

static u32 started[NR_CPUS];

static void guest_started(u32 id)
{
	GUEST_ASSERT(id < NR_CPUS);
	GUEST_ASSERT_EQ(id, guest_cpu()->id);
	__atomic_fetch_add(&started[id], 1, __ATOMIC_SEQ_CST);
	if (READ_ONCE(stop))
		return;
	for (;;)
		cpu_relax();
}

static void guest_start_others(u64 x2apic)
{
	u32 id;

	guest_trampoline_entry = guest_started;
	apic_init(x2apic);
	for (id = 1; id < NR_CPUS; id++) {
		GUEST_ASSERT_EQ(0, READ_ONCE(started[id]));
		apic_start_cpu(id);
		GUEST_SPIN_UNTIL(READ_ONCE(started[id]) == 1);
	}
	/* Who doesn't wait for one takes no start-up IPI. */
	apic_icr(0, ICR_OTHERS | ICR_SIPI | LAYOUT_TRAMPOLINE >> 12);
	/* INIT ends their loops; as often as one likes. */
	for (id = 1; id < NR_CPUS; id++) {
		GUEST_ASSERT_EQ(1, READ_ONCE(started[id]));
		apic_start_cpu(id);
		GUEST_SPIN_UNTIL(READ_ONCE(started[id]) == 2);
	}
	/* All at once; the second start-up IPI is the usual practice. */
	WRITE_ONCE(stop, 1);
	apic_icr(0, ICR_OTHERS | ICR_INIT | ICR_ASSERT);
	apic_icr(0, ICR_OTHERS | ICR_SIPI | LAYOUT_TRAMPOLINE >> 12);
	apic_icr(0, ICR_OTHERS | ICR_SIPI | LAYOUT_TRAMPOLINE >> 12);
	for (id = 1; id < NR_CPUS; id++)
		GUEST_SPIN_UNTIL(READ_ONCE(started[id]) == 3);
}

TEST_F(ipi, init_sipi)
{
	u32 id;

	vcpu_start(self->vm, 0, guest_start_others, variant->x2apic, 0);
	/* As they are after vcpu_create(): waiting. */
	for (id = 1; id < NR_CPUS; id++)
		vcpu_create(self->vm, id);
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_start(&self->vm->vcpu[id]);
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_join(&self->vm->vcpu[id]);
	for (id = 1; id < NR_CPUS; id++)
		EXPECT_EQ(3, guest_var(self->vm, started[id]));
}

/* ---- load -------------------------------------------------------------------- */

#define BURST	300

/* Each sends to the next and waits for what comes from the one before. */
static void guest_ring(u64 x2apic)
{
	u32 id = guest_cpu()->id, i;

	if (!id)
		set_handlers();
	apic_init(x2apic);
	irq_enable();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_SPIN_UNTIL(READ_ONCE(ready) == NR_CPUS);
	for (i = 1; i <= BURST; i++) {
		apic_icr((id + 1) % NR_CPUS, 0x60);
		GUEST_HALT_UNTIL(guest_count(0x60) >= i);
		GUEST_SPIN_UNTIL(count_of((id + 1) % NR_CPUS, 0x60) >= i);
	}
	/* The one before can't be ahead by more than was waited for. */
	GUEST_ASSERT_EQ(BURST, guest_count(0x60));
}

TEST_F(ipi, ring)
{
	run_cpus(self->vm, guest_ring, guest_ring, variant->x2apic);
}

/* ---- xAPIC's cluster model --------------------------------------------------- */

static void guest_receive_cluster(void)
{
	u32 id = guest_cpu()->id;

	apic_init(false);
	apic_write(APIC_DFR, 0x0fffffff);
	/* Clusters 0 and 1, two members each */
	apic_write(APIC_LDR, ((id / 2) << 4 | 1 << (id % 2)) << 24);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_HALT_UNTIL(READ_ONCE(stop));
}

static void guest_send_cluster(void)
{
	set_handlers();
	apic_init(false);
	apic_write(APIC_DFR, 0x0fffffff);
	apic_write(APIC_LDR, 0x01000000);
	irq_enable();
	GUEST_SPIN_UNTIL(READ_ONCE(ready) == NR_CPUS - 1);
	apic_icr(0x03, ICR_LOGICAL | 0x40);
	GUEST_SPIN_UNTIL(count_of(0, 0x40) && count_of(1, 0x40));
	apic_icr(0x13, ICR_LOGICAL | 0x41);
	GUEST_SPIN_UNTIL(count_of(2, 0x41) && count_of(3, 0x41));
	apic_icr(0x12, ICR_LOGICAL | 0x42);
	GUEST_SPIN_UNTIL(count_of(3, 0x42));
	apic_icr(0xff, ICR_LOGICAL | 0x43);
	GUEST_SPIN_UNTIL(count_of_all(0x43) == NR_CPUS);
	GUEST_ASSERT_EQ(2, count_of_all(0x40));
	GUEST_ASSERT_EQ(2, count_of_all(0x41));
	GUEST_ASSERT_EQ(1, count_of_all(0x42));
	stop_all();
}

TEST(cluster_model)
{
	struct vm *vm = vm_create();

	run_cpus(vm, guest_send_cluster, guest_receive_cluster, false);
	vm_close(vm);
}

TEST_HARNESS_MAIN
