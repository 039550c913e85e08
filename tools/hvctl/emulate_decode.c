// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder. It knows what can reach MMIO and is emulated, and nothing else:
 * whatever isn't in these tables is refused. emulate_fuzz.c compares it with
 * Zydis, which hvctl itself can't use: Debian has it as a shared library only,
 * and hvctl is static.
 */
#include <string.h>

#include "emulate_tables.h"

#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)
#define REX	BIT(6)

struct decoder {
	const u8 *next;
	const u8 *end;
	struct insn *insn;
	u8 override;		/* segment */
	bool prefix_67;
	bool lock;
	u8 vex_prefix;		/* pp */
};

/* The next @n bytes, sign-extended. */
static int take(struct decoder *d, unsigned int n, s64 *value)
{
	u64 v = 0;

	if (d->end - d->next < (ptrdiff_t)n)
		return DECODE_SHORT;
	memcpy(&v, d->next, n);
	d->next += n;
	*value = (s64)(v << (64 - 8 * n)) >> (64 - 8 * n);
	return 0;
}

static int take_u8(struct decoder *d, u8 *value)
{
	if (d->next == d->end)
		return DECODE_SHORT;
	*value = *d->next++;
	return 0;
}

/* Returns false if @byte isn't a legacy prefix. */
static bool take_prefix(struct decoder *d, u8 byte)
{
	struct insn *insn = d->insn;

	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* Ignored in 64-bit mode; bits 4:3 are the register's number. */
		if (insn->bits != 64)
			d->override = byte >> 3 & 3;
		return true;
	case 0x64:
		d->override = SEG_FS;
		return true;
	case 0x65:
		d->override = SEG_GS;
		return true;
	case 0x66:
		insn->prefix_66 = true;
		return true;
	case 0x67:
		d->prefix_67 = true;
		return true;
	case 0xf0:
		d->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		insn->prefix_rep = byte;
		return true;
	}
	return false;
}

/* Prefixes, and the byte behind them. REX counts only right before that. */
static int take_prefixes(struct decoder *d, u8 *byte)
{
	struct insn *insn = d->insn;

	for (;;) {
		if (take_u8(d, byte))
			return DECODE_SHORT;
		if (insn->bits == 64 && (*byte & 0xf0) == REX) {
			insn->rex = *byte;
			continue;
		}
		if (!take_prefix(d, *byte))
			return 0;
		insn->rex = 0;
	}
}

/* SDM 2A 2.3.5. The prefixes that it replaces make it invalid. */
static int take_vex(struct decoder *d, u8 first)
{
	struct insn *insn = d->insn;
	u8 byte, last;

	if (insn->prefix_66 || insn->prefix_rep || insn->rex || d->lock)
		return DECODE_UNKNOWN;
	if (take_u8(d, &byte))
		return DECODE_SHORT;
	last = byte;
	insn->map = 1;
	insn->rex = byte & 0x80 ? 0 : REX_R;
	if (first == 0xc4) {
		insn->map = byte & 0x1f;
		insn->rex |= (byte & 0x40 ? 0 : REX_X) | (byte & 0x20 ? 0 : REX_B);
		if (take_u8(d, &last))
			return DECODE_SHORT;
		insn->vex_w = last & 0x80;
		if (insn->vex_w && insn->bits == 64)
			insn->rex |= REX_W;
	}
	insn->vex = true;
	insn->vex_register = ~last >> 3 & 15;
	insn->vex_256 = last & 4;
	d->vex_prefix = last & 3;
	/* Elsewhere there are only eight registers. */
	if (insn->bits != 64) {
		insn->rex = 0;
		if (insn->vex_register > 7)
			return DECODE_UNKNOWN;
	}
	return take_u8(d, &insn->opcode);
}

static int take_opcode(struct decoder *d)
{
	struct insn *insn = d->insn;
	u8 byte;

	if (take_prefixes(d, &byte))
		return DECODE_SHORT;
	if (byte == 0xc4 || byte == 0xc5) {
		if (d->next == d->end)
			return DECODE_SHORT;
		if (insn->bits == 64 || *d->next >= 0xc0)
			return take_vex(d, byte);
	}
	if (byte == 0x0f) {
		insn->map = 1;
		if (take_u8(d, &byte))
			return DECODE_SHORT;
		if (byte == 0x38 || byte == 0x3a) {
			insn->map = byte == 0x38 ? 2 : 3;
			if (take_u8(d, &byte))
				return DECODE_SHORT;
		}
	}
	insn->opcode = byte;
	return 0;
}

static void set_sizes(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (insn->rex & REX_W)
		insn->op_size = 8;
	else
		insn->op_size = (insn->bits == 16) != insn->prefix_66 ? 2 : 4;
	if (insn->bits == 64)
		insn->address_size = d->prefix_67 ? 4 : 8;
	else
		insn->address_size = (insn->bits == 16) != d->prefix_67 ? 2 : 4;
}

/* SDM 2A table 2-1 */
static int take_address_16(struct decoder *d, u8 rm)
{
	static const u8 base[8] = {
		GPR_RBX, GPR_RBX, GPR_RBP, GPR_RBP, GPR_RSI, GPR_RDI, GPR_RBP, GPR_RBX,
	};
	static const u8 index[8] = {
		GPR_RSI, GPR_RDI, GPR_RSI, GPR_RDI, GPR_NONE, GPR_NONE, GPR_NONE, GPR_NONE,
	};
	struct insn *insn = d->insn;

	if (insn->mod == 0 && rm == 6)
		return take(d, 2, &insn->displacement);
	insn->base = base[rm];
	insn->index = index[rm];
	return insn->mod ? take(d, insn->mod, &insn->displacement) : 0;
}

/* SDM 2A table 2-3: no index if that is 100B; no base if that is 101B and mod 0. */
static int take_sib(struct decoder *d)
{
	struct insn *insn = d->insn;
	u8 sib, index;

	if (take_u8(d, &sib))
		return DECODE_SHORT;
	index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
	if (index != GPR_RSP)
		insn->index = index;
	insn->scale = sib >> 6;
	if (insn->mod == 0 && (sib & 7) == GPR_RBP)
		return take(d, 4, &insn->displacement);
	insn->base = (sib & 7) | (insn->rex & REX_B ? 8 : 0);
	return 0;
}

/* SDM 2A table 2-2, and 2.2.1.6 for RIP */
static int take_address_32(struct decoder *d, u8 rm)
{
	struct insn *insn = d->insn;

	if (insn->mod == 0 && rm == GPR_RBP) {
		if (insn->bits == 64)
			insn->base = GPR_RIP;
		return take(d, 4, &insn->displacement);
	}
	if (rm != GPR_RSP)
		insn->base = rm | (insn->rex & REX_B ? 8 : 0);
	else if (take_sib(d))
		return DECODE_SHORT;
	if (insn->mod == 0)
		return 0;
	return take(d, insn->mod == 1 ? 1 : 4, &insn->displacement);
}

static int take_modrm(struct decoder *d)
{
	struct insn *insn = d->insn;
	u8 modrm, rm;

	if (take_u8(d, &modrm))
		return DECODE_SHORT;
	insn->mod = modrm >> 6;
	insn->reg = (modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	rm = modrm & 7;
	insn->rm = rm | (insn->rex & REX_B ? 8 : 0);
	if (insn->mod == 3)
		return 0;
	return insn->address_size == 2 ? take_address_16(d, rm) : take_address_32(d, rm);
}

static int take_immediate(struct decoder *d, u8 flags)
{
	struct insn *insn = d->insn;
	s64 level;

	if (flags & IMM16) {
		insn->immediate_size = 2;
		if (take(d, 2, &insn->immediate))
			return DECODE_SHORT;
		insn->immediate &= 0xffff;
		/* ENTER has two: the second one goes above. */
		if (flags & IMM8) {
			if (take(d, 1, &level))
				return DECODE_SHORT;
			insn->immediate |= (level & 0xff) << 16;
		}
		return 0;
	}
	if (!(flags & (IMM8 | IMMZ)))
		return 0;
	insn->immediate_size = flags & IMM8 ? 1 : min_u64(insn->op_size, 4);
	return take(d, insn->immediate_size, &insn->immediate);
}

static u8 row_size(const struct insn *insn, u8 size)
{
	u8 y = insn->rex & REX_W ? 8 : 4;

	switch (size) {
	case SIZE_V:
		return insn->op_size;
	case SIZE_Y:
		return y;
	case SIZE_YY:
		return 2 * y;
	case SIZE_FAR:
		return insn->op_size + 2;
	}
	return size;
}

/* There are six, and CS can't be loaded that way. */
static bool segment_register_ok(const struct insn *insn)
{
	switch (insn->kind) {
	case INSN_MOV_TO_SEG:
		return insn->reg < SEG_COUNT && insn->reg != SEG_CS;
	case INSN_MOV_FROM_SEG:
		return insn->reg < SEG_COUNT;
	}
	return true;
}

/* The rest of one that the tables of integer instructions have. */
static int take_row(struct decoder *d, const struct row *row)
{
	struct insn *insn = d->insn;

	if (row->kind == INSN_UNKNOWN || (row->flags & NOT_64 && insn->bits == 64))
		return DECODE_UNKNOWN;
	/* Processors differ in what 66H does to it there. */
	if (row->kind == INSN_CALL_REL && insn->bits == 64 && insn->prefix_66)
		return DECODE_UNKNOWN;
	insn->kind = row->kind;
	insn->size = row_size(insn, row->size);
	insn->access = row->access;
	/* Ports are 32 bits wide at most. */
	if (row->kind == INSN_INS || row->kind == INSN_OUTS)
		insn->size = min_u64(insn->size, 4);
	insn->reg_is_gpr = !(row->flags & (NO_GPR | NO_MODRM));
	insn->x87 = row->flags & X87;
	insn->fpu = insn->x87;
	if (!(row->flags & (NO_MODRM | REG_OK)) && insn->mod == 3)
		return DECODE_UNKNOWN;
	if (!segment_register_ok(insn))
		return DECODE_UNKNOWN;
	return take_immediate(d, row->flags);
}

/* MOV between the accumulator and an absolute address: as MOV with ModRM. */
static int take_moffs(struct decoder *d)
{
	static const struct row mov[4] = { R(1), R(SIZE_V), W(1), W(SIZE_V) };
	struct insn *insn = d->insn;
	u8 form = insn->opcode & 3;

	insn->opcode = form & 2 ? 0x88 + (form & 1) : 0x8a + (form & 1);
	insn->reg = GPR_RAX;
	insn->rex &= ~REX_R;
	if (take(d, insn->address_size, &insn->displacement))
		return DECODE_SHORT;
	return take_row(d, &mov[form]);
}

/* MOVSXD; without REX.W and in other modes it is of no use, or ARPL. */
static int take_movsxd(struct decoder *d)
{
	static const struct row movsxd = R(4);

	if (!(d->insn->rex & REX_W))
		return DECODE_UNKNOWN;
	return take_modrm(d) ?: take_row(d, &movsxd);
}

static int take_integer(struct decoder *d)
{
	struct insn *insn = d->insn;
	const struct group *group = find_group(insn->map, insn->opcode);
	const struct row *row = insn->map ? &two_byte[insn->opcode] : &one_byte[insn->opcode];
	int ret;

	if (!insn->map && (insn->opcode & 0xfc) == 0xa0)
		return take_moffs(d);
	if (!insn->map && insn->opcode == 0x63)
		return take_movsxd(d);
	/* With F3H these are others; CMPXCHG8B's group, too. */
	if (insn->map && insn->prefix_rep && (insn->opcode == 0xc7 || insn->opcode == 0xc3))
		return DECODE_UNKNOWN;
	if (insn->map && insn->prefix_66 && (insn->opcode == 0xc7 || insn->opcode == 0xc3))
		return DECODE_UNKNOWN;
	if (group || !(row->flags & NO_MODRM)) {
		ret = take_modrm(d);
		if (ret)
			return ret;
	}
	return take_row(d, group ? &group->row[insn->reg & 7] : row);
}

/* LDMXCSR, STMXCSR and CLFLUSH with its kin */
static int take_group_15(struct decoder *d)
{
	static const struct row ldmxcsr = GR(4), stmxcsr = GW(4), clflush = GOTHER(NOTHING, 0);
	struct insn *insn = d->insn;
	int ret = take_modrm(d);

	if (ret)
		return ret;
	/* CLFLUSH, CLFLUSHOPT, CLWB */
	if (!insn->prefix_rep && ((insn->reg & 7) == 7 ||
				  ((insn->reg & 7) == 6 && insn->prefix_66)))
		return take_row(d, &clflush);
	if (((insn->reg & 7) != 2 && (insn->reg & 7) != 3) || insn->prefix_66 || insn->prefix_rep)
		return DECODE_UNKNOWN;
	ret = take_row(d, (insn->reg & 7) == 2 ? &ldmxcsr : &stmxcsr);
	insn->fpu = true;
	return ret;
}

/* POPCNT, MOVBE, CRC32, ADCX, ADOX: what the mandatory prefix makes integer */
static const struct row *prefixed_row(const struct insn *insn)
{
	static const struct row load = R(SIZE_V), store = W(SIZE_V), byte = R(1), y = R(SIZE_Y);

	if (insn->map == 1)
		return insn->opcode == 0xb8 && insn->prefix_rep == 0xf3 ? &load : NULL;
	switch (insn->opcode) {
	case 0xf0:
		return insn->prefix_rep == 0xf2 ? &byte : insn->prefix_rep ? NULL : &load;
	case 0xf1:
		return insn->prefix_rep == 0xf2 ? &load : insn->prefix_rep ? NULL : &store;
	case 0xf6:
		return insn->prefix_rep == 0xf2 || insn->prefix_66 == !!insn->prefix_rep ?
			NULL : &y;
	}
	return NULL;
}

/* An XMM or MMX register, but for CVTxx2SI, which names a general one. */
static bool vector_reg_is_gpr(const struct insn *insn, unsigned int prefix)
{
	return insn->map == 1 && (insn->opcode == 0x2c || insn->opcode == 0x2d) && prefix >= 2;
}

/* VEX.vvvv is a second source for computations, and else unused: 1111B. */
static bool vex_register_ok(const struct insn *insn)
{
	u8 op = insn->opcode;

	if (!insn->vex || !insn->vex_register)
		return true;
	return insn->map == 1 && ((op >= 0x54 && op <= 0x66) || (op >= 0x74 && op <= 0x76) ||
				  (op >= 0xd4 && op != 0xd6 && op != 0xe7 && op != 0xf0));
}

static int take_vector(struct decoder *d)
{
	struct insn *insn = d->insn;
	unsigned int prefix;
	u8 entry;
	int ret;

	if (insn->map > 3 || !insn->map)
		return DECODE_UNKNOWN;
	if (insn->vex)
		prefix = d->vex_prefix;
	else if (insn->prefix_rep)
		prefix = insn->prefix_rep == 0xf3 ? 2 : 3;
	else
		prefix = insn->prefix_66 ? 1 : 0;
	/* F2H or F3H beside 66H selects as if alone, but nobody writes that. */
	entry = vector_tables[insn->map][insn->opcode][prefix];
	if (!entry || (insn->vex && !(entry & V)) || (insn->prefix_66 && prefix > 1))
		return DECODE_UNKNOWN;
	if (!vex_register_ok(insn))
		return DECODE_UNKNOWN;

	ret = take_modrm(d);
	if (ret)
		return ret;
	if (insn->mod == 3 || d->lock)
		return DECODE_UNKNOWN;
	insn->kind = INSN_NATIVE;
	insn->fpu = true;
	insn->reg_is_gpr = vector_reg_is_gpr(insn, prefix);
	insn->access = entry & ST ? ACCESS_WRITE : ACCESS_READ;
	insn->size = entry & VSIZE;
	if (insn->vex_256 && insn->size != 16)
		return DECODE_UNKNOWN;
	if (insn->vex_256)
		insn->size = 32;
	else if (insn->size == Y)
		insn->size = insn->rex & REX_W ? 8 : 4;
	/* insn->prefix_66 and so on tell the VEX prefix' pp from here on. */
	if (insn->vex) {
		insn->prefix_66 = prefix == 1;
		insn->prefix_rep = prefix == 2 ? 0xf3 : prefix == 3 ? 0xf2 : 0;
	}
	if (insn->map == 3 || (insn->map == 1 && (insn->opcode == 0x70 || insn->opcode == 0xc2 ||
						  insn->opcode == 0xc4 || insn->opcode == 0xc6)))
		return take_immediate(d, IMM8);
	return 0;
}

static int take_rest(struct decoder *d)
{
	struct insn *insn = d->insn;
	const struct row *row;

	if (insn->vex)
		return take_vector(d);
	if (insn->map == 1 && insn->opcode == 0xae)
		return take_group_15(d);
	row = insn->map ? prefixed_row(insn) : NULL;
	if (row && insn->map != 3)
		return take_modrm(d) ?: take_row(d, row);
	if (insn->map == 0)
		return take_integer(d);
	if (insn->map == 1 && (two_byte[insn->opcode].kind || find_group(insn->map, insn->opcode)))
		return take_integer(d);
	return take_vector(d);
}

/* Addresses by RSP and RBP are in the stack segment (SDM 1 3.7.4). */
static void set_segment(struct decoder *d)
{
	struct insn *insn = d->insn;

	if (d->override != SEG_NONE)
		insn->segment = d->override;
	else if (insn->base == GPR_RSP || insn->base == GPR_RBP)
		insn->segment = SEG_SS;
	else
		insn->segment = SEG_DS;
}

/* LOCK is for those that read and write; but not for shifts and rotates. */
static bool can_lock(const struct insn *insn)
{
	u8 op = insn->opcode;

	if (insn->kind > INSN_BIT || insn->access != (ACCESS_READ | ACCESS_WRITE))
		return false;
	if (insn->map)
		return op < 0xa4 || op > 0xad || op == 0xab;
	return op < 0xc0 || op > 0xd3;
}

int insn_decode(const u8 *bytes, unsigned int n, unsigned int bits, struct insn *insn)
{
	struct decoder d = {
		.next = bytes, .end = bytes + min_u64(n, INSN_MAX),
		.insn = insn, .override = SEG_NONE,
	};
	int ret;

	*insn = (struct insn){ .bits = bits, .base = GPR_NONE, .index = GPR_NONE };
	ret = take_opcode(&d);
	if (!ret) {
		set_sizes(&d);
		ret = take_rest(&d);
	}
	if (ret)
		return ret == DECODE_SHORT && n >= INSN_MAX ? DECODE_UNKNOWN : ret;
	if (d.lock && !can_lock(insn))
		return DECODE_UNKNOWN;
	set_segment(&d);
	insn->length = d.next - bytes;
	return 0;
}
