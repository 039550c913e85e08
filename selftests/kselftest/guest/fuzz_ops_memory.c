// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_guest.h: operations with an operand in memory, or what should be, and on ports
 */
#include "fuzz_guest.h"

/* ---- instructions with an operand in memory ----------------------------------- */

/* How the ModRM byte's middle is filled, and what follows. */
enum operand { REG_ANY = 8, IMM8 = 0x10, IMM32 = 0x20, NO_SIZE = 0x40 };

struct memory_op {
	u8 n;
	u8 byte[3];
	u8 operand;	/* the opcode's extension, or REG_ANY; and the flags */
};

#define M(operand, ...)	{ sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }, operand }

static const struct memory_op memory_ops[] = {
	/* MOV and its kin, which devices are accessed by */
	M(REG_ANY, 0x88), M(REG_ANY, 0x89), M(REG_ANY, 0x8a), M(REG_ANY, 0x8b), M(REG_ANY, 0x89),
	M(REG_ANY, 0x8b), M(IMM8, 0xc6), M(IMM32, 0xc7), M(IMM32, 0xc7), M(REG_ANY, 0x0f, 0xb6),
	M(REG_ANY, 0x0f, 0xb7), M(REG_ANY, 0x0f, 0xbe), M(REG_ANY, 0x0f, 0xbf),
	M(REG_ANY, 0x0f, 0xc3), M(REG_ANY, 0x63),
	/* Arithmetic */
	M(REG_ANY, 0x01), M(REG_ANY, 0x0b), M(REG_ANY, 0x11), M(REG_ANY, 0x1b), M(REG_ANY, 0x20),
	M(REG_ANY, 0x29), M(REG_ANY, 0x33), M(REG_ANY, 0x39), M(IMM8 | 5, 0x83), M(IMM32 | 1, 0x81),
	M(REG_ANY, 0x85), M(REG_ANY, 0x87), M(0, 0xff), M(1, 0xfe), M(2, 0xf7), M(3, 0xf6),
	M(4, 0xf7), M(6, 0xf7), M(7, 0xf6), M(4, 0xd1), M(IMM8 | 5, 0xc1),
	M(REG_ANY, 0x0f, 0xa3), M(REG_ANY, 0x0f, 0xab), M(REG_ANY, 0x0f, 0xb3),
	M(IMM8 | 7, 0x0f, 0xba), M(REG_ANY, 0x0f, 0xb1), M(REG_ANY, 0x0f, 0xc1),
	M(1, 0x0f, 0xc7), M(REG_ANY, 0x0f, 0xbc), M(REG_ANY, 0x0f, 0x38, 0xf0),
	M(REG_ANY, 0x0f, 0x38, 0xf1), M(REG_ANY, 0x0f, 0x44), M(0, 0x0f, 0x94),
	M(REG_ANY, 0x0f, 0xaf),
	/* Stack and branches */
	M(6, 0xff), M(0, 0x8f), M(2, 0xff), M(4, 0xff), M(3, 0xff), M(5, 0xff),
	/* FPU, SSE, AVX in its two-byte form, and their state */
	M(REG_ANY, 0x0f, 0x10), M(REG_ANY, 0x0f, 0x11), M(REG_ANY, 0x0f, 0x6f),
	M(REG_ANY, 0x0f, 0x7f), M(REG_ANY, 0x0f, 0xe7), M(REG_ANY, 0xc5, 0xfd, 0x7f),
	M(REG_ANY, 0xc5, 0xfe, 0x6f), M(0, 0xd9), M(2, 0xdd), M(6, 0xdd), M(4, 0xdd), M(7, 0xdf),
	M(0, 0x0f, 0xae), M(1, 0x0f, 0xae), M(2, 0x0f, 0xae), M(3, 0x0f, 0xae), M(4, 0x0f, 0xae),
	M(5, 0x0f, 0xae), M(6, 0x0f, 0xae), M(7, 0x0f, 0xae), M(3, 0x0f, 0xc7), M(4, 0x0f, 0xc7),
	M(1, 0x0f, 0x0d), M(0, 0x0f, 0x18),
	/* System instructions */
	M(0, 0x0f, 0x01), M(1, 0x0f, 0x01), M(4, 0x0f, 0x01), M(6, 0x0f, 0x01), M(7, 0x0f, 0x01),
	M(0, 0x0f, 0x00), M(1, 0x0f, 0x00), M(4, 0x0f, 0x00), M(5, 0x0f, 0x00),
	M(6, 0x0f, 0xc7), M(7, 0x0f, 0xc7), M(REG_ANY, 0x0f, 0x02), M(REG_ANY, 0x0f, 0x03),
	M(REG_ANY, 0x0f, 0xb2), M(REG_ANY, 0x8e), M(REG_ANY, 0x8c), M(REG_ANY, 0x62),
	M(REG_ANY, 0xc4), M(REG_ANY, 0x8d), M(REG_ANY, 0x0f, 0x78), M(REG_ANY, 0x0f, 0x79),
};

static void emit_prefixes(struct fuzz_code *code)
{
	static const u8 prefixes[] = { 0x66, 0x66, 0x66, 0xf0, 0xf2, 0xf3, 0x2e, 0x64, 0x65, 0x36 };
	struct random *random = code->random;
	int bits = fuzz_bits(code->mode);

	/* Addresses of 32 bits, nearly always */
	if (bits == 16 && !one_in(random, 16))
		emit8(code, 0x67);
	while (one_in(random, 3))
		emit8(code, random_of(random, prefixes));
	if (bits == 64 && one_in(random, 3))
		emit8(code, one_in(random, 4) ? 0x40 | (random_u64(random) & 14) : 0x48);
}

void fuzz_emit_memory_op(struct fuzz_code *code)
{
	struct random *random = code->random;
	const struct memory_op *op = &random_of(random, memory_ops);
	u8 reg = op->operand & REG_ANY ? random_u64(random) & 7 : op->operand & 7;

	emit_prefixes(code);
	emit(code, op->byte, op->n);
	emit8(code, reg << 3 | RBX);
	if (op->operand & IMM8)
		emit8(code, random_u64(random));
	if (op->operand & IMM32)
		emit32(code, fuzz_value(random));
}

void fuzz_op_memory(struct fuzz_code *code)
{
	struct random *random = code->random;

	emit_load(code, RBX, fuzz_address(random));
	emit_load(code, RAX, fuzz_value(random));
	if (one_in(random, 2))
		emit_load(code, random_below(random, 2) ? RCX : RDX, fuzz_value(random));
	fuzz_emit_memory_op(code);
}

/* What takes part in a string instruction, also across pages and to devices */
static void emit_string_registers(struct fuzz_code *code)
{
	static const u16 counts[] = { 0, 1, 2, 3, 15, 64, 300, 1025, 5000 };
	struct random *random = code->random;

	emit_load(code, RSI, fuzz_address(random));
	emit_load(code, RDI, fuzz_address(random));
	emit_load(code, RCX, one_in(random, 16) ? fuzz_value(random) : random_of(random, counts));
	if (one_in(random, 4))
		emit8(code, 0xfd);	/* STD */
	else if (one_in(random, 2))
		emit8(code, 0xfc);
}

void fuzz_op_string(struct fuzz_code *code)
{
	static const u8 opcodes[] = {
		0xa4, 0xa5, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xab, 0xac, 0xad, 0xae, 0xaf,
	};

	emit_string_registers(code);
	emit_load(code, RAX, fuzz_value(code->random));
	emit_prefixes(code);
	if (one_in(code->random, 2))
		emit8(code, 0xf3);
	emit8(code, random_of(code->random, opcodes));
}

/* ---- ports -------------------------------------------------------------------- */

void fuzz_op_port(struct fuzz_code *code)
{
	static const u16 ports[] = {
		0, 0x10, 0x3f8, 0x60, 0x64, 0x70, 0xcf8, 0xcfc, 0xffff, 0xfffd,
	};
	static const u8 opcodes[] = { 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef };
	struct random *random = code->random;
	u8 opcode = random_of(random, opcodes);

	emit_load(code, RDX, one_in(random, 4) ? random_u64(random) & 0xffff :
					       random_of(random, ports));
	if (one_in(random, 2))
		emit8(code, 0x66);
	emit8(code, opcode);
	if (opcode < 0xe8)
		emit8(code, one_in(random, 2) ? random_u64(random) & 0x7f : 0x10);
}

void fuzz_op_string_port(struct fuzz_code *code)
{
	struct random *random = code->random;

	emit_string_registers(code);
	emit_load(code, RDX, random_below(random, 0x80));
	emit_prefixes(code);
	if (!one_in(random, 3))
		emit8(code, 0xf3);
	emit8(code, 0x6c + random_below(random, 4));
}
