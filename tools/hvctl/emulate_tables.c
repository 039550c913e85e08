// SPDX-License-Identifier: GPL-2.0-only
#include "emulate_tables.h"

#define RW(size)	{ INSN_NATIVE, size, RMW, 0 }
#define RI(size, imm)	{ INSN_NATIVE, size, ACCESS_READ, imm }
#define RWI(size, imm)	{ INSN_NATIVE, size, RMW, imm }
#define OTHER(kind, flags) { INSN_##kind, SIZE_V, 0, flags }

/* 00H to 3BH: of the eight operations, those forms that can reach memory */
#define ARITHMETIC(n, access)					\
	[(n) * 8 + 0] = { INSN_NATIVE, 1, access, 0 },		\
	[(n) * 8 + 1] = { INSN_NATIVE, SIZE_V, access, 0 },	\
	[(n) * 8 + 2] = R(1), [(n) * 8 + 3] = R(SIZE_V)

#define EIGHT(first, entry)					\
	[first] = entry, [(first) + 1] = entry, [(first) + 2] = entry, \
	[(first) + 3] = entry, [(first) + 4] = entry, [(first) + 5] = entry, \
	[(first) + 6] = entry, [(first) + 7] = entry
#define PUSH_REG	OTHER(PUSH_REG, NO_MODRM)
#define POP_REG		OTHER(POP_REG, NO_MODRM)

const struct row one_byte[256] = {
	ARITHMETIC(0, RMW), ARITHMETIC(1, RMW), ARITHMETIC(2, RMW), ARITHMETIC(3, RMW),
	ARITHMETIC(4, RMW), ARITHMETIC(5, RMW), ARITHMETIC(6, RMW),
	ARITHMETIC(7, ACCESS_READ),
	[0x06] = OTHER(PUSH_SEG, NO_MODRM | NOT_64), [0x07] = OTHER(POP_SEG, NO_MODRM | NOT_64),
	[0x0e] = OTHER(PUSH_SEG, NO_MODRM | NOT_64),
	[0x16] = OTHER(PUSH_SEG, NO_MODRM | NOT_64), [0x17] = OTHER(POP_SEG, NO_MODRM | NOT_64),
	[0x1e] = OTHER(PUSH_SEG, NO_MODRM | NOT_64), [0x1f] = OTHER(POP_SEG, NO_MODRM | NOT_64),
	EIGHT(0x50, PUSH_REG), EIGHT(0x58, POP_REG),
	[0x68] = OTHER(PUSH_IMM, NO_MODRM | IMMZ), [0x6a] = OTHER(PUSH_IMM, NO_MODRM | IMM8),
	[0x69] = RI(SIZE_V, IMMZ), [0x6b] = RI(SIZE_V, IMM8),
	[0x6c] = { INSN_INS, 1, 0, NO_MODRM }, [0x6d] = OTHER(INS, NO_MODRM),
	[0x6e] = { INSN_OUTS, 1, 0, NO_MODRM }, [0x6f] = OTHER(OUTS, NO_MODRM),
	[0x84] = R(1), [0x85] = R(SIZE_V), [0x86] = RW(1), [0x87] = RW(SIZE_V),
	[0x88] = W(1), [0x89] = W(SIZE_V), [0x8a] = R(1), [0x8b] = R(SIZE_V),
	[0x8c] = { INSN_MOV_FROM_SEG, 2, ACCESS_WRITE, NO_GPR },
	[0x8e] = { INSN_MOV_TO_SEG, 2, ACCESS_READ, NO_GPR },
	[0x9c] = OTHER(PUSHF, NO_MODRM), [0x9d] = OTHER(POPF, NO_MODRM),
	[0xa4] = { INSN_MOVS, 1, 0, NO_MODRM }, [0xa5] = OTHER(MOVS, NO_MODRM),
	[0xa6] = { INSN_CMPS, 1, 0, NO_MODRM }, [0xa7] = OTHER(CMPS, NO_MODRM),
	[0xaa] = { INSN_STOS, 1, 0, NO_MODRM }, [0xab] = OTHER(STOS, NO_MODRM),
	[0xac] = { INSN_LODS, 1, 0, NO_MODRM }, [0xad] = OTHER(LODS, NO_MODRM),
	[0xae] = { INSN_SCAS, 1, 0, NO_MODRM }, [0xaf] = OTHER(SCAS, NO_MODRM),
	[0xc2] = OTHER(RET, NO_MODRM | IMM16), [0xc3] = OTHER(RET, NO_MODRM),
	[0xc4] = { INSN_LOAD_FAR, SIZE_FAR, ACCESS_READ, NOT_64 },
	[0xc5] = { INSN_LOAD_FAR, SIZE_FAR, ACCESS_READ, NOT_64 },
	[0xc8] = OTHER(ENTER, NO_MODRM | IMM16 | IMM8), [0xc9] = OTHER(LEAVE, NO_MODRM),
	[0xd7] = { INSN_XLAT, 1, ACCESS_READ, NO_MODRM },
	[0xe8] = OTHER(CALL_REL, NO_MODRM | IMMZ),
};

const struct row two_byte[256] = {
	[0x0d] = OTHER(NOTHING, NO_GPR), [0x18] = OTHER(NOTHING, NO_GPR),
	EIGHT(0x40, R(SIZE_V)), EIGHT(0x48, R(SIZE_V)),
	EIGHT(0x90, W(1)), EIGHT(0x98, W(1)),
	[0xa0] = OTHER(PUSH_SEG, NO_MODRM), [0xa1] = OTHER(POP_SEG, NO_MODRM),
	[0xa8] = OTHER(PUSH_SEG, NO_MODRM), [0xa9] = OTHER(POP_SEG, NO_MODRM),
	[0xa3] = { INSN_BIT, SIZE_V, ACCESS_READ, 0 },
	[0xab] = { INSN_BIT, SIZE_V, RMW, 0 },
	[0xb3] = { INSN_BIT, SIZE_V, RMW, 0 },
	[0xbb] = { INSN_BIT, SIZE_V, RMW, 0 },
	[0xa4] = RWI(SIZE_V, IMM8), [0xa5] = RW(SIZE_V),
	[0xac] = RWI(SIZE_V, IMM8), [0xad] = RW(SIZE_V),
	[0xaf] = R(SIZE_V),
	[0xb0] = RW(1), [0xb1] = RW(SIZE_V),
	[0xb2] = { INSN_LOAD_FAR, SIZE_FAR, ACCESS_READ, 0 },
	[0xb4] = { INSN_LOAD_FAR, SIZE_FAR, ACCESS_READ, 0 },
	[0xb5] = { INSN_LOAD_FAR, SIZE_FAR, ACCESS_READ, 0 },
	[0xb6] = R(1), [0xb7] = R(2), [0xbc] = R(SIZE_V), [0xbd] = R(SIZE_V),
	[0xbe] = R(1), [0xbf] = R(2),
	[0xc0] = RW(1), [0xc1] = RW(SIZE_V), [0xc3] = W(SIZE_Y),
};

#define GRW(size)	{ INSN_NATIVE, size, RMW, NO_GPR }
#define GRI(size, imm)	{ INSN_NATIVE, size, ACCESS_READ, NO_GPR | (imm) }
#define GWI(size, imm)	{ INSN_NATIVE, size, ACCESS_WRITE, NO_GPR | (imm) }
#define GRWI(size, imm)	{ INSN_NATIVE, size, RMW, NO_GPR | (imm) }
#define SYSTEM(kind, size, access) { INSN_##kind, size, access, NO_GPR }
#define FR(size)	{ INSN_NATIVE, size, ACCESS_READ, NO_GPR | X87 }
#define FW(size)	{ INSN_NATIVE, size, ACCESS_WRITE, NO_GPR | X87 }

#define SEVEN_AND(entry, last) { entry, entry, entry, entry, entry, entry, entry, last }
#define SHIFTS(entry)	{ entry, entry, entry, entry, entry, entry, { 0 }, entry }

static const struct group groups[] = {
	{ 0, 0x80, SEVEN_AND(GRWI(1, IMM8), GRI(1, IMM8)) },
	{ 0, 0x81, SEVEN_AND(GRWI(SIZE_V, IMMZ), GRI(SIZE_V, IMMZ)) },
	{ 0, 0x83, SEVEN_AND(GRWI(SIZE_V, IMM8), GRI(SIZE_V, IMM8)) },
	{ 0, 0x8f, { GOTHER(POP_RM, REG_OK) } },
	{ 0, 0xc0, SHIFTS(GRWI(1, IMM8)) }, { 0, 0xc1, SHIFTS(GRWI(SIZE_V, IMM8)) },
	{ 0, 0xd0, SHIFTS(GRW(1)) }, { 0, 0xd1, SHIFTS(GRW(SIZE_V)) },
	{ 0, 0xd2, SHIFTS(GRW(1)) }, { 0, 0xd3, SHIFTS(GRW(SIZE_V)) },
	{ 0, 0xc6, { GWI(1, IMM8) } }, { 0, 0xc7, { GWI(SIZE_V, IMMZ) } },
	{ 0, 0xf6, { GRI(1, IMM8), { 0 }, GRW(1), GRW(1), GR(1), GR(1), GR(1), GR(1) } },
	{ 0, 0xf7, { GRI(SIZE_V, IMMZ), { 0 }, GRW(SIZE_V), GRW(SIZE_V),
		     GR(SIZE_V), GR(SIZE_V), GR(SIZE_V), GR(SIZE_V) } },
	{ 0, 0xfe, { GRW(1), GRW(1) } },
	{ 0, 0xff, { GRW(SIZE_V), GRW(SIZE_V), GOTHER(CALL_RM, REG_OK), { 0 },
		     GOTHER(JMP_RM, REG_OK), SYSTEM(JMP_FAR, SIZE_FAR, ACCESS_READ),
		     GOTHER(PUSH_RM, REG_OK) } },
	{ 0, 0xd8, { FR(4), FR(4), FR(4), FR(4), FR(4), FR(4), FR(4), FR(4) } },
	{ 0, 0xd9, { FR(4), { 0 }, FW(4), FW(4), { 0 }, FR(2), { 0 }, FW(2) } },
	{ 0, 0xda, { FR(4), FR(4), FR(4), FR(4), FR(4), FR(4), FR(4), FR(4) } },
	{ 0, 0xdb, { FR(4), FW(4), FW(4), FW(4), { 0 }, FR(10), { 0 }, FW(10) } },
	{ 0, 0xdc, { FR(8), FR(8), FR(8), FR(8), FR(8), FR(8), FR(8), FR(8) } },
	{ 0, 0xdd, { FR(8), FW(8), FW(8), FW(8), { 0 }, { 0 }, { 0 }, FW(2) } },
	{ 0, 0xde, { FR(2), FR(2), FR(2), FR(2), FR(2), FR(2), FR(2), FR(2) } },
	{ 0, 0xdf, { FR(2), FW(2), FW(2), FW(2), FR(10), FR(8), FW(10), FW(8) } },
	{ 1, 0x00, { SYSTEM(SLDT, 2, ACCESS_WRITE), SYSTEM(STR, 2, ACCESS_WRITE),
		     SYSTEM(LLDT, 2, ACCESS_READ), SYSTEM(LTR, 2, ACCESS_READ) } },
	{ 1, 0x01, { SYSTEM(SGDT, 10, ACCESS_WRITE), SYSTEM(SIDT, 10, ACCESS_WRITE),
		     SYSTEM(LGDT, 10, ACCESS_READ), SYSTEM(LIDT, 10, ACCESS_READ),
		     SYSTEM(SMSW, 2, ACCESS_WRITE), { 0 }, SYSTEM(LMSW, 2, ACCESS_READ) } },
	{ 1, 0xba, { { 0 }, { 0 }, { 0 }, { 0 }, GRI(SIZE_V, IMM8), GRWI(SIZE_V, IMM8),
		     GRWI(SIZE_V, IMM8), GRWI(SIZE_V, IMM8) } },
	{ 1, 0xc7, { { 0 }, GRW(SIZE_YY) } },
};

#define PACKED		{ 8, 16 }
#define PACKED_V	{ 8, 16 | V }
#define XMM		{ 0, 16 }
#define FLOAT		{ 16, 16, 4, 8 }
#define FLOAT_NO_SD	{ 16, 0, 4 }
#define PD_PS		{ 16, 16 }
#define PD_PS_V		{ 16 | V, 16 | V }

static const u8 vector_0f[256][4] = {
	[0x10] = { 16 | V, 16 | V, 4 | V, 8 | V },
	[0x11] = { 16 | V | ST, 16 | V | ST, 4 | V | ST, 8 | V | ST },
	[0x12] = { 8, 8, 16 | V, 8 }, [0x13] = { 8 | ST, 8 | ST },
	[0x14] = PD_PS, [0x15] = PD_PS,
	[0x16] = { 8, 8, 16 | V }, [0x17] = { 8 | ST, 8 | ST },
	[0x28] = PD_PS_V, [0x29] = { 16 | V | ST, 16 | V | ST },
	[0x2a] = { 8, 8, Y, Y }, [0x2b] = { 16 | V | ST, 16 | V | ST },
	[0x2c] = { 8, 16, 4, 8 }, [0x2d] = { 8, 16, 4, 8 }, [0x2e] = { 4, 8 }, [0x2f] = { 4, 8 },
	[0x51] = FLOAT, [0x52] = FLOAT_NO_SD, [0x53] = FLOAT_NO_SD,
	[0x54] = PD_PS_V, [0x55] = PD_PS_V, [0x56] = PD_PS_V, [0x57] = PD_PS_V,
	[0x58] = FLOAT, [0x59] = FLOAT, [0x5a] = { 8, 16, 4, 8 }, [0x5b] = { 16, 16, 16 },
	[0x5c] = FLOAT, [0x5d] = FLOAT, [0x5e] = FLOAT, [0x5f] = FLOAT,
	[0x60] = { 4, 16 }, [0x61] = { 4, 16 }, [0x62] = { 4, 16 },
	[0x63] = PACKED, [0x64] = PACKED_V, [0x65] = PACKED_V, [0x66] = PACKED_V,
	[0x67] = PACKED, [0x68] = PACKED, [0x69] = PACKED, [0x6a] = PACKED, [0x6b] = PACKED,
	[0x6c] = XMM, [0x6d] = XMM, [0x6e] = { Y, Y | V },
	[0x6f] = { 8, 16 | V, 16 | V },
	[0x70] = { 8, 16, 16, 16 }, [0x74] = PACKED_V, [0x75] = PACKED_V, [0x76] = PACKED_V,
	[0x7c] = { 0, 16, 0, 16 }, [0x7d] = { 0, 16, 0, 16 },
	[0x7e] = { Y | ST, Y | V | ST, 8 | V }, [0x7f] = { 8 | ST, 16 | V | ST, 16 | V | ST },
	[0xc2] = FLOAT, [0xc4] = { 2, 2 }, [0xc6] = PD_PS,
	[0xd0] = { 0, 16, 0, 16 }, [0xd1] = PACKED, [0xd2] = PACKED, [0xd3] = PACKED,
	[0xd4] = PACKED_V, [0xd5] = PACKED_V, [0xd6] = { 0, 8 | V | ST },
	[0xd8] = PACKED_V, [0xd9] = PACKED_V, [0xda] = PACKED_V, [0xdb] = PACKED_V,
	[0xdc] = PACKED_V, [0xdd] = PACKED_V, [0xde] = PACKED_V, [0xdf] = PACKED_V,
	[0xe0] = PACKED_V, [0xe1] = PACKED, [0xe2] = PACKED, [0xe3] = PACKED_V,
	[0xe4] = PACKED_V, [0xe5] = PACKED_V, [0xe6] = { 0, 16, 8, 16 },
	[0xe7] = { 8 | ST, 16 | V | ST },
	[0xe8] = PACKED_V, [0xe9] = PACKED_V, [0xea] = PACKED_V, [0xeb] = PACKED_V,
	[0xec] = PACKED_V, [0xed] = PACKED_V, [0xee] = PACKED_V, [0xef] = PACKED_V,
	[0xf0] = { 0, 0, 0, 16 | V }, [0xf1] = PACKED, [0xf2] = PACKED, [0xf3] = PACKED,
	[0xf4] = PACKED_V, [0xf5] = PACKED_V, [0xf6] = PACKED_V,
	[0xf8] = PACKED_V, [0xf9] = PACKED_V, [0xfa] = PACKED_V, [0xfb] = PACKED_V,
	[0xfc] = PACKED_V, [0xfd] = PACKED_V, [0xfe] = PACKED_V,
};

static const u8 vector_0f38[256][4] = {
	[0x00] = PACKED, [0x01] = PACKED, [0x02] = PACKED, [0x03] = PACKED, [0x04] = PACKED,
	[0x05] = PACKED, [0x06] = PACKED, [0x07] = PACKED, [0x08] = PACKED, [0x09] = PACKED,
	[0x0a] = PACKED, [0x0b] = PACKED, [0x1c] = PACKED, [0x1d] = PACKED, [0x1e] = PACKED,
	[0x10] = XMM, [0x14] = XMM, [0x15] = XMM, [0x17] = XMM,
	[0x20] = { 0, 8 }, [0x21] = { 0, 4 }, [0x22] = { 0, 2 },
	[0x23] = { 0, 8 }, [0x24] = { 0, 4 }, [0x25] = { 0, 8 },
	[0x28] = XMM, [0x29] = XMM, [0x2a] = { 0, 16 | V }, [0x2b] = XMM,
	[0x30] = { 0, 8 }, [0x31] = { 0, 4 }, [0x32] = { 0, 2 },
	[0x33] = { 0, 8 }, [0x34] = { 0, 4 }, [0x35] = { 0, 8 },
	[0x37] = XMM, [0x38] = XMM, [0x39] = XMM, [0x3a] = XMM, [0x3b] = XMM, [0x3c] = XMM,
	[0x3d] = XMM, [0x3e] = XMM, [0x3f] = XMM, [0x40] = XMM, [0x41] = XMM,
	[0xdb] = XMM, [0xdc] = XMM, [0xdd] = XMM, [0xde] = XMM, [0xdf] = XMM,
};

/* All have an 8-bit immediate. */
static const u8 vector_0f3a[256][4] = {
	[0x08] = XMM, [0x09] = XMM, [0x0a] = { 0, 4 }, [0x0b] = { 0, 8 },
	[0x0c] = XMM, [0x0d] = XMM, [0x0e] = XMM, [0x0f] = PACKED,
	[0x14] = { 0, 1 | ST }, [0x15] = { 0, 2 | ST }, [0x16] = { 0, Y | ST },
	[0x17] = { 0, 4 | ST }, [0x20] = { 0, 1 }, [0x21] = { 0, 4 }, [0x22] = { 0, Y },
	[0x40] = XMM, [0x41] = XMM, [0x42] = XMM, [0x44] = XMM,
	[0x60] = XMM, [0x61] = XMM, [0x62] = XMM, [0x63] = XMM,
};

const u8 (* const vector_tables[4])[4] = { NULL, vector_0f, vector_0f38, vector_0f3a };

const struct group *find_group(u8 map, u8 opcode)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (groups[i].map == map && groups[i].opcode == opcode)
			return &groups[i];
	}
	return NULL;
}
