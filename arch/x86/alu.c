// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic with flags (SDM 1 3.4.3.1, appendix A)
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "arch/x86/alu.h"
#include "arch/x86/decode.h"

#define ARITHMETIC_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
				 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static unsigned long flag_if(bool condition, unsigned long flag)
{
	return condition ? flag : 0;
}

/* PF, ZF and SF say something of the result alone. */
static unsigned long result_flags(u64 result, unsigned int size)
{
	return flag_if(!(hweight8(result) & 1), X86_EFLAGS_PF) |
	       flag_if(!result, X86_EFLAGS_ZF) |
	       flag_if(result >> (8 * size - 1) & 1, X86_EFLAGS_SF);
}

/*
 * The carries out of each bit, of an addition, or the borrows of a subtraction,
 * in @carries: the highest is CF, that of bit 3 AF, and OF tells that the
 * highest two differ.
 */
static unsigned long carry_flags(u64 carries, unsigned int size)
{
	unsigned int top = 8 * size - 1;

	return flag_if(carries >> top & 1, X86_EFLAGS_CF) |
	       flag_if(carries >> 3 & 1, X86_EFLAGS_AF) |
	       flag_if((carries >> top ^ carries >> (top - 1)) & 1, X86_EFLAGS_OF);
}

static u64 add(u64 a, u64 b, bool carry, unsigned int size, unsigned long *flags)
{
	u64 sum = (a + b + carry) & lhv_size_mask(size);

	*flags = result_flags(sum, size) | carry_flags((a & b) | ((a | b) & ~sum), size);
	return sum;
}

static u64 subtract(u64 a, u64 b, bool borrow, unsigned int size, unsigned long *flags)
{
	u64 difference = (a - b - borrow) & lhv_size_mask(size);

	*flags = result_flags(difference, size) |
		 carry_flags((~a & b) | ((~a | b) & difference), size);
	return difference;
}

static u64 logic(u64 result, unsigned int size, unsigned long *flags)
{
	*flags = result_flags(result, size);
	return result;
}

/* CF is the bit as it was; the other flags stay. */
static u64 bit_test(int op, u64 dst, unsigned int bit, unsigned long *flags)
{
	*flags = (*flags & ~X86_EFLAGS_CF) | flag_if(dst >> bit & 1, X86_EFLAGS_CF);
	switch (op) {
	case LHV_OP_BTS:
		return dst | BIT_ULL(bit);
	case LHV_OP_BTR:
		return dst & ~BIT_ULL(bit);
	case LHV_OP_BTC:
		return dst ^ BIT_ULL(bit);
	default:
		return dst;
	}
}

/* Those that set all of ARITHMETIC_FLAGS. */
static u64 arithmetic(int op, u64 dst, u64 src, unsigned int size, unsigned long *flags)
{
	bool carry = *flags & X86_EFLAGS_CF;

	switch (op) {
	case LHV_OP_ADD:
		return add(dst, src, false, size, flags);
	case LHV_OP_ADC:
		return add(dst, src, carry, size, flags);
	case LHV_OP_SBB:
		return subtract(dst, src, carry, size, flags);
	case LHV_OP_SUB:
	case LHV_OP_CMP:
		return subtract(dst, src, false, size, flags);
	case LHV_OP_NEG:
		return subtract(0, dst, false, size, flags);
	case LHV_OP_OR:
		return logic(dst | src, size, flags);
	case LHV_OP_XOR:
		return logic(dst ^ src, size, flags);
	default:
		/* AND, TEST */
		return logic(dst & src, size, flags);
	}
}

u64 lhv_alu(int op, u64 dst, u64 src, unsigned int size, unsigned long *flags)
{
	unsigned long old = *flags, changed = *flags;
	unsigned long mask = ARITHMETIC_FLAGS;
	u64 result;

	dst &= lhv_size_mask(size);
	src &= lhv_size_mask(size);
	switch (op) {
	case LHV_OP_NOT:
		return ~dst & lhv_size_mask(size);
	case LHV_OP_BT:
	case LHV_OP_BTS:
	case LHV_OP_BTR:
	case LHV_OP_BTC:
		return bit_test(op, dst, src & (8 * size - 1), flags);
	case LHV_OP_INC:
	case LHV_OP_DEC:
		/* As ADD and SUB of 1, but CF stays. */
		mask &= ~X86_EFLAGS_CF;
		op = op == LHV_OP_INC ? LHV_OP_ADD : LHV_OP_SUB;
		src = 1;
		break;
	}
	result = arithmetic(op, dst, src, size, &changed);
	*flags = (old & ~mask) | (changed & mask);
	return result;
}
