// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC: registers, priorities, EOI, modes
 */
#include "lapic_fixture.h"

#define IRQ_VECTOR	0x51

static void reset_values(struct kunit *test)
{
	static const struct { u32 offset, value; } regs[] = {
		{ APIC_LVR, 0x00050014 }, { APIC_TASKPRI, 0 }, { APIC_PROCPRI, 0 },
		{ APIC_LDR, 0 }, { APIC_DFR, 0xffffffff }, { APIC_SPIV, 0xff },
		{ APIC_ESR, 0 }, { APIC_ICR, 0 }, { APIC_ICR2, 0 },
		{ APIC_LVTT, 0x10000 }, { APIC_LVTTHMR, 0x10000 }, { APIC_LVTPC, 0x10000 },
		{ APIC_LVT0, 0x10000 }, { APIC_LVT1, 0x10000 }, { APIC_LVTERR, 0x10000 },
		{ APIC_TMICT, 0 }, { APIC_TMCCT, 0 }, { APIC_TDCR, 0 },
	};
	struct lhv_vcpu *bsp = lapic_vcpu(test, 0);
	struct lhv_vcpu *ap = lapic_vcpu(test, 5);
	int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(ap, regs[i].offset), regs[i].value,
				    "at %x", regs[i].offset);
	KUNIT_EXPECT_EQ(test, lapic_get(ap, APIC_ID), 5 << 24);
	KUNIT_EXPECT_EQ(test, lhv_lapic_base(bsp), 0xfee00900ull);
	KUNIT_EXPECT_EQ(test, lhv_lapic_base(ap), 0xfee00800ull);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_has_work(ap));
	KUNIT_EXPECT_EQ(test, lhv_lapic_page_phys(ap) % PAGE_SIZE, 0);
}

static void init_keeps_mode(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 300);

	lapic_to_x2apic(test, vcpu);
	lapic_software_enable(vcpu);
	lhv_lapic_set_cr8(vcpu, 2);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, false);
	lhv_lapic_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, lhv_lapic_base(vcpu), 0xfee00c00ull);
	KUNIT_EXPECT_EQ(test, lhv_lapic_reg(vcpu->arch.lapic, APIC_ID), 300);
	KUNIT_EXPECT_EQ(test, lhv_lapic_reg(vcpu->arch.lapic, APIC_LDR), 18 << 16 | BIT(12));
	KUNIT_EXPECT_EQ(test, lhv_lapic_get_cr8(vcpu), 0ull);
	KUNIT_EXPECT_EQ(test, lhv_lapic_pending_vector(vcpu), -1);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR, false));

	lhv_lapic_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, lhv_lapic_base(vcpu), 0xfee00800ull);
}

static void irr_highest_first(struct kunit *test)
{
	static const u8 vectors[] = { 0x31, 0xfe, 0x10, 0x7f, 0x80, 0x60, 0x5f };
	static const u8 sorted[] = { 0xfe, 0x80, 0x7f, 0x60, 0x5f, 0x31, 0x10 };
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	int i;

	lapic_software_enable(vcpu);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		KUNIT_EXPECT_TRUE(test, lhv_lapic_deliver(vcpu, vectors[i], false));
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &vcpu->requests));
	KUNIT_EXPECT_TRUE(test, lhv_lapic_has_work(vcpu));
	for (i = 0; i < ARRAY_SIZE(sorted); i++) {
		KUNIT_EXPECT_EQ(test, lapic_take(vcpu), sorted[i]);
		KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_GUEST);
	}
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->irr_words, 0ul);
	KUNIT_EXPECT_EQ(test, vcpu->arch.lapic->isr_words, 0ul);
}

static void every_vector(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	int v;

	lapic_software_enable(vcpu);
	for (v = 16; v < 256; v++) {
		KUNIT_ASSERT_TRUE(test, lhv_lapic_deliver(vcpu, v, false));
		KUNIT_ASSERT_EQ(test, lapic_get(vcpu, APIC_IRR + v / 32 * 16), BIT(v % 32));
		KUNIT_ASSERT_EQ(test, lapic_take(vcpu), v);
		KUNIT_ASSERT_EQ(test, lapic_get(vcpu, APIC_ISR + v / 32 * 16), BIT(v % 32));
		KUNIT_ASSERT_EQ(test, lapic_get(vcpu, APIC_PROCPRI), v & 0xf0);
		lhv_lapic_write(vcpu, APIC_EOI, 0);
		KUNIT_ASSERT_EQ(test, lapic_get(vcpu, APIC_ISR + v / 32 * 16), 0);
	}
}

/* SDM 3A 11.8.3.1: PPR from TPR and the highest vector in service (0: none). */
static void ppr_table(struct kunit *test)
{
	static const struct { u8 tpr, isr, ppr; } rows[] = {
		{ 0x00, 0x00, 0x00 }, { 0x35, 0x00, 0x35 }, { 0x00, 0x47, 0x40 },
		{ 0x30, 0x47, 0x40 }, { 0x45, 0x47, 0x45 }, { 0x40, 0x4f, 0x40 },
		{ 0x5a, 0x47, 0x5a }, { 0xff, 0xf1, 0xff }, { 0x0f, 0x10, 0x10 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lhv_vcpu *vcpu = lapic_vcpu(test, i);

		lapic_software_enable(vcpu);
		if (rows[i].isr) {
			lhv_lapic_deliver(vcpu, rows[i].isr, false);
			lapic_take(vcpu);
		}
		lhv_lapic_write(vcpu, APIC_TASKPRI, rows[i].tpr);
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(vcpu, APIC_PROCPRI), rows[i].ppr,
				    "row %d", i);
		KUNIT_EXPECT_EQ(test, lhv_lapic_update_ppr(vcpu), rows[i].ppr);
	}
}

static void nesting(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	lapic_software_enable(vcpu);
	lhv_lapic_deliver(vcpu, 0x31, false);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0x31);
	/* Of the same class: waits. */
	lhv_lapic_deliver(vcpu, 0x3f, false);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_has_work(vcpu));
	lhv_lapic_deliver(vcpu, 0x41, false);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0x41);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_PROCPRI), 0x40);

	lhv_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_PROCPRI), 0x30);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	vcpu->requests = 0;
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &vcpu->requests));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0x3f);
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	/* With nothing in service EOI does nothing. */
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_GUEST);
}

static void coalescing(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	lapic_software_enable(vcpu);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, false);
	vcpu->requests = 0;
	KUNIT_EXPECT_TRUE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR, false));
	KUNIT_EXPECT_EQ(test, vcpu->requests, 0ul);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	/* One more is remembered while it is in service. */
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, false);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	lhv_lapic_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
}

static void level_eoi_exits(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	lapic_software_enable(vcpu);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, true);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_TMR + IRQ_VECTOR / 32 * 16),
			BIT(IRQ_VECTOR % 32));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, APIC_EOI, 0), LHV_USER);
	KUNIT_EXPECT_EQ(test, vcpu->run->exit_reason, LHV_EXIT_EOI);
	KUNIT_EXPECT_EQ(test, vcpu->run->eoi.vector, IRQ_VECTOR);

	/* The same vector, now edge-triggered, and by x2APIC's EOI. */
	lapic_to_x2apic(test, vcpu);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, false);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_EOI, 0), LHV_GUEST);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, true);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_EOI, 0), LHV_USER);
}

static void tpr_threshold(struct kunit *test)
{
	/* TPR class, vector in IRR (0: none), threshold. */
	static const struct { u8 cr8, irr, threshold; } rows[] = {
		{ 0, 0, 0 }, { 15, 0, 0 }, { 0, 0x51, 0 }, { 4, 0x51, 0 },
		{ 5, 0x51, 5 }, { 9, 0x51, 5 }, { 15, 0xf1, 15 }, { 1, 0x10, 1 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lhv_vcpu *vcpu = lapic_vcpu(test, i);

		lapic_software_enable(vcpu);
		if (rows[i].irr)
			lhv_lapic_deliver(vcpu, rows[i].irr, false);
		lhv_lapic_set_cr8(vcpu, rows[i].cr8);
		KUNIT_EXPECT_EQ(test, lhv_lapic_get_cr8(vcpu), (u64)rows[i].cr8);
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_tpr_threshold(vcpu), rows[i].threshold,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_pending_vector(vcpu) >= 0,
				    rows[i].irr && rows[i].irr >> 4 > rows[i].cr8, "row %d", i);
	}
}

static void software_disable(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	KUNIT_EXPECT_FALSE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR, false));
	lapic_software_enable(vcpu);
	lhv_lapic_write(vcpu, APIC_LVT0, 0x30);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_LVT0), 0x30);
	KUNIT_EXPECT_TRUE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR, false));

	lhv_lapic_write(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_LVT0), 0x10030);
	lhv_lapic_write(vcpu, APIC_LVT0, 0x31);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_LVT0), 0x10031);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR + 1, false));
	/* What was accepted before stays (11.4.7.2). */
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
}

static void error_register(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	lapic_software_enable(vcpu);
	lhv_lapic_write(vcpu, APIC_LVTERR, 0xfe);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_deliver(vcpu, 15, false));
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), 0);
	lhv_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), APIC_ESR_RECVILL);
	lhv_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), 0);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), 0xfe);
	lhv_lapic_write(vcpu, APIC_EOI, 0);

	/* No such register: 0x40, CMCI, the error word, unaligned, beyond. */
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, 0x40), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_LVTCMCI), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, LHV_LAPIC_ERRORS), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ID + 4), 0);
	lhv_lapic_write(vcpu, 0xff0, ~0);
	lhv_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), APIC_ESR_ILLREGA);

	/* An illegal vector in the error entry itself can't recurse. */
	lhv_lapic_write(vcpu, APIC_LVTERR, 3);
	lapic_get(vcpu, 0x40);
	lhv_lapic_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ESR), APIC_ESR_ILLREGA | APIC_ESR_RECVILL);
}

static void xapic_writes(struct kunit *test)
{
	/* What all ones become. */
	static const struct { u32 offset, value; } rows[] = {
		{ APIC_LVR, 0x00050014 }, { APIC_TASKPRI, 0xff },
		{ APIC_LDR, 0xff000000 }, { APIC_DFR, 0xffffffff },
		{ APIC_SPIV, 0x3ff }, { APIC_ICR2, 0xff000000 },
		{ APIC_LVTT, 0x700ff }, { APIC_LVTTHMR, 0x107ff }, { APIC_LVTPC, 0x107ff },
		{ APIC_LVT0, 0x1a7ff }, { APIC_LVT1, 0x1a7ff }, { APIC_LVTERR, 0x100ff },
		{ APIC_TDCR, 0xb }, { APIC_ISR, 0 }, { APIC_IRR, 0 }, { APIC_TMCCT, 0 },
	};
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 7);
	int i;

	lapic_software_enable(vcpu);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, lhv_lapic_write(vcpu, rows[i].offset, ~0), LHV_GUEST);
		KUNIT_EXPECT_EQ_MSG(test, lapic_get(vcpu, rows[i].offset), rows[i].value,
				    "at %x", rows[i].offset);
	}
	lhv_lapic_write(vcpu, APIC_DFR, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_DFR), 0x0fffffff);
	lhv_lapic_write(vcpu, APIC_ID, 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_ID), 7 << 24);
}

/* SDM table 11-6: r, w, or both, by the MSR's low byte; all else is #GP. */
static const char *x2apic_access(u32 reg)
{
	switch (reg) {
	case 0x02: case 0x03: case 0x0a: case 0x0d: case 0x39:
	case 0x10 ... 0x27:
		return "r";
	case 0x0b: case 0x3f:
		return "w";
	case 0x08: case 0x0f: case 0x28: case 0x30: case 0x32 ... 0x38: case 0x3e:
		return "rw";
	default:
		return "";
	}
}

static void x2apic_registers(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	u64 value;
	u32 reg;

	KUNIT_EXPECT_EQ(test, lhv_lapic_msr_read(vcpu, 0x802, &value), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_lapic_msr_write(vcpu, 0x80b, 0), -EINVAL);
	lapic_to_x2apic(test, vcpu);
	for (reg = 0; reg < 0x100; reg++) {
		const char *access = x2apic_access(reg);

		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_msr_read(vcpu, 0x800 + reg, &value),
				    strchr(access, 'r') ? 0 : -EINVAL, "read %x", reg);
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_msr_write(vcpu, 0x800 + reg, 0),
				    strchr(access, 'w') ? LHV_GUEST : -EINVAL, "write %x", reg);
	}
}

static void x2apic_reserved_bits(struct kunit *test)
{
	/* The bits that can be written, the read-only ones that are ignored. */
	static const struct { u32 offset; u64 writable, ignored; } rows[] = {
		{ APIC_TASKPRI, 0xff }, { APIC_EOI, 0 }, { APIC_SPIV, 0x3ff },
		{ APIC_ESR, 0 }, { APIC_LVTT, 0x700ff, BIT(12) },
		{ APIC_LVTTHMR, 0x107ff, BIT(12) }, { APIC_LVTPC, 0x107ff, BIT(12) },
		{ APIC_LVT0, 0x1a7ff, BIT(12) | BIT(14) },
		{ APIC_LVT1, 0x1a7ff, BIT(12) | BIT(14) },
		{ APIC_LVTERR, 0x100ff, BIT(12) }, { APIC_TMICT, U32_MAX },
		{ APIC_TDCR, 0xb }, { APIC_SELF_IPI, 0xff },
		{ APIC_ICR, 0xffffffff000ccfff, BIT(12) },
	};
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	int i, bit;

	lapic_to_x2apic(test, vcpu);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (bit = 0; bit < 64; bit++) {
			bool ok = (rows[i].writable | rows[i].ignored) & BIT_ULL(bit);

			KUNIT_EXPECT_EQ_MSG(test,
					    lapic_msr_set(vcpu, rows[i].offset, BIT_ULL(bit)),
					    ok ? LHV_GUEST : -EINVAL,
					    "%x bit %d", rows[i].offset, bit);
		}
	}
}

static void self_ipi(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	u64 value;

	lapic_to_x2apic(test, vcpu);
	lapic_software_enable(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_SELF_IPI, IRQ_VECTOR), LHV_GUEST);
	KUNIT_EXPECT_TRUE(test, test_bit(LHV_REQ_EVENT, &vcpu->requests));
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), IRQ_VECTOR);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_EOI, 0), LHV_GUEST);
	KUNIT_EXPECT_EQ(test, lapic_msr_set(vcpu, APIC_SELF_IPI, 3), LHV_GUEST);
	lapic_msr_set(vcpu, APIC_ESR, 0);
	lhv_lapic_msr_read(vcpu, 0x828, &value);
	KUNIT_EXPECT_EQ(test, value, (u64)APIC_ESR_SENDILL);
	KUNIT_EXPECT_EQ(test, lapic_take(vcpu), -1);
}

#define OFF	0ull
#define BAD	X2APIC_ENABLE
#define XAPIC	XAPIC_ENABLE
#define X2APIC	(XAPIC_ENABLE | X2APIC_ENABLE)

static void base_transitions(struct kunit *test)
{
	static const struct { u64 from, to; bool legal; } rows[] = {
		{ OFF, OFF, true }, { OFF, XAPIC, true }, { OFF, X2APIC, false },
		{ OFF, BAD, false },
		{ XAPIC, OFF, true }, { XAPIC, XAPIC, true }, { XAPIC, X2APIC, true },
		{ XAPIC, BAD, false },
		{ X2APIC, OFF, true }, { X2APIC, XAPIC, false }, { X2APIC, X2APIC, true },
		{ X2APIC, BAD, false },
	};
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 17);
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 from = APIC_DEFAULT_PHYS_BASE | rows[i].from;
		u64 to = APIC_DEFAULT_PHYS_BASE | rows[i].to;

		KUNIT_ASSERT_EQ(test, lhv_lapic_set_base(vcpu, from, true), 0);
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_set_base(vcpu, to, false),
				    rows[i].legal ? 0 : -EINVAL, "row %d", i);
		KUNIT_EXPECT_EQ(test, lhv_lapic_base(vcpu), rows[i].legal ? to : from);
		/* The host can go anywhere that exists. */
		KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, to, true),
				rows[i].to == BAD ? -EINVAL : 0);
	}
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, APIC_DEFAULT_PHYS_BASE | X2APIC, true), 0);
	KUNIT_EXPECT_EQ(test, lhv_lapic_reg(vcpu->arch.lapic, APIC_ID), 17);
	KUNIT_EXPECT_EQ(test, lhv_lapic_reg(vcpu->arch.lapic, APIC_LDR), 1 << 16 | BIT(1));
}

static void base_disable_resets(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 1);

	lapic_software_enable(vcpu);
	lhv_lapic_deliver(vcpu, IRQ_VECTOR, false);
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, APIC_DEFAULT_PHYS_BASE, false), 0);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_enabled(vcpu));
	KUNIT_EXPECT_FALSE(test, lhv_lapic_deliver(vcpu, IRQ_VECTOR, false));
	KUNIT_EXPECT_EQ(test, lhv_lapic_pending_vector(vcpu), -1);
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, APIC_DEFAULT_PHYS_BASE | XAPIC, false), 0);
	KUNIT_EXPECT_EQ(test, lapic_get(vcpu, APIC_SPIV), 0xff);
	KUNIT_EXPECT_EQ(test, lhv_lapic_pending_vector(vcpu), -1);
}

static void base_bits(struct kunit *test)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);
	u64 base = lhv_lapic_base(vcpu);
	int bit;

	for (bit = 0; bit < 64; bit++) {
		bool reserved = bit < 8 || bit == 9 || bit >= FIXTURE_PHYS_BITS;

		if (bit == 10 || bit == 11)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, lhv_lapic_set_base(vcpu, base ^ BIT_ULL(bit), false),
				    reserved ? -EINVAL : 0, "bit %d", bit);
		KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, base, false), 0);
	}
	KUNIT_EXPECT_TRUE(test, lhv_lapic_mmio_match(vcpu, 0xfee00fff));
	KUNIT_EXPECT_FALSE(test, lhv_lapic_mmio_match(vcpu, 0xfee01000));
	KUNIT_EXPECT_EQ(test, lhv_lapic_set_base(vcpu, 0xfed40800, false), 0);
	KUNIT_EXPECT_TRUE(test, lhv_lapic_mmio_match(vcpu, 0xfed40020));
	KUNIT_EXPECT_FALSE(test, lhv_lapic_mmio_match(vcpu, 0xfee00020));
	lapic_to_x2apic(test, vcpu);
	KUNIT_EXPECT_FALSE(test, lhv_lapic_mmio_match(vcpu, 0xfed40020));
}

static struct kunit_case lapic_cases[] = {
	KUNIT_CASE(reset_values),
	KUNIT_CASE(init_keeps_mode),
	KUNIT_CASE(irr_highest_first),
	KUNIT_CASE(every_vector),
	KUNIT_CASE(ppr_table),
	KUNIT_CASE(nesting),
	KUNIT_CASE(coalescing),
	KUNIT_CASE(level_eoi_exits),
	KUNIT_CASE(tpr_threshold),
	KUNIT_CASE(software_disable),
	KUNIT_CASE(error_register),
	KUNIT_CASE(xapic_writes),
	KUNIT_CASE(x2apic_registers),
	KUNIT_CASE(x2apic_reserved_bits),
	KUNIT_CASE(self_ipi),
	KUNIT_CASE(base_transitions),
	KUNIT_CASE(base_disable_resets),
	KUNIT_CASE(base_bits),
	{}
};

static struct kunit_suite lapic_suite = {
	.name = "lhv-lapic",
	.init = lapic_fixture_init,
	.exit = lapic_fixture_exit,
	.test_cases = lapic_cases,
};

kunit_test_suite(lapic_suite);
