/* SPDX-License-Identifier: GPL-2.0-only */
/* The decoder's tables (SDM 2D appendix A). */
#ifndef HVCTL_EMULATE_TABLES_H
#define HVCTL_EMULATE_TABLES_H

#include "emulate_insn.h"

/* struct row's size, where it isn't that of the operand in bytes */
enum {
	SIZE_V = 0x40,		/* the operand size */
	SIZE_Y,			/* 8 with REX.W, else 4 */
	SIZE_YY,		/* twice that */
	SIZE_FAR,		/* offset and selector */
};

/* struct row's flags */
#define IMM8		BIT(0)
#define IMMZ		BIT(1)	/* of the operand's size, but at most 32 bits */
#define IMM16		BIT(2)
#define NO_MODRM	BIT(3)
#define REG_OK		BIT(4)	/* a register in the place of memory, too */
#define NO_GPR		BIT(5)	/* ModRM.reg isn't a register */
#define NOT_64		BIT(6)
#define X87		BIT(7)
#define RMW		(ACCESS_READ | ACCESS_WRITE)

struct row {
	u8 kind;
	u8 size;
	u8 access;
	u8 flags;
};

/* Loads and stores; the second pair are of groups. */
#define R(size)		{ INSN_NATIVE, size, ACCESS_READ, 0 }
#define W(size)		{ INSN_NATIVE, size, ACCESS_WRITE, 0 }
#define GR(size)	{ INSN_NATIVE, size, ACCESS_READ, NO_GPR }
#define GW(size)	{ INSN_NATIVE, size, ACCESS_WRITE, NO_GPR }
#define GOTHER(kind, flags) { INSN_##kind, SIZE_V, ACCESS_READ, NO_GPR | (flags) }

/* Indexed by opcode: those of one byte, and those behind 0FH */
extern const struct row one_byte[256], two_byte[256];

/* What ModRM.reg selects (SDM 2D table A-6), by the opcode that it belongs to */
struct group {
	u8 map;
	u8 opcode;
	struct row row[8];
};

/* NULL if @opcode is no group's. */
const struct group *find_group(u8 map, u8 opcode);

/*
 * Vector instructions: a byte for each mandatory prefix, in the order none, 66H,
 * F3H, F2H. It holds the operand's size, or one of these. 0 is no instruction.
 */
#define V	0x80		/* also with VEX, as wide as the vector if of 16 bytes */
#define ST	0x40		/* stores, else loads */
#define Y	0x3f		/* 8 bytes with REX.W, else 4 */
#define VSIZE	0x3f

/* Indexed by opcode map; NULL for that of one byte */
extern const u8 (* const vector_tables[4])[4];

#endif
