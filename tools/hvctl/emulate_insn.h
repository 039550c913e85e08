/* SPDX-License-Identifier: GPL-2.0-only */
/* An instruction taken apart, for emulate.c. */
#ifndef HVCTL_EMULATE_INSN_H
#define HVCTL_EMULATE_INSN_H

#include "types.h"

#define INSN_MAX	15

/* General-purpose and segment registers as instructions number them. */
enum gpr {
	GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
	GPR_COUNT = 16,
	GPR_RIP,		/* as a base */
	GPR_NONE,
};

enum seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT, SEG_NONE };

/* What carries it out. */
enum insn_kind {
	INSN_UNKNOWN,
	INSN_NATIVE,		/* the processor itself: see emulate_native.h */
	INSN_BIT,		/* BT, BTS, BTR, BTC with a register */
	INSN_XLAT,
	INSN_NOTHING,		/* hints on caches */
	/* emulate_string.c */
	INSN_MOVS, INSN_CMPS, INSN_SCAS, INSN_STOS, INSN_LODS, INSN_INS, INSN_OUTS,
	/* emulate_stack.c */
	INSN_PUSH_REG, INSN_PUSH_IMM, INSN_PUSH_RM, INSN_PUSH_SEG, INSN_PUSHF,
	INSN_POP_REG, INSN_POP_RM, INSN_POP_SEG, INSN_POPF,
	INSN_CALL_REL, INSN_CALL_RM, INSN_JMP_RM, INSN_RET, INSN_ENTER, INSN_LEAVE,
	/* emulate_system.c */
	INSN_JMP_FAR, INSN_MOV_FROM_SEG, INSN_MOV_TO_SEG, INSN_LOAD_FAR,
	INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR, INSN_SMSW, INSN_LMSW,
	INSN_SGDT, INSN_SIDT, INSN_LGDT, INSN_LIDT,
	INSN_KINDS,
};

#define ACCESS_READ	BIT(0)
#define ACCESS_WRITE	BIT(1)

struct insn {
	u8 kind;
	u8 bits;		/* 16, 32 or 64: the mode's */
	u8 length;

	u8 op_size;		/* 2, 4 or 8 */
	u8 address_size;
	u8 segment;
	bool prefix_66;
	u8 prefix_rep;		/* F2H, F3H or 0; the last of them counts */
	u8 rex;			/* 0: none */

	u8 map;			/* 0: one byte; 1: 0FH; 2: 0F38H; 3: 0F3AH */
	u8 opcode;
	bool vex;
	bool vex_w;
	bool vex_256;
	u8 vex_register;	/* vvvv, not inverted */

	u8 mod;
	u8 reg;			/* ModRM.reg with REX.R */
	u8 rm;			/* ModRM.rm with REX.B, if @mod is 3 */
	u8 base, index;		/* enum gpr */
	u8 scale;
	s64 displacement;
	u8 immediate_size;
	s64 immediate;

	/* The operand in memory */
	u8 size;
	u8 access;		/* ACCESS_* */
	bool reg_is_gpr;	/* @reg names an operand that is a general register */
	bool fpu;		/* works on state that XSAVE has */
	bool x87;
};

#define DECODE_UNKNOWN	(-1)
#define DECODE_SHORT	(-2)	/* longer than the bytes that are there */

/* Decode the first of @n bytes of code; returns 0 or DECODE_*. */
int insn_decode(const u8 *bytes, unsigned int n, unsigned int bits, struct insn *insn);

#endif
