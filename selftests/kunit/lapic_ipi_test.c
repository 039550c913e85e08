// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC: destinations, IPIs, interrupt messages, INIT and SIPI
 */
#include "lapic_fixture.h"

#define IRQ_VECTOR	0x51

/* One vCPU after the other, with its index in this table as bit in a result. */
static const u32 ids[] = { 0, 1, 2, 3, 17, 18, 255, 300 };

struct machine {
	struct lhv_vcpu *vcpu[ARRAY_SIZE(ids)];
};

static void build(struct kunit *test, struct machine *m, bool x2apic)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		m->vcpu[i] = lapic_vcpu(test, ids[i]);
		if (x2apic)
			lapic_to_x2apic(test, m->vcpu[i]);
		lapic_software_enable(m->vcpu[i]);
	}
}

/* Who has got IRQ_VECTOR; takes it away again. */
static u32 receivers(struct machine *m)
{
	u32 mask = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		if (lapic_take(m->vcpu[i]) != IRQ_VECTOR)
			continue;
		mask |= BIT(i);
		if (lhv_lapic_x2apic(m->vcpu[i]->arch.lapic))
			lapic_msr_set(m->vcpu[i], APIC_EOI, 0);
		else
			lhv_lapic_write(m->vcpu[i], APIC_EOI, 0);
	}
	return mask;
}

static void send_xapic(struct lhv_vcpu *vcpu, u32 icr, u8 dest)
{
	lhv_lapic_write(vcpu, APIC_ICR2, dest << 24);
	lhv_lapic_write(vcpu, APIC_ICR, icr);
}

static int send_x2apic(struct lhv_vcpu *vcpu, u32 icr, u32 dest)
{
	return lapic_msr_set(vcpu, APIC_ICR, (u64)dest << 32 | icr);
}

static void xapic_physical(struct kunit *test)
{
	/* In xAPIC mode nobody reaches an id above 254. */
	static const struct { u8 dest; u32 mask; } rows[] = {
		{ 0, BIT(0) }, { 1, BIT(1) }, { 3, BIT(3) }, { 4, 0 }, { 17, BIT(4) },
		{ 254, 0 }, { 44, 0 /* 300 modulo 256 */ }, { 255, 0xff },
	};
	struct machine m;
	int i;

	build(test, &m, false);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		send_xapic(m.vcpu[1], IRQ_VECTOR, rows[i].dest);
		KUNIT_EXPECT_EQ_MSG(test, receivers(&m), rows[i].mask, "dest %d", rows[i].dest);
	}
}

static void xapic_flat(struct kunit *test)
{
	static const struct { u8 dest; u32 mask; } rows[] = {
		{ 0x01, BIT(0) }, { 0x06, BIT(1) | BIT(2) }, { 0x10, 0 }, { 0x00, 0 },
		{ 0x0f, 0x0f }, { 0xff, 0xff },
	};
	struct machine m;
	int i;

	build(test, &m, false);
	for (i = 0; i < 4; i++)
		lhv_lapic_write(m.vcpu[i], APIC_LDR, BIT(24 + i));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		send_xapic(m.vcpu[0], IRQ_VECTOR | APIC_DEST_LOGICAL, rows[i].dest);
		KUNIT_EXPECT_EQ_MSG(test, receivers(&m), rows[i].mask, "dest %x", rows[i].dest);
	}
}

static void xapic_cluster(struct kunit *test)
{
	/* LDRs are 0x11, 0x12, 0x21, 0x24 and for the others 0. */
	static const u8 ldr[] = { 0x11, 0x12, 0x21, 0x24 };
	static const struct { u8 dest; u32 mask; } rows[] = {
		{ 0x11, BIT(0) }, { 0x13, BIT(0) | BIT(1) }, { 0x25, BIT(2) | BIT(3) },
		{ 0x22, 0 }, { 0x31, 0 }, { 0x10, 0 }, { 0x1f, BIT(0) | BIT(1) },
		{ 0xff, 0xff },
	};
	struct machine m;
	int i;

	build(test, &m, false);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		lhv_lapic_write(m.vcpu[i], APIC_DFR, 0x0fffffff);
	for (i = 0; i < ARRAY_SIZE(ldr); i++)
		lhv_lapic_write(m.vcpu[i], APIC_LDR, ldr[i] << 24);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		send_xapic(m.vcpu[5], IRQ_VECTOR | APIC_DEST_LOGICAL, rows[i].dest);
		KUNIT_EXPECT_EQ_MSG(test, receivers(&m), rows[i].mask, "dest %x", rows[i].dest);
	}
	/* Neither flat nor cluster: matches nothing but a broadcast. */
	lhv_lapic_write(m.vcpu[0], APIC_DFR, 0x50000000);
	send_xapic(m.vcpu[5], IRQ_VECTOR | APIC_DEST_LOGICAL, 0x11);
	KUNIT_EXPECT_EQ(test, receivers(&m), 0);
}

static void x2apic_destinations(struct kunit *test)
{
	static const struct { u32 icr, dest, mask; } rows[] = {
		{ 0, 0, BIT(0) }, { 0, 17, BIT(4) }, { 0, 255, BIT(6) }, { 0, 300, BIT(7) },
		{ 0, 4, 0 }, { 0, 0x10001, 0 }, { 0, U32_MAX, 0xff },
		{ APIC_DEST_LOGICAL, 0x0000000f, 0x0f },
		{ APIC_DEST_LOGICAL, 0x00000005, BIT(0) | BIT(2) },
		{ APIC_DEST_LOGICAL, 0x00010006, BIT(4) | BIT(5) },
		{ APIC_DEST_LOGICAL, 0x00010001, 0 },
		{ APIC_DEST_LOGICAL, 0x000f8000, BIT(6) },
		{ APIC_DEST_LOGICAL, 0x00121000, BIT(7) },
		{ APIC_DEST_LOGICAL, 0x00120fff, 0 },
		{ APIC_DEST_LOGICAL, 0x000000ff, 0x0f },
		{ APIC_DEST_LOGICAL, 0xfffffffe, 0 },
		{ APIC_DEST_LOGICAL, U32_MAX, 0xff },
	};
	struct machine m;
	int i;

	build(test, &m, true);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, LHV_GUEST,
				send_x2apic(m.vcpu[2], IRQ_VECTOR | rows[i].icr, rows[i].dest));
		KUNIT_EXPECT_EQ_MSG(test, receivers(&m), rows[i].mask, "row %d", i);
	}
}

static void mixed_modes(struct kunit *test)
{
	struct machine m;

	/* As while a guest brings up its CPUs: the first one is ahead. */
	build(test, &m, false);
	lapic_to_x2apic(test, m.vcpu[0]);
	send_x2apic(m.vcpu[0], IRQ_VECTOR, 3);
	KUNIT_EXPECT_EQ(test, receivers(&m), BIT(3));
	send_x2apic(m.vcpu[0], IRQ_VECTOR, 300);
	KUNIT_EXPECT_EQ(test, receivers(&m), BIT(7));
	send_x2apic(m.vcpu[0], IRQ_VECTOR, 255);
	KUNIT_EXPECT_EQ(test, receivers(&m), BIT(6));
	/* An 8-bit broadcast is an id to those in x2APIC mode. */
	send_xapic(m.vcpu[1], IRQ_VECTOR, 255);
	KUNIT_EXPECT_EQ(test, receivers(&m), 0xfe);
}

static void shorthands(struct kunit *test)
{
	static const struct { u32 icr, mask; } rows[] = {
		{ APIC_DEST_SELF, BIT(2) }, { APIC_DEST_ALLINC, 0xff },
		{ APIC_DEST_ALLBUT, 0xff & ~BIT(2) },
	};
	struct machine m;
	int i;

	build(test, &m, true);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		/* The destination doesn't count. */
		send_x2apic(m.vcpu[2], IRQ_VECTOR | rows[i].icr, 4711);
		KUNIT_EXPECT_EQ_MSG(test, receivers(&m), rows[i].mask, "row %d", i);
	}
}

static void disabled_is_deaf(struct kunit *test)
{
	struct machine m;

	build(test, &m, false);
	KUNIT_EXPECT_EQ(test, 0, lhv_lapic_set_base(m.vcpu[1], APIC_DEFAULT_PHYS_BASE, false));
	lhv_lapic_write(m.vcpu[2], APIC_SPIV, 0xff);
	send_xapic(m.vcpu[0], IRQ_VECTOR | APIC_DEST_ALLINC, 0);
	KUNIT_EXPECT_EQ(test, receivers(&m), 0xff & ~(BIT(1) | BIT(2)));
	/* Disabled by software it still takes NMI (11.4.7.2). */
	send_xapic(m.vcpu[0], APIC_DM_NMI | APIC_DEST_ALLBUT, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&m.vcpu[1]->arch.nmi_pending), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&m.vcpu[2]->arch.nmi_pending), 1);
}

static void lowest_priority(struct kunit *test)
{
	int i, count[4] = {};
	struct machine m;

	build(test, &m, true);
	for (i = 0; i < 40; i++) {
		u32 mask;

		send_x2apic(m.vcpu[0], IRQ_VECTOR | APIC_DM_LOWEST | APIC_DEST_LOGICAL, 0xf);
		mask = receivers(&m);
		KUNIT_ASSERT_EQ(test, hweight32(mask), 1);
		KUNIT_ASSERT_LT(test, __ffs(mask), 4ul);
		count[__ffs(mask)]++;
	}
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, count[i], 10);
	/* Only those that are enabled compete. */
	lapic_msr_set(m.vcpu[0], APIC_SPIV, 0xff);
	send_x2apic(m.vcpu[1], IRQ_VECTOR | APIC_DM_LOWEST | APIC_DEST_LOGICAL, 0x1);
	KUNIT_EXPECT_EQ(test, receivers(&m), 0);
}

static void delivery_modes(struct kunit *test)
{
	static const u32 ignored[] = { APIC_DM_SMI, APIC_DM_REMRD, APIC_DM_EXTINT };
	struct lhv_vcpu *a = lapic_vcpu(test, 0), *b = lapic_vcpu(test, 1);
	int i;

	lapic_software_enable(a);
	lapic_software_enable(b);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		send_xapic(a, IRQ_VECTOR | ignored[i], 1);
	KUNIT_EXPECT_EQ(test, b->requests, 0ul);
	for (i = 0; i < 3; i++)
		send_xapic(a, APIC_DM_NMI, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&b->arch.nmi_pending), 2);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &b->requests));

	/* An IPI is edge-triggered whatever ICR says. */
	send_xapic(a, IRQ_VECTOR | APIC_INT_LEVELTRIG | APIC_INT_ASSERT, 1);
	KUNIT_EXPECT_EQ(test, lapic_take(b), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(b, APIC_EOI, 0), LHV_GUEST);

	send_xapic(a, 5, 1);
	lhv_lapic_write(a, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(a, APIC_ESR), APIC_ESR_SENDILL);
	KUNIT_EXPECT_EQ(test, lapic_take(b), -1);
}

static void icr_reads_back(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	u64 value;

	send_xapic(vcpu, APIC_DM_INIT | APIC_INT_LEVELTRIG | APIC_ICR_BUSY, 0x12);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ICR), APIC_DM_INIT | APIC_INT_LEVELTRIG);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ICR2), 0x12000000);
	lapic_to_x2apic(test, vcpu);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_ICR, 0x123456780000d551), LHV_GUEST);
	KUNIT_EXPECT_EQ(test, lhv_lapic_msr_read(vcpu, 0x830, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x123456780000c551ull);
}

static void init_then_sipi(struct kunit *test)
{
	struct lhv_vcpu *a = lapic_vcpu(test, 0), *b = lapic_vcpu(test, 1);
	u8 vector = 0;

	b->arch.mp_state = LHV_MP_WAIT_SIPI;
	KUNIT_EXPECT_FALSE(test, lhv_lapic_has_work(b));
	send_xapic(a, APIC_DM_INIT | APIC_INT_LEVELTRIG | APIC_INT_ASSERT, 1);
	send_xapic(a, APIC_DM_INIT | APIC_INT_LEVELTRIG, 1);
	send_xapic(a, APIC_DM_STARTUP | 0x9a, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &b->requests));
	KUNIT_EXPECT_TRUE(test, lhv_lapic_has_work(b));
	/* The SIPI isn't looked at before the INIT was. */
	KUNIT_EXPECT_FALSE(test, lhv_lapic_take_sipi(b, &vector));
	KUNIT_EXPECT_TRUE(test, lhv_lapic_take_init(b));
	KUNIT_EXPECT_FALSE(test, lhv_lapic_take_init(b));
	KUNIT_EXPECT_TRUE(test, lhv_lapic_take_sipi(b, &vector));
	KUNIT_EXPECT_EQ(test, vector, 0x9a);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_take_sipi(b, &vector));

	/* One for a processor that runs means nothing, and an INIT ends it. */
	b->arch.mp_state = LHV_MP_HALTED;
	send_xapic(a, APIC_DM_STARTUP | 0x9b, 1);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_has_work(b));
	send_xapic(a, APIC_DM_INIT | APIC_INT_ASSERT, 1);
	KUNIT_EXPECT_TRUE(test, lhv_lapic_has_work(b));
	KUNIT_EXPECT_TRUE(test, lhv_lapic_take_init(b));
	b->arch.mp_state = LHV_MP_WAIT_SIPI;
	KUNIT_EXPECT_FALSE(test, lhv_lapic_take_sipi(b, &vector));
}

static void init_sipi_record(struct kunit *test)
{
	struct lhv_vcpu *a = lapic_vcpu(test, 0), *b = lapic_vcpu(test, 1);
	struct lhv_events events = {};

	send_xapic(a, APIC_DM_INIT, 1);
	send_xapic(a, APIC_DM_STARTUP | 0x9a, 1);
	lhv_lapic_get_events(b, &events);
	KUNIT_EXPECT_EQ(test, events.init_pending, 1);
	KUNIT_EXPECT_EQ(test, events.sipi_pending, 1);
	KUNIT_EXPECT_EQ(test, events.sipi_vector, 0x9a);
	lhv_lapic_set_events(a, &events);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->arch.lapic->events),
			atomic_read(&b->arch.lapic->events));
}

static void msi_messages(struct kunit *test)
{
	static const struct { u64 address; u32 data; int taken; } rows[] = {
		{ 0xfee00000, IRQ_VECTOR, 1 }, { 0xfee01000, IRQ_VECTOR, 1 },
		{ 0xfee04000, IRQ_VECTOR, 0 }, { 0xfeeff000, IRQ_VECTOR, 1 },
		/* ids above 255 in bits 63:40 */
		{ 0x000001000002c000 | 0xfee00000, IRQ_VECTOR, 1 },
		{ 0xffffff00feeff000, IRQ_VECTOR, 8 },
		/* logical; with the hint, to one of them */
		{ 0xfee0f004, IRQ_VECTOR, 4 }, { 0xfee0f00c, IRQ_VECTOR, 1 },
		{ 0xfee0f004, IRQ_VECTOR | APIC_DM_LOWEST, 1 },
		{ 0xfee01008, IRQ_VECTOR, 1 },
		/* NMI, INIT; what is defined, but nobody takes */
		{ 0xfee01000, APIC_DM_NMI, 1 }, { 0xfee01000, APIC_DM_INIT, 1 },
		{ 0xfee01000, APIC_DM_SMI, 0 }, { 0xfee01000, APIC_DM_EXTINT, 0 },
		{ 0xfee01000, 15, 0 },
		/* not messages */
		{ 0xfed00000, IRQ_VECTOR, -EINVAL }, { 0xfef00000, IRQ_VECTOR, -EINVAL },
		{ 0x1fee00000, IRQ_VECTOR, -EINVAL }, { 0xfffee00000, IRQ_VECTOR, -EINVAL },
		{ 0xfee01000, APIC_DM_REMRD, -EINVAL },
		{ 0xfee01000, APIC_DM_STARTUP, -EINVAL },
		{ 0xfee01000, IRQ_VECTOR | BIT(11), -EINVAL },
		{ 0xfee01000, IRQ_VECTOR | BIT(13), -EINVAL },
		{ 0xfee01000, IRQ_VECTOR | BIT(16), -EINVAL },
		{ 0xfee01000, IRQ_VECTOR | BIT(31), -EINVAL },
	};
	struct lhv_vm *vm = test->priv;
	struct machine m;
	int i, sent = 0;

	build(test, &m, true);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ_MSG(test, rows[i].taken,
				    lhv_arch_send_msi(vm, rows[i].address, rows[i].data),
				    "row %d", i);
		sent += rows[i].taken >= 0;
	}
	KUNIT_EXPECT_EQ(test, atomic64_read(&vm->stats[LHV_VM_STAT_MSIS]), (s64)sent);
}

static void msi_level(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	lapic_software_enable(vcpu);
	KUNIT_EXPECT_EQ(test, 1, lhv_arch_send_msi(test->priv, 0xfee00000, IRQ_VECTOR |
						   APIC_INT_LEVELTRIG | APIC_INT_ASSERT));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_USER);
	KUNIT_EXPECT_EQ(test, vcpu->run->eoi.vector, IRQ_VECTOR);
}

static struct kunit_case lapic_ipi_cases[] = {
	KUNIT_CASE(xapic_physical),
	KUNIT_CASE(xapic_flat),
	KUNIT_CASE(xapic_cluster),
	KUNIT_CASE(x2apic_destinations),
	KUNIT_CASE(mixed_modes),
	KUNIT_CASE(shorthands),
	KUNIT_CASE(disabled_is_deaf),
	KUNIT_CASE(lowest_priority),
	KUNIT_CASE(delivery_modes),
	KUNIT_CASE(icr_reads_back),
	KUNIT_CASE(init_then_sipi),
	KUNIT_CASE(init_sipi_record),
	KUNIT_CASE(msi_messages),
	KUNIT_CASE(msi_level),
	{}
};

static struct kunit_suite lapic_ipi_suite = {
	.name = "lhv-lapic-ipi",
	.init = lapic_fixture_init,
	.exit = lapic_fixture_exit,
	.test_cases = lapic_ipi_cases,
};

kunit_test_suite(lapic_ipi_suite);
