// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: tables by opcode, prefixes, ModRM and SIB
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "arch/x86/decode.h"
#include "arch/x86/x86.h"

/* struct opcode's flags */
#define KNOWN		BIT(0)
#define BYTE		BIT(1)	/* operands of 8 bits, else 16, 32 or 64 */
#define TO_REG		BIT(2)	/* memory is the source */
#define NO_MODRM	BIT(3)
#define MOFFS		BIT(4)	/* the address follows the opcode */
#define STRING		BIT(5)
#define IMM8		BIT(6)	/* 8-bit immediate, sign-extended */
#define IMMZ		BIT(7)	/* immediate of the operand's size, but at most 32 bits */
#define NO_REG		BIT(8)	/* ModRM.reg isn't an operand */
#define WORD		BIT(9)	/* memory operand of 16 bits */
#define DWORD		BIT(10)	/* memory operand of 32 bits */
#define ONLY_64		BIT(11)	/* in 64-bit mode alone */
#define NO_16		BIT(12)	/* not with 16-bit operands */
#define MIN_32		BIT(13)	/* 32 bits also where operands have 16 */

/* What ModRM.reg selects, SDM 2A table A-6; and which of them are known. */
enum group {
	GROUP_NONE,
	GROUP_1,
	GROUP_3,
	GROUP_4_5,
	GROUP_8,
	GROUP_11,
};

struct opcode {
	u8 op;
	u8 group;
	u16 flags;
};

/* 00H to 3DH: each operation has six forms, of which four can reach memory. */
#define ARITHMETIC(op)									\
	[LHV_OP_##op * 8 + 0] = { LHV_OP_##op, GROUP_NONE, KNOWN | BYTE },		\
	[LHV_OP_##op * 8 + 1] = { LHV_OP_##op, GROUP_NONE, KNOWN },			\
	[LHV_OP_##op * 8 + 2] = { LHV_OP_##op, GROUP_NONE, KNOWN | BYTE | TO_REG },	\
	[LHV_OP_##op * 8 + 3] = { LHV_OP_##op, GROUP_NONE, KNOWN | TO_REG }

static const struct opcode one_byte[256] = {
	ARITHMETIC(ADD),
	ARITHMETIC(OR),
	ARITHMETIC(ADC),
	ARITHMETIC(SBB),
	ARITHMETIC(AND),
	ARITHMETIC(SUB),
	ARITHMETIC(XOR),
	ARITHMETIC(CMP),
	[0x63] = { LHV_OP_MOVSX, GROUP_NONE, KNOWN | TO_REG | DWORD | ONLY_64 | NO_16 },
	[0x80] = { 0, GROUP_1, KNOWN | BYTE | IMM8 },
	[0x81] = { 0, GROUP_1, KNOWN | IMMZ },
	[0x83] = { 0, GROUP_1, KNOWN | IMM8 },
	[0x84] = { LHV_OP_TEST, GROUP_NONE, KNOWN | BYTE },
	[0x85] = { LHV_OP_TEST, GROUP_NONE, KNOWN },
	[0x86] = { LHV_OP_XCHG, GROUP_NONE, KNOWN | BYTE },
	[0x87] = { LHV_OP_XCHG, GROUP_NONE, KNOWN },
	[0x88] = { LHV_OP_MOV, GROUP_NONE, KNOWN | BYTE },
	[0x89] = { LHV_OP_MOV, GROUP_NONE, KNOWN },
	[0x8a] = { LHV_OP_MOV, GROUP_NONE, KNOWN | BYTE | TO_REG },
	[0x8b] = { LHV_OP_MOV, GROUP_NONE, KNOWN | TO_REG },
	[0xa0] = { LHV_OP_MOV, GROUP_NONE, KNOWN | BYTE | TO_REG | MOFFS | NO_MODRM },
	[0xa1] = { LHV_OP_MOV, GROUP_NONE, KNOWN | TO_REG | MOFFS | NO_MODRM },
	[0xa2] = { LHV_OP_MOV, GROUP_NONE, KNOWN | BYTE | MOFFS | NO_MODRM },
	[0xa3] = { LHV_OP_MOV, GROUP_NONE, KNOWN | MOFFS | NO_MODRM },
	[0xa4] = { LHV_OP_MOVS, GROUP_NONE, KNOWN | BYTE | STRING | NO_MODRM | NO_REG },
	[0xa5] = { LHV_OP_MOVS, GROUP_NONE, KNOWN | STRING | NO_MODRM | NO_REG },
	[0xaa] = { LHV_OP_STOS, GROUP_NONE, KNOWN | BYTE | STRING | NO_MODRM },
	[0xab] = { LHV_OP_STOS, GROUP_NONE, KNOWN | STRING | NO_MODRM },
	[0xac] = { LHV_OP_LODS, GROUP_NONE, KNOWN | BYTE | TO_REG | STRING | NO_MODRM },
	[0xad] = { LHV_OP_LODS, GROUP_NONE, KNOWN | TO_REG | STRING | NO_MODRM },
	[0xc6] = { 0, GROUP_11, KNOWN | BYTE | IMM8 },
	[0xc7] = { 0, GROUP_11, KNOWN | IMMZ },
	[0xf6] = { 0, GROUP_3, KNOWN | BYTE | NO_REG },
	[0xf7] = { 0, GROUP_3, KNOWN | NO_REG },
	[0xfe] = { 0, GROUP_4_5, KNOWN | BYTE | NO_REG },
	[0xff] = { 0, GROUP_4_5, KNOWN | NO_REG },
};

/* After 0FH */
static const struct opcode two_byte[256] = {
	[0xa3] = { LHV_OP_BT, GROUP_NONE, KNOWN },
	[0xab] = { LHV_OP_BTS, GROUP_NONE, KNOWN },
	[0xb3] = { LHV_OP_BTR, GROUP_NONE, KNOWN },
	[0xb6] = { LHV_OP_MOVZX, GROUP_NONE, KNOWN | TO_REG | BYTE },
	[0xb7] = { LHV_OP_MOVZX, GROUP_NONE, KNOWN | TO_REG | WORD },
	[0xba] = { 0, GROUP_8, KNOWN | IMM8 },
	[0xbb] = { LHV_OP_BTC, GROUP_NONE, KNOWN },
	[0xbe] = { LHV_OP_MOVSX, GROUP_NONE, KNOWN | TO_REG | BYTE },
	[0xbf] = { LHV_OP_MOVSX, GROUP_NONE, KNOWN | TO_REG | WORD },
	[0xc3] = { LHV_OP_MOV, GROUP_NONE, KNOWN | MIN_32 },	/* MOVNTI */
};

/* One past the operation, so that 0 is none. */
#define SELECT(op)	((op) + 1)

static const u8 groups[][8] = {
	[GROUP_1] = {
		SELECT(LHV_OP_ADD), SELECT(LHV_OP_OR), SELECT(LHV_OP_ADC), SELECT(LHV_OP_SBB),
		SELECT(LHV_OP_AND), SELECT(LHV_OP_SUB), SELECT(LHV_OP_XOR), SELECT(LHV_OP_CMP),
	},
	[GROUP_3] = {
		[0] = SELECT(LHV_OP_TEST), [2] = SELECT(LHV_OP_NOT), [3] = SELECT(LHV_OP_NEG),
	},
	[GROUP_4_5] = { [0] = SELECT(LHV_OP_INC), [1] = SELECT(LHV_OP_DEC) },
	[GROUP_8] = {
		[4] = SELECT(LHV_OP_BT), [5] = SELECT(LHV_OP_BTS),
		[6] = SELECT(LHV_OP_BTR), [7] = SELECT(LHV_OP_BTC),
	},
	[GROUP_11] = { [0] = SELECT(LHV_OP_MOV) },
};

#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)
#define REX	BIT(6)

/* The instruction while it is read. */
struct decoder {
	const u8 *next;
	const u8 *end;
	int bits;
	u8 rex;
	bool operand_prefix;
	bool address_prefix;
	bool repeat;
	u8 segment;		/* override or LHV_NO_REG */
	struct lhv_insn *insn;
};

/* The next @n bytes, sign-extended. */
static int take(struct decoder *d, unsigned int n, u64 *value)
{
	unsigned int i;

	if (d->end - d->next < n)
		return -ENODATA;
	*value = 0;
	for (i = 0; i < n; i++)
		*value |= (u64)*d->next++ << (8 * i);
	*value = sign_extend64(*value, 8 * n - 1);
	return 0;
}

static int take_byte(struct decoder *d, u8 *value)
{
	if (d->next == d->end)
		return -ENODATA;
	*value = *d->next++;
	return 0;
}

/* Returns false if @byte isn't a legacy prefix. */
static bool take_prefix(struct decoder *d, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* ES, CS, SS, DS: bits 4:3. Ignored in 64-bit mode. */
		if (d->bits != 64)
			d->segment = (byte >> 3) & 3;
		return true;
	case 0x64:
		d->segment = LHV_FS;
		return true;
	case 0x65:
		d->segment = LHV_GS;
		return true;
	case 0x66:
		d->operand_prefix = true;
		return true;
	case 0x67:
		d->address_prefix = true;
		return true;
	case 0xf0:
		d->insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		d->repeat = true;
		return true;
	}
	return false;
}

/* Reads prefixes, and the byte behind them. REX counts only right before that. */
static int take_prefixes(struct decoder *d, u8 *byte)
{
	int ret;

	for (;;) {
		ret = take_byte(d, byte);
		if (ret)
			return ret;
		if (d->bits == 64 && (*byte & 0xf0) == REX) {
			d->rex = *byte;
			continue;
		}
		if (!take_prefix(d, *byte))
			return 0;
		d->rex = 0;
	}
}

static u8 operand_size(const struct decoder *d)
{
	if (d->rex & REX_W)
		return 8;
	return (d->bits == 16) != d->operand_prefix ? 2 : 4;
}

static u8 address_size(const struct decoder *d)
{
	if (d->bits == 64)
		return d->address_prefix ? 4 : 8;
	return (d->bits == 16) != d->address_prefix ? 2 : 4;
}

static void set_reg(struct decoder *d, u8 reg)
{
	struct lhv_insn *insn = d->insn;

	insn->other = LHV_OTHER_REG;
	insn->reg = reg;
	/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
	if (insn->reg_size == 1 && !d->rex && reg >= 4) {
		insn->reg -= 4;
		insn->reg_high = true;
	}
}

/* SDM 2A table 2-1 */
static int take_address_16(struct decoder *d, u8 mod, u8 rm)
{
	static const u8 base[8] = {
		LHV_RBX, LHV_RBX, LHV_RBP, LHV_RBP, LHV_RSI, LHV_RDI, LHV_RBP, LHV_RBX,
	};
	static const u8 index[8] = {
		LHV_RSI, LHV_RDI, LHV_RSI, LHV_RDI,
		LHV_NO_REG, LHV_NO_REG, LHV_NO_REG, LHV_NO_REG,
	};
	struct lhv_insn *insn = d->insn;

	if (mod == 0 && rm == 6)
		return take(d, 2, &insn->displacement);
	insn->base = base[rm];
	insn->index = index[rm];
	return mod ? take(d, mod, &insn->displacement) : 0;
}

/* SDM 2A table 2-3: no index if that is 100B; no base if that is 101B and mod 0. */
static int take_sib(struct decoder *d, u8 mod)
{
	struct lhv_insn *insn = d->insn;
	u8 sib, index;
	int ret;

	ret = take_byte(d, &sib);
	if (ret)
		return ret;
	index = ((sib >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
	if (index != LHV_RSP)
		insn->index = index;
	insn->scale = sib >> 6;
	if (mod == 0 && (sib & 7) == LHV_RBP)
		return take(d, 4, &insn->displacement);
	insn->base = (sib & 7) | (d->rex & REX_B ? 8 : 0);
	return 0;
}

/* SDM 2A table 2-2, and 2.2.1.6 for RIP */
static int take_address_32(struct decoder *d, u8 mod, u8 rm)
{
	struct lhv_insn *insn = d->insn;
	int ret;

	if (mod == 0 && rm == LHV_RBP) {
		if (d->bits == 64)
			insn->base = LHV_REG_RIP;
		return take(d, 4, &insn->displacement);
	}
	if (rm == LHV_RSP) {
		ret = take_sib(d, mod);
		if (ret)
			return ret;
	} else {
		insn->base = rm | (d->rex & REX_B ? 8 : 0);
	}
	if (mod == 0)
		return 0;
	return take(d, mod == 1 ? 1 : 4, &insn->displacement);
}

/* ModRM's reg comes out, its address goes into the instruction. */
static int take_modrm(struct decoder *d, u8 *reg)
{
	struct lhv_insn *insn = d->insn;
	u8 modrm, mod, rm;
	int ret;

	ret = take_byte(d, &modrm);
	if (ret)
		return ret;
	mod = modrm >> 6;
	rm = modrm & 7;
	*reg = (modrm >> 3) & 7;
	if (mod == 3)
		return -EOPNOTSUPP;
	if (insn->address_size == 2)
		return take_address_16(d, mod, rm);
	return take_address_32(d, mod, rm);
}

static int take_opcode(struct decoder *d, struct opcode *opcode)
{
	u8 byte;
	int ret;

	ret = take_prefixes(d, &byte);
	if (ret)
		return ret;
	*opcode = one_byte[byte];
	if (byte == 0x0f) {
		ret = take_byte(d, &byte);
		if (ret)
			return ret;
		*opcode = two_byte[byte];
	}
	if (!(opcode->flags & KNOWN) || ((opcode->flags & ONLY_64) && d->bits != 64))
		return -EOPNOTSUPP;
	if ((opcode->flags & NO_16) && operand_size(d) == 2)
		return -EOPNOTSUPP;
	return 0;
}

/* The operation that ModRM.reg selects, and what is special of it. */
static int select_operation(struct opcode *opcode, u8 reg)
{
	u8 op = groups[opcode->group][reg];

	if (!op)
		return -EOPNOTSUPP;
	opcode->op = op - 1;
	opcode->flags |= NO_REG;
	/* The only one of its group with an immediate. */
	if (opcode->group == GROUP_3 && opcode->op == LHV_OP_TEST)
		opcode->flags |= opcode->flags & BYTE ? IMM8 : IMMZ;
	return 0;
}

static int take_operands(struct decoder *d, struct opcode *opcode)
{
	struct lhv_insn *insn = d->insn;
	u8 reg = LHV_RAX;
	int ret = 0;

	if (opcode->flags & MOFFS)
		ret = take(d, insn->address_size, &insn->displacement);
	else if (!(opcode->flags & NO_MODRM))
		ret = take_modrm(d, &reg);
	if (!ret && opcode->group != GROUP_NONE)
		ret = select_operation(opcode, reg);
	if (ret)
		return ret;

	insn->op = opcode->op;
	if (!(opcode->flags & NO_REG))
		set_reg(d, reg | (d->rex & REX_R && !(opcode->flags & NO_MODRM) ? 8 : 0));
	if (!(opcode->flags & (IMM8 | IMMZ)))
		return 0;
	insn->other = LHV_OTHER_IMM;
	return take(d, opcode->flags & IMM8 ? 1 : min_t(u8, insn->reg_size, 4), &insn->imm);
}

static void set_sizes(struct decoder *d, const struct opcode *opcode)
{
	struct lhv_insn *insn = d->insn;
	u8 size = operand_size(d);

	if (opcode->flags & BYTE)
		insn->size = 1;
	else if (opcode->flags & WORD)
		insn->size = 2;
	else if (opcode->flags & DWORD)
		insn->size = 4;
	else
		insn->size = opcode->flags & MIN_32 ? max_t(u8, size, 4) : size;
	/* Extending moves have a destination of the operand size. */
	insn->reg_size = insn->size;
	if (opcode->op == LHV_OP_MOVZX || opcode->op == LHV_OP_MOVSX)
		insn->reg_size = size;
	insn->address_size = address_size(d);
}

/* Addresses by RSP and RBP are in the stack segment (SDM 1 3.7.4). */
static void set_segment(struct decoder *d)
{
	struct lhv_insn *insn = d->insn;

	if (d->segment != LHV_NO_REG)
		insn->segment = d->segment;
	else if (insn->base == LHV_RSP || insn->base == LHV_RBP)
		insn->segment = LHV_SS;
	else
		insn->segment = LHV_DS;
}

/* LOCK is for those that read and write their operand in memory. */
static bool lock_ok(const struct lhv_insn *insn)
{
	return !insn->lock || (lhv_insn_reads(insn) && lhv_insn_writes(insn) &&
			       !lhv_insn_is_string(insn));
}

int lhv_decode(const u8 *bytes, unsigned int n, int bits, struct lhv_insn *insn)
{
	struct decoder d = {
		.next = bytes, .end = bytes + min_t(unsigned int, n, LHV_INSN_MAX),
		.bits = bits, .segment = LHV_NO_REG, .insn = insn,
	};
	struct opcode opcode;
	int ret;

	*insn = (struct lhv_insn) { .base = LHV_NO_REG, .index = LHV_NO_REG };
	ret = take_opcode(&d, &opcode);
	if (ret)
		return ret;
	set_sizes(&d, &opcode);
	insn->to_reg = opcode.flags & TO_REG;
	ret = take_operands(&d, &opcode);
	if (ret)
		return ret;
	set_segment(&d);
	insn->rep = d.repeat && (opcode.flags & STRING);
	insn->length = d.next - bytes;
	return lock_ok(insn) ? 0 : -EOPNOTSUPP;
}
