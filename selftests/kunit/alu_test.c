// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic and its flags, against the processor's own
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/alu.h"
#include "arch/x86/decode.h"

#define STATUS_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)
/* The SDM leaves the others undefined. */
#define LOGIC_FLAGS	(STATUS_FLAGS & ~X86_EFLAGS_AF)
#define BIT_FLAGS	X86_EFLAGS_CF

#define RUN(insn, type)								\
	asm volatile("push %[flags]\n\tpopf\n\t" insn "\n\tpushf\n\tpop %[flags]" \
		     : [dst] "+q" (*(type *)dst), [flags] "+r" (*flags)		\
		     : [src] "q" ((type)src) : "cc")

#define RUN_SIZED(name, operands)						\
	do {									\
		switch (size) {							\
		case 1:								\
			RUN(name "b " operands, u8);				\
			break;							\
		case 2:								\
			RUN(name "w " operands, u16);				\
			break;							\
		case 4:								\
			RUN(name "l " operands, u32);				\
			break;							\
		default:							\
			RUN(name "q " operands, u64);				\
		}								\
	} while (0)

#define NATIVE(fn, name, operands)						\
	static void native_##fn(u64 *dst, u64 src, int size, unsigned long *flags) \
	{									\
		RUN_SIZED(name, operands);					\
	}

#define NATIVE_BIT(fn)								\
	static void native_##fn(u64 *dst, u64 src, int size, unsigned long *flags) \
	{									\
		if (size == 2)							\
			RUN(#fn "w %[src], %[dst]", u16);			\
		else if (size == 4)						\
			RUN(#fn "l %[src], %[dst]", u32);			\
		else								\
			RUN(#fn "q %[src], %[dst]", u64);			\
	}

NATIVE(add, "add", "%[src], %[dst]")
NATIVE(or, "or", "%[src], %[dst]")
NATIVE(adc, "adc", "%[src], %[dst]")
NATIVE(sbb, "sbb", "%[src], %[dst]")
NATIVE(and, "and", "%[src], %[dst]")
NATIVE(sub, "sub", "%[src], %[dst]")
NATIVE(xor, "xor", "%[src], %[dst]")
NATIVE(cmp, "cmp", "%[src], %[dst]")
NATIVE(test, "test", "%[src], %[dst]")
NATIVE(inc, "inc", "%[dst]")
NATIVE(dec, "dec", "%[dst]")
NATIVE(not, "not", "%[dst]")
NATIVE(neg, "neg", "%[dst]")
NATIVE_BIT(bt)
NATIVE_BIT(bts)
NATIVE_BIT(btr)
NATIVE_BIT(btc)

static const struct alu_op {
	int op;
	const char *name;
	void (*native)(u64 *dst, u64 src, int size, unsigned long *flags);
	unsigned long flags;
	bool no_byte;
} alu_ops[] = {
	{ LHV_OP_ADD, "add", native_add, STATUS_FLAGS },
	{ LHV_OP_OR, "or", native_or, LOGIC_FLAGS },
	{ LHV_OP_ADC, "adc", native_adc, STATUS_FLAGS },
	{ LHV_OP_SBB, "sbb", native_sbb, STATUS_FLAGS },
	{ LHV_OP_AND, "and", native_and, LOGIC_FLAGS },
	{ LHV_OP_SUB, "sub", native_sub, STATUS_FLAGS },
	{ LHV_OP_XOR, "xor", native_xor, LOGIC_FLAGS },
	{ LHV_OP_CMP, "cmp", native_cmp, STATUS_FLAGS },
	{ LHV_OP_TEST, "test", native_test, LOGIC_FLAGS },
	{ LHV_OP_INC, "inc", native_inc, STATUS_FLAGS },
	{ LHV_OP_DEC, "dec", native_dec, STATUS_FLAGS },
	{ LHV_OP_NOT, "not", native_not, STATUS_FLAGS },
	{ LHV_OP_NEG, "neg", native_neg, STATUS_FLAGS },
	{ LHV_OP_BT, "bt", native_bt, BIT_FLAGS, true },
	{ LHV_OP_BTS, "bts", native_bts, BIT_FLAGS, true },
	{ LHV_OP_BTR, "btr", native_btr, BIT_FLAGS, true },
	{ LHV_OP_BTC, "btc", native_btc, BIT_FLAGS, true },
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
	op->native(&want, src, size, &want_flags);
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

	for (size = op->no_byte ? 2 : 1; size <= 8; size *= 2) {
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
