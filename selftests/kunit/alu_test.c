// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic and its flags, against the processor's own
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "arch/x86/alu.h"
#include "arch/x86/decode.h"

#define STATUS_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)
/* The SDM leaves the others undefined. */
#define LOGIC_FLAGS	(STATUS_FLAGS & ~X86_EFLAGS_AF)
#define BIT_FLAGS	X86_EFLAGS_CF

typedef void (*native_fn)(u64 *dst, u64 src, unsigned long *flags);

#define NATIVE(fn, insn, type)							\
static void native_##fn(u64 *dst, u64 src, unsigned long *flags)		\
{										\
	asm volatile("push %[flags]; popf; " insn "; pushf; pop %[flags]"	\
		     : [dst] "+q" (*(type *)dst), [flags] "+r" (*flags)		\
		     : [src] "q" ((type)src) : "cc");				\
}

NATIVE(add_8, "addb %[src], %[dst]", u8)
NATIVE(add_16, "addw %[src], %[dst]", u16)
NATIVE(add_32, "addl %[src], %[dst]", u32)
NATIVE(add_64, "addq %[src], %[dst]", u64)

NATIVE(or_8, "orb %[src], %[dst]", u8)
NATIVE(or_16, "orw %[src], %[dst]", u16)
NATIVE(or_32, "orl %[src], %[dst]", u32)
NATIVE(or_64, "orq %[src], %[dst]", u64)

NATIVE(adc_8, "adcb %[src], %[dst]", u8)
NATIVE(adc_16, "adcw %[src], %[dst]", u16)
NATIVE(adc_32, "adcl %[src], %[dst]", u32)
NATIVE(adc_64, "adcq %[src], %[dst]", u64)

NATIVE(sbb_8, "sbbb %[src], %[dst]", u8)
NATIVE(sbb_16, "sbbw %[src], %[dst]", u16)
NATIVE(sbb_32, "sbbl %[src], %[dst]", u32)
NATIVE(sbb_64, "sbbq %[src], %[dst]", u64)

NATIVE(and_8, "andb %[src], %[dst]", u8)
NATIVE(and_16, "andw %[src], %[dst]", u16)
NATIVE(and_32, "andl %[src], %[dst]", u32)
NATIVE(and_64, "andq %[src], %[dst]", u64)

NATIVE(sub_8, "subb %[src], %[dst]", u8)
NATIVE(sub_16, "subw %[src], %[dst]", u16)
NATIVE(sub_32, "subl %[src], %[dst]", u32)
NATIVE(sub_64, "subq %[src], %[dst]", u64)

NATIVE(xor_8, "xorb %[src], %[dst]", u8)
NATIVE(xor_16, "xorw %[src], %[dst]", u16)
NATIVE(xor_32, "xorl %[src], %[dst]", u32)
NATIVE(xor_64, "xorq %[src], %[dst]", u64)

NATIVE(cmp_8, "cmpb %[src], %[dst]", u8)
NATIVE(cmp_16, "cmpw %[src], %[dst]", u16)
NATIVE(cmp_32, "cmpl %[src], %[dst]", u32)
NATIVE(cmp_64, "cmpq %[src], %[dst]", u64)

NATIVE(test_8, "testb %[src], %[dst]", u8)
NATIVE(test_16, "testw %[src], %[dst]", u16)
NATIVE(test_32, "testl %[src], %[dst]", u32)
NATIVE(test_64, "testq %[src], %[dst]", u64)

NATIVE(inc_8, "incb %[dst]", u8)
NATIVE(inc_16, "incw %[dst]", u16)
NATIVE(inc_32, "incl %[dst]", u32)
NATIVE(inc_64, "incq %[dst]", u64)

NATIVE(dec_8, "decb %[dst]", u8)
NATIVE(dec_16, "decw %[dst]", u16)
NATIVE(dec_32, "decl %[dst]", u32)
NATIVE(dec_64, "decq %[dst]", u64)

NATIVE(not_8, "notb %[dst]", u8)
NATIVE(not_16, "notw %[dst]", u16)
NATIVE(not_32, "notl %[dst]", u32)
NATIVE(not_64, "notq %[dst]", u64)

NATIVE(neg_8, "negb %[dst]", u8)
NATIVE(neg_16, "negw %[dst]", u16)
NATIVE(neg_32, "negl %[dst]", u32)
NATIVE(neg_64, "negq %[dst]", u64)

NATIVE(bt_16, "btw %[src], %[dst]", u16)
NATIVE(bt_32, "btl %[src], %[dst]", u32)
NATIVE(bt_64, "btq %[src], %[dst]", u64)

NATIVE(bts_16, "btsw %[src], %[dst]", u16)
NATIVE(bts_32, "btsl %[src], %[dst]", u32)
NATIVE(bts_64, "btsq %[src], %[dst]", u64)

NATIVE(btr_16, "btrw %[src], %[dst]", u16)
NATIVE(btr_32, "btrl %[src], %[dst]", u32)
NATIVE(btr_64, "btrq %[src], %[dst]", u64)

NATIVE(btc_16, "btcw %[src], %[dst]", u16)
NATIVE(btc_32, "btcl %[src], %[dst]", u32)
NATIVE(btc_64, "btcq %[src], %[dst]", u64)

/* @native: by log2 of the size */
static const struct alu_op {
	int op;
	const char *name;
	unsigned long flags;
	native_fn native[4];
} alu_ops[] = {
	{ LHV_OP_ADD, "add", STATUS_FLAGS, {
		native_add_8, native_add_16, native_add_32, native_add_64 } },
	{ LHV_OP_OR, "or", LOGIC_FLAGS, {
		native_or_8, native_or_16, native_or_32, native_or_64 } },
	{ LHV_OP_ADC, "adc", STATUS_FLAGS, {
		native_adc_8, native_adc_16, native_adc_32, native_adc_64 } },
	{ LHV_OP_SBB, "sbb", STATUS_FLAGS, {
		native_sbb_8, native_sbb_16, native_sbb_32, native_sbb_64 } },
	{ LHV_OP_AND, "and", LOGIC_FLAGS, {
		native_and_8, native_and_16, native_and_32, native_and_64 } },
	{ LHV_OP_SUB, "sub", STATUS_FLAGS, {
		native_sub_8, native_sub_16, native_sub_32, native_sub_64 } },
	{ LHV_OP_XOR, "xor", LOGIC_FLAGS, {
		native_xor_8, native_xor_16, native_xor_32, native_xor_64 } },
	{ LHV_OP_CMP, "cmp", STATUS_FLAGS, {
		native_cmp_8, native_cmp_16, native_cmp_32, native_cmp_64 } },
	{ LHV_OP_TEST, "test", LOGIC_FLAGS, {
		native_test_8, native_test_16, native_test_32, native_test_64 } },
	{ LHV_OP_INC, "inc", STATUS_FLAGS, {
		native_inc_8, native_inc_16, native_inc_32, native_inc_64 } },
	{ LHV_OP_DEC, "dec", STATUS_FLAGS, {
		native_dec_8, native_dec_16, native_dec_32, native_dec_64 } },
	{ LHV_OP_NOT, "not", STATUS_FLAGS, {
		native_not_8, native_not_16, native_not_32, native_not_64 } },
	{ LHV_OP_NEG, "neg", STATUS_FLAGS, {
		native_neg_8, native_neg_16, native_neg_32, native_neg_64 } },
	{ LHV_OP_BT, "bt", BIT_FLAGS, {
		NULL, native_bt_16, native_bt_32, native_bt_64 } },
	{ LHV_OP_BTS, "bts", BIT_FLAGS, {
		NULL, native_bts_16, native_bts_32, native_bts_64 } },
	{ LHV_OP_BTR, "btr", BIT_FLAGS, {
		NULL, native_btr_16, native_btr_32, native_btr_64 } },
	{ LHV_OP_BTC, "btc", BIT_FLAGS, {
		NULL, native_btc_16, native_btc_32, native_btc_64 } },
};

static void alu_name(const struct alu_op *op, char *desc)
{
	strscpy(desc, op->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(alu_op, alu_ops, alu_name);

static void alu_one(struct kunit *test, const struct alu_op *op, u64 dst, u64 src, int size,
		    unsigned long flags_in)
{
	unsigned long got_flags = flags_in | X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	unsigned long want_flags = got_flags;
	u64 mask = lhv_size_mask(size);
	u64 want = dst, got;

	got = lhv_alu(op->op, dst, src, size, &got_flags);
	op->native[ilog2(size)](&want, src, &want_flags);
	if (op->op == LHV_OP_CMP || op->op == LHV_OP_TEST || op->op == LHV_OP_BT)
		got = want;
	if ((got ^ want) & mask || (got_flags ^ want_flags) & op->flags)
		KUNIT_FAIL(test, "%s size %d: %llx, %llx: %llx flags %lx, want %llx flags %lx",
			   op->name, size, dst, src, got & mask, got_flags, want & mask,
			   want_flags);
	/* Control flags aren't touched. */
	KUNIT_EXPECT_EQ(test, got_flags & ~STATUS_FLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
}

static void alu_like_native(struct kunit *test)
{
	static const u64 values[] = {
		0, 1, 2, 7, 8, 0xf, 0x10, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x0123456789abcdef,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};
	const struct alu_op *op = test->param_value;
	int size, i, j;

	for (size = op->native[0] ? 1 : 2; size <= 8; size *= 2) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			for (j = 0; j < ARRAY_SIZE(values); j++) {
				alu_one(test, op, values[i], values[j], size, 0);
				alu_one(test, op, values[i], values[j], size, STATUS_FLAGS);
			}
		}
	}
}

static struct kunit_case alu_cases[] = {
	KUNIT_CASE_PARAM(alu_like_native, alu_op_gen_params),
	{}
};

static struct kunit_suite alu_suite = {
	.name = "lhv-alu",
	.test_cases = alu_cases,
};

kunit_test_suite(alu_suite);
