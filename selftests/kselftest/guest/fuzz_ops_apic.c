// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_guest.h: operations on MSRs, the local APIC and its timer, and events by the dozen
 */
#include "apic.h"
#include "fuzz_guest.h"

/* ---- MSRs ---------------------------------------------------------------------- */

static u32 msr_number(struct random *random)
{
	static const u32 numbers[] = {
		MSR_TSC, MSR_APIC_BASE, MSR_TSC_ADJUST, MSR_PAT, MSR_TSC_DEADLINE, MSR_EFER,
		MSR_EFER, MSR_STAR, MSR_LSTAR, 0xc0000083, MSR_SYSCALL_MASK, MSR_FS_BASE,
		MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_TSC_AUX, 0x17, 0x2a, 0x3a, 0x48, 0x49,
		0x79, 0x8b, 0xc1, 0xce, 0xfe, 0x10a, 0x10b, 0x122, 0x174, 0x175, 0x176, 0x179,
		0x17a, 0x17b, 0x186, 0x198, 0x1a0, 0x1d9, 0x1d9, 0x1db, 0x200, 0x201, 0x20f,
		0x250, 0x258, 0x26f, 0x2ff, 0x309, 0x38f, 0x400, 0x480, 0x48b, 0x491, 0x560,
		0x6a0, 0x6a8, 0xd90, 0xda0, 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x40000000,
		0xc0010015, 0xc001001f, 0x1fff, 0x2000, 0xbfffffff, 0xc0002000, 0xffffffff,
	};

	switch (random_below(random, 8)) {
	case 0:
	case 1:
		return 0x800 + random_below(random, 0x40);
	case 2:
		return random_u64(random);
	case 3:
		return random_below(random, 0x2000) | (one_in(random, 2) ? 0xc0000000 : 0);
	default:
		return random_of(random, numbers);
	}
}

static u64 msr_value(struct random *random, u32 index)
{
	static const u32 bases[] = { 0xfee00800, 0xfee00900, 0xfee00c00, 0xfee00d00, 0xfee00000,
				     0xfec00800, FUZZ_RAM + 0x800 };

	if (one_in(random, 3))
		return fuzz_value(random);
	switch (index) {
	case MSR_APIC_BASE:
		return random_of(random, bases);
	case MSR_EFER:
		return random_u64(random) & (EFER_SCE | EFER_LME | EFER_LMA | EFER_NX);
	case 0x1d9:
		return random_below(random, 4);
	case MSR_PAT:
		return random_u64(random) & 0x0707070707070707;
	}
	return random_u64(random) >> random_below(random, 64);
}

static void emit_wrmsr(struct fuzz_code *code, u32 index, u64 value)
{
	emit_load(code, RCX, index);
	emit_load(code, RAX, (u32)value);
	emit_load(code, RDX, value >> 32);
	emit_bytes(code, 0x0f, 0x30);
}

void fuzz_op_msr(struct fuzz_code *code)
{
	u32 index = msr_number(code->random);

	if (one_in(code->random, 3)) {
		emit_load(code, RCX, index);
		emit_bytes(code, 0x0f, 0x32);
		return;
	}
	emit_wrmsr(code, index, msr_value(code->random, index));
}

/* ---- the local APIC ------------------------------------------------------------ */

static u32 any_vector(struct random *random)
{
	return one_in(random, 8) ? random_below(random, 32) : 32 + random_below(random, 224);
}

/* ICR's low half, mostly something that is delivered */
static u32 icr_value(struct random *random)
{
	static const u32 start_pages[] = { LAYOUT_TRAMPOLINE >> 12, FUZZ_CODE >> 12,
					   (FUZZ_CODE >> 12) + 2, FUZZ_STUBS >> 12, 0, 0xff };
	u32 icr = any_vector(random) | random_below(random, 4) << 18;

	if (one_in(random, 2))
		icr |= ICR_LOGICAL;
	switch (random_below(random, 10)) {
	case 0:
		return icr | ICR_NMI;
	case 1:
		return (icr & ~0xff) | ICR_INIT | (one_in(random, 3) ? ICR_LEVEL : ICR_ASSERT);
	case 2:
	case 3:
		return (icr & ~0xff) | ICR_SIPI | random_of(random, start_pages);
	case 4:
		return icr | ICR_LOWEST;
	case 5:
		return random_u64(random);
	default:
		return icr | ICR_ASSERT;
	}
}

static u32 destination(struct random *random)
{
	return one_in(random, 4) ? (u32)random_u64(random) : random_below(random, 8);
}

static u32 apic_value(struct random *random, u32 offset)
{
	switch (offset) {
	case APIC_ICR:
		return icr_value(random);
	case APIC_TPR:
		return one_in(random, 2) ? 0 : random_below(random, 0x100);
	case APIC_SVR:
		return (one_in(random, 4) ? 0 : SVR_ENABLE) | any_vector(random);
	case APIC_TDCR:
		return random_below(random, 16);
	case APIC_TMICT:
		return random_u64(random) >> (32 + random_below(random, 31));
	case APIC_LVT_TIMER ... APIC_LVT_ERROR:
		return any_vector(random) | random_below(random, 8) << 16 |
		       (one_in(random, 4) ? random_below(random, 8) << 8 : 0);
	case APIC_EOI:
		return one_in(random, 8) ? random_u64(random) : 0;
	}
	return fuzz_value(random);
}

static u32 apic_offset(struct random *random)
{
	static const u16 offsets[] = {
		APIC_ID, APIC_TPR, APIC_TPR, APIC_EOI, APIC_EOI, APIC_LDR, APIC_DFR, APIC_SVR,
		APIC_ESR, APIC_ICR, APIC_ICR, APIC_ICR, APIC_ICR2, APIC_LVT_TIMER, APIC_LVT_THERMAL,
		APIC_LVT_PMC, APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR, APIC_TMICT,
		APIC_TDCR, APIC_SELF_IPI, 0x2f0,
	};

	return one_in(random, 8) ? random_below(random, 256) << 4 : random_of(random, offsets);
}

/* In the mode that the APIC is in or in the other one */
static void emit_apic_write(struct fuzz_code *code, u32 offset, u32 value)
{
	struct random *random = code->random;

	if (one_in(random, 2)) {
		emit_store(code, APIC_PAGE + offset, value);
		return;
	}
	emit_wrmsr(code, 0x800 + offset / 16,
		   value | (offset == APIC_ICR ? (u64)destination(random) << 32 : 0));
}

void fuzz_op_apic(struct fuzz_code *code)
{
	struct random *random = code->random;
	u32 offset = apic_offset(random);

	if (one_in(random, 4)) {
		emit_wrmsr(code, MSR_APIC_BASE, APIC_PAGE | APIC_BASE_ENABLE |
			   (one_in(random, 2) ? APIC_BASE_X2APIC : 0) |
			   (one_in(random, 2) ? APIC_BASE_BSP : 0));
		emit_apic_write(code, APIC_SVR, SVR_ENABLE | 0xff);
	}
	if (offset == APIC_ICR && one_in(random, 2))
		emit_store(code, APIC_PAGE + APIC_ICR2, destination(random) << 24);
	emit_apic_write(code, offset, apic_value(random, offset));
	if (one_in(random, 4))
		emit8(code, 0xfb);
}

/* ---- storms and time ----------------------------------------------------------- */

/* A loop that sends the same message again and again */
void fuzz_op_storm(struct fuzz_code *code)
{
	struct random *random = code->random;
	u32 count = 2 + random_below(random, 100);
	u32 icr = icr_value(random), start;
	bool x2apic = one_in(random, 2);
	s64 back;

	if (one_in(random, 2))
		emit8(code, 0xfb);
	/* WRMSR takes RCX: RSI counts, or in 16-bit code SI. */
	emit_load(code, RSI, count);
	start = code->length;
	if (x2apic)
		emit_wrmsr(code, 0x800 + APIC_ICR / 16, (u64)destination(random) << 32 | icr);
	else
		emit_store(code, APIC_PAGE + APIC_ICR, icr);
	/* DEC, JNZ */
	emit_bytes(code, 0xff, 0xce, 0x75);
	back = (s64)start - (code->length + 1);
	emit8(code, back);
}

/* A timer that fires soon, long ago, or never; and often HLT */
void fuzz_op_timer(struct fuzz_code *code)
{
	static const u32 modes[] = { 0, LVT_PERIODIC, LVT_DEADLINE, LVT_PERIODIC | LVT_DEADLINE };
	struct random *random = code->random;

	emit_apic_write(code, APIC_SVR, SVR_ENABLE | 0xff);
	emit_apic_write(code, APIC_LVT_TIMER, random_of(random, modes) | any_vector(random));
	if (one_in(random, 2)) {
		emit_apic_write(code, APIC_TDCR, random_below(random, 16));
		emit_apic_write(code, APIC_TMICT, apic_value(random, APIC_TMICT));
	} else {
		emit_bytes(code, 0x0f, 0x31);
		if (fuzz_bits(code->mode) == 16)
			emit8(code, 0x66);
		emit8(code, 0x05);	/* ADD to EAX; the carry gets lost */
		emit32(code, one_in(random, 4) ? fuzz_value(random) : random_below(random, 20000));
		emit_load(code, RCX, MSR_TSC_DEADLINE);
		emit_bytes(code, 0x0f, 0x30);
	}
	if (one_in(random, 2))
		emit_bytes(code, 0xfb, 0xf4);
}
