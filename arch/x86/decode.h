/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction decoder for those with one integer operand in memory: MOV and its
 * kin, arithmetic, logic, bit tests, and strings. Pure: bytes in, description
 * out (SDM 2A chapter 2, appendix A).
 */
#ifndef LHV_DECODE_H
#define LHV_DECODE_H

#include <linux/types.h>

#define LHV_INSN_MAX	15

/* The first eight are numbered as in ModRM.reg of opcodes 80H to 83H. */
enum lhv_insn_op {
	LHV_OP_ADD,
	LHV_OP_OR,
	LHV_OP_ADC,
	LHV_OP_SBB,
	LHV_OP_AND,
	LHV_OP_SUB,
	LHV_OP_XOR,
	LHV_OP_CMP,
	LHV_OP_TEST,
	LHV_OP_INC,
	LHV_OP_DEC,
	LHV_OP_NOT,
	LHV_OP_NEG,
	LHV_OP_BT,
	LHV_OP_BTS,
	LHV_OP_BTR,
	LHV_OP_BTC,
	LHV_OP_XCHG,
	LHV_OP_MOV,
	LHV_OP_MOVZX,
	LHV_OP_MOVSX,
	LHV_OP_STOS,
	LHV_OP_LODS,
	LHV_OP_MOVS,
};

/* What there is besides the operand in memory. */
enum lhv_insn_other {
	LHV_OTHER_NONE,
	LHV_OTHER_REG,
	LHV_OTHER_IMM,
};

/* No base, or no index, or no segment override; and the base that is RIP. */
#define LHV_NO_REG	0xff
#define LHV_REG_RIP	0xfe

/**
 * struct lhv_insn - a decoded instruction
 * @op:		what it does
 * @other:	the operand that isn't in memory
 * @length:	of the instruction, bytes
 * @size:	of the operand in memory, bytes
 * @reg:	with LHV_OTHER_REG: enum lhv_reg
 * @reg_size:	bytes of @reg that take part
 * @reg_high:	@reg is AH, CH, DH or BH
 * @to_reg:	@reg is the destination, else the operand in memory
 * @lock:	has a LOCK prefix
 * @rep:	a string instruction that is repeated
 * @address_size: 2, 4 or 8
 * @segment:	of the operand in memory (of MOVS, the source): enum lhv_seg
 * @base:	enum lhv_reg, LHV_NO_REG or LHV_REG_RIP
 * @index:	enum lhv_reg or LHV_NO_REG
 * @scale:	shift count for @index
 * @displacement: sign-extended
 * @imm:	immediate operand, sign-extended
 *
 * String instructions have no @base and no @index; they use RSI and RDI.
 */
struct lhv_insn {
	u8 op;
	u8 other;
	u8 length;
	u8 size;
	u8 reg;
	u8 reg_size;
	bool reg_high;
	bool to_reg;
	bool lock;
	bool rep;
	u8 address_size;
	u8 segment;
	u8 base;
	u8 index;
	u8 scale;
	u64 displacement;
	u64 imm;
};

/**
 * lhv_decode - decode an instruction
 * @bytes: its first bytes
 * @n: how many; more than it has, up to LHV_INSN_MAX, or fewer
 * @bits: the code segment's size: 16, 32 or 64
 * @insn: result
 *
 * Return: 0; -ENODATA if @n is too small to tell; -EOPNOTSUPP if it isn't an
 * instruction that the decoder knows, has no operand in memory, or may not have
 * the LOCK prefix that it has.
 */
int lhv_decode(const u8 *bytes, unsigned int n, int bits, struct lhv_insn *insn);

static inline bool lhv_insn_is_string(const struct lhv_insn *insn)
{
	return insn->op >= LHV_OP_STOS;
}

/* Does it read its operand in memory (of MOVS: the source)? */
static inline bool lhv_insn_reads(const struct lhv_insn *insn)
{
	if (insn->op == LHV_OP_MOV)
		return insn->to_reg;
	return insn->op != LHV_OP_STOS;
}

/* Does it write its operand in memory? */
static inline bool lhv_insn_writes(const struct lhv_insn *insn)
{
	switch (insn->op) {
	case LHV_OP_CMP:
	case LHV_OP_TEST:
	case LHV_OP_BT:
	case LHV_OP_LODS:
		return false;
	case LHV_OP_XCHG:
		return true;
	default:
		return !insn->to_reg;
	}
}

#endif /* LHV_DECODE_H */
