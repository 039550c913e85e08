// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions on segments and system registers with an operand in MMIO. What
 * they check and change is in SDM 2A and 2B under their names, and SDM 3A 5.
 */
#include <string.h>

#include "emulate_impl.h"

#define SELECTOR_RPL	3
#define SELECTOR_TI	BIT(2)
#define SELECTOR_ERROR	0xfffc		/* as error codes have it */

/* Types of system descriptors */
#define TYPE_TSS_16	1
#define TYPE_LDT	2
#define TYPE_TSS	9
#define TYPE_BUSY	BIT(1)

#define CR0_MSW		0xf		/* what LMSW loads: PE, MP, EM, TS */

/* A descriptor, and where it is. */
struct descriptor {
	struct operand operand;
	u64 raw;
	u64 base;
	u32 limit;
	u32 access;		/* as in struct lhv_segment */
};

static void parse(struct descriptor *d)
{
	u64 raw = d->raw;

	d->base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
	d->limit = (raw & 0xffff) | (raw >> 32 & 0xf0000);
	d->access = raw >> 40 & 0xf0ff;
	if (raw & BIT_ULL(55))
		d->limit = d->limit << 12 | 0xfff;
}

/* @selector's, which isn't null. */
static enum emulate_result read_descriptor(struct emulate *e, u16 selector, u8 vector,
					   struct descriptor *d)
{
	bool local = selector & SELECTOR_TI;
	u64 base = local ? e->sregs.ldt.base : e->sregs.gdt.base;
	u32 limit = local ? e->sregs.ldt.limit : e->sregs.gdt.limit;
	u32 offset = selector & ~7;
	enum emulate_result result;

	if ((local && e->sregs.ldt.access & ACCESS_UNUSABLE) || offset + 7 > limit)
		return fault_error(e, vector, selector & SELECTOR_ERROR);
	result = operand_prepare_system(e, &d->operand, base + offset, 8, ACCESS_READ);
	if (result)
		return result;
	d->raw = operand_value(e, &d->operand);
	parse(d);
	return EMULATE_DONE;
}

/* Set flags of the type, as the processor does when it loads the descriptor. */
static enum emulate_result mark_descriptor(struct emulate *e, struct descriptor *d, u32 flags)
{
	enum emulate_result result;

	if ((d->access & flags) == flags)
		return EMULATE_DONE;
	result = operand_prepare_system(e, &d->operand, d->operand.linear, 8, ACCESS_WRITE);
	if (result)
		return result;
	d->access |= flags;
	d->raw |= (u64)flags << 40;
	operand_write(e, &d->operand, &d->raw);
	return EMULATE_DONE;
}

static void set_segment(struct emulate *e, struct lhv_segment *s, u16 selector,
			const struct descriptor *d)
{
	s->selector = selector;
	s->base = d->base;
	s->limit = d->limit;
	s->access = d->access;
	e->sregs_changed = true;
}

static void set_real_segment(struct emulate *e, struct lhv_segment *s, u16 selector)
{
	s->selector = selector;
	s->base = (u32)selector << 4;
	e->sregs_changed = true;
}

/* ---- segment registers ---- */

static enum emulate_result load_null(struct emulate *e, unsigned int seg, u16 selector)
{
	struct lhv_segment *s = segment(e, seg);

	if (seg == SEG_SS && (code_bits(e) != 64 || cpl(e) == 3 || cpl(e) != selector))
		return fault_error(e, VECTOR_GP, 0);
	s->selector = selector;
	s->base = 0;
	s->access = ACCESS_UNUSABLE | (seg == SEG_SS ? cpl(e) << 5 : 0);
	e->sregs_changed = true;
	return EMULATE_DONE;
}

static bool stack_segment_ok(const struct emulate *e, u16 selector, const struct descriptor *d)
{
	return (selector & SELECTOR_RPL) == cpl(e) && ACCESS_DPL(d->access) == cpl(e) &&
	       d->access & ACCESS_USER && !(d->access & ACCESS_CODE) && d->access & ACCESS_RW;
}

static bool data_segment_ok(const struct emulate *e, u16 selector, const struct descriptor *d)
{
	unsigned int dpl = ACCESS_DPL(d->access);
	bool code = d->access & ACCESS_CODE;

	if (!(d->access & ACCESS_USER) || (code && !(d->access & ACCESS_RW)))
		return false;
	/* Conforming code can be read by everyone. */
	if (code && d->access & ACCESS_DOWN)
		return true;
	return dpl >= (selector & SELECTOR_RPL) && dpl >= cpl(e);
}

enum emulate_result load_segment(struct emulate *e, unsigned int seg, u16 selector)
{
	struct lhv_segment *s = segment(e, seg);
	enum emulate_result result;
	struct descriptor d;
	bool ok;

	if (!is_protected(e)) {
		set_real_segment(e, s, selector);
	} else if (!(selector & ~SELECTOR_RPL)) {
		result = load_null(e, seg, selector);
		if (result)
			return result;
	} else {
		result = read_descriptor(e, selector, VECTOR_GP, &d);
		if (result)
			return result;
		ok = seg == SEG_SS ? stack_segment_ok(e, selector, &d) :
				     data_segment_ok(e, selector, &d);
		if (!ok)
			return fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
		if (!(d.access & ACCESS_PRESENT))
			return fault_error(e, seg == SEG_SS ? VECTOR_SS : VECTOR_NP,
					   selector & SELECTOR_ERROR);
		result = mark_descriptor(e, &d, ACCESS_ACCESSED);
		if (result)
			return result;
		set_segment(e, s, selector, &d);
	}
	if (seg == SEG_SS)
		e->shadow = LHV_SHADOW_MOV_SS;
	return EMULATE_DONE;
}

/* LDS, LES, LFS, LGS, LSS */
static enum emulate_result load_far(struct emulate *e, const struct insn *insn, u64 offset,
				    u16 selector)
{
	unsigned int seg = insn->map ? insn->opcode & 7 : insn->opcode == 0xc4 ? SEG_ES : SEG_DS;
	enum emulate_result result = load_segment(e, seg, selector);

	/* Only MOV and POP hold off interrupts. */
	e->shadow = 0;
	if (!result)
		gpr_set(e, insn->reg, insn->op_size, offset);
	return result;
}

/* ---- far JMP ---- */

static bool code_segment_ok(const struct emulate *e, u16 selector, const struct descriptor *d)
{
	unsigned int dpl = ACCESS_DPL(d->access);

	if (e->sregs.efer & EFER_LMA && (d->access & (ACCESS_LONG | ACCESS_DB)) ==
					(ACCESS_LONG | ACCESS_DB))
		return false;
	if (d->access & ACCESS_DOWN)
		return dpl <= cpl(e);
	return dpl == cpl(e) && (selector & SELECTOR_RPL) <= cpl(e);
}

/* To a code segment; gates and task switches aren't emulated. */
static enum emulate_result far_jump_protected(struct emulate *e, u16 selector, u64 offset)
{
	enum emulate_result result;
	struct lhv_segment cs = e->sregs.cs;
	struct descriptor d;

	if (!(selector & ~SELECTOR_RPL))
		return fault_error(e, VECTOR_GP, 0);
	result = read_descriptor(e, selector, VECTOR_GP, &d);
	if (result)
		return result;
	if (!(d.access & ACCESS_USER))
		return EMULATE_UNKNOWN;
	if (!(d.access & ACCESS_CODE) || !code_segment_ok(e, selector, &d))
		return fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
	if (!(d.access & ACCESS_PRESENT))
		return fault_error(e, VECTOR_NP, selector & SELECTOR_ERROR);
	cs.limit = d.limit;
	cs.access = d.access;
	result = check_rip(e, &cs, offset);
	if (!result)
		result = mark_descriptor(e, &d, ACCESS_ACCESSED);
	if (result)
		return result;
	set_segment(e, &e->sregs.cs, (selector & ~SELECTOR_RPL) | cpl(e), &d);
	return EMULATE_DONE;
}

static enum emulate_result far_jump(struct emulate *e, u64 offset, u16 selector)
{
	enum emulate_result result;

	if (is_protected(e)) {
		result = far_jump_protected(e, selector, offset);
	} else {
		result = check_rip(e, &e->sregs.cs, offset);
		if (!result)
			set_real_segment(e, &e->sregs.cs, selector);
	}
	e->next_rip = offset;
	e->branched = true;
	return result;
}

/* ---- LDTR and TR ---- */

static enum emulate_result read_system_descriptor(struct emulate *e, u16 selector, u32 type,
						  struct descriptor *d)
{
	enum emulate_result result;
	struct operand high;

	if (selector & SELECTOR_TI)
		return fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
	result = read_descriptor(e, selector, VECTOR_GP, d);
	if (result)
		return result;
	/* The lower five bits: 0 and the type */
	if ((d->access & 0x1f) != type &&
	    !(type == TYPE_TSS && !(e->sregs.efer & EFER_LMA) && (d->access & 0x1f) == TYPE_TSS_16))
		return fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
	if (!(d->access & ACCESS_PRESENT))
		return fault_error(e, VECTOR_NP, selector & SELECTOR_ERROR);
	if (!(e->sregs.efer & EFER_LMA))
		return EMULATE_DONE;
	/* 16 bytes: the upper half holds the rest of the base. */
	if ((selector & ~7U) + 15 > e->sregs.gdt.limit)
		return fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
	result = operand_prepare_system(e, &high, d->operand.linear + 8, 8, ACCESS_READ);
	if (result)
		return result;
	d->base |= operand_value(e, &high) << 32;
	return is_canonical(e, d->base) ? EMULATE_DONE :
	       fault_error(e, VECTOR_GP, selector & SELECTOR_ERROR);
}

static enum emulate_result load_ldt(struct emulate *e, u16 selector)
{
	enum emulate_result result;
	struct descriptor d;

	if (!(selector & ~SELECTOR_RPL)) {
		e->sregs.ldt.selector = selector;
		e->sregs.ldt.access = ACCESS_UNUSABLE;
		e->sregs_changed = true;
		return EMULATE_DONE;
	}
	result = read_system_descriptor(e, selector, TYPE_LDT, &d);
	if (!result)
		set_segment(e, &e->sregs.ldt, selector, &d);
	return result;
}

static enum emulate_result load_task_register(struct emulate *e, u16 selector)
{
	enum emulate_result result;
	struct descriptor d;

	if (!(selector & ~SELECTOR_RPL))
		return fault_error(e, VECTOR_GP, 0);
	result = read_system_descriptor(e, selector, TYPE_TSS, &d);
	if (!result)
		result = mark_descriptor(e, &d, TYPE_BUSY);
	if (!result)
		set_segment(e, &e->sregs.tr, selector, &d);
	return result;
}

/* ---- GDTR, IDTR, CR0 ---- */

static enum emulate_result load_table(struct emulate *e, const struct insn *insn,
				      struct lhv_dtable *table, const u8 *data)
{
	u64 base = 0;
	u16 limit;

	memcpy(&limit, data, 2);
	memcpy(&base, data + 2, insn->bits == 64 ? 8 : 4);
	/* With 16-bit operands the base has 24 bits. */
	if (insn->bits != 64 && insn->op_size == 2)
		base &= 0xffffff;
	if (insn->bits == 64 && !is_canonical(e, base))
		return fault_error(e, VECTOR_GP, 0);
	table->limit = limit;
	table->base = base;
	e->sregs_changed = true;
	return EMULATE_DONE;
}

static enum emulate_result load_machine_status(struct emulate *e, u16 value)
{
	u64 old = e->sregs.cr0;

	/* Switching to protected mode that way is for the 80286's programs. */
	if (value & CR0_PE && !(old & CR0_PE))
		return EMULATE_UNKNOWN;
	e->sregs.cr0 = (old & ~(u64)(CR0_MSW & ~CR0_PE)) | (value & CR0_MSW);
	e->sregs_changed = true;
	return EMULATE_DONE;
}

/* ---- which may run, and their operands ---- */

static bool is_privileged(const struct insn *insn)
{
	return insn->kind == INSN_LLDT || insn->kind == INSN_LTR || insn->kind == INSN_LMSW ||
	       insn->kind == INSN_LGDT || insn->kind == INSN_LIDT;
}

static bool is_store(const struct insn *insn)
{
	return insn->access == ACCESS_WRITE;
}

static enum emulate_result check_privilege(struct emulate *e, const struct insn *insn)
{
	bool needs_protected = insn->kind == INSN_SLDT || insn->kind == INSN_STR ||
			       insn->kind == INSN_LLDT || insn->kind == INSN_LTR;

	if (needs_protected && !is_protected(e))
		return fault(e, VECTOR_UD);
	if (is_privileged(insn) && cpl(e))
		return fault_error(e, VECTOR_GP, 0);
	if (is_store(insn) && insn->kind != INSN_MOV_FROM_SEG && cpl(e) == 3 &&
	    e->sregs.cr4 & CR4_UMIP)
		return fault_error(e, VECTOR_GP, 0);
	return EMULATE_DONE;
}

static void store_table(const struct lhv_dtable *table, u8 *data)
{
	u16 limit = table->limit;

	memcpy(data, &limit, 2);
	memcpy(data + 2, &table->base, 8);
}

static void store_word(u16 word, u8 *data)
{
	memcpy(data, &word, sizeof(word));
}

static void store(struct emulate *e, const struct insn *insn, u8 *data)
{
	switch (insn->kind) {
	case INSN_MOV_FROM_SEG:
		store_word(segment(e, insn->reg)->selector, data);
		break;
	case INSN_SLDT:
		store_word(e->sregs.ldt.selector, data);
		break;
	case INSN_STR:
		store_word(e->sregs.tr.selector, data);
		break;
	case INSN_SMSW:
		store_word(e->sregs.cr0, data);
		break;
	case INSN_SGDT:
		store_table(&e->sregs.gdt, data);
		break;
	case INSN_SIDT:
		store_table(&e->sregs.idt, data);
		break;
	}
}

static enum emulate_result load(struct emulate *e, const struct insn *insn, const u8 *data)
{
	u64 offset = 0;
	u16 word;

	memcpy(&word, data, 2);
	switch (insn->kind) {
	case INSN_MOV_TO_SEG:
		return load_segment(e, insn->reg, word);
	case INSN_LLDT:
		return load_ldt(e, word);
	case INSN_LTR:
		return load_task_register(e, word);
	case INSN_LMSW:
		return load_machine_status(e, word);
	case INSN_LGDT:
		return load_table(e, insn, &e->sregs.gdt, data);
	case INSN_LIDT:
		return load_table(e, insn, &e->sregs.idt, data);
	}
	/* A far pointer */
	memcpy(&offset, data, insn->op_size);
	memcpy(&word, data + insn->op_size, 2);
	return insn->kind == INSN_JMP_FAR ? far_jump(e, offset, word) :
					    load_far(e, insn, offset, word);
}

enum emulate_result emulate_system(struct emulate *e, const struct insn *insn)
{
	struct insn sized = *insn;
	enum emulate_result result;
	u8 data[OPERAND_MAX] = { 0 };
	struct operand o;

	result = check_privilege(e, insn);
	if (result)
		return result;
	/* The base that SGDT and its kin store and load has 8 bytes in 64-bit mode only. */
	if (insn->size == 10 && insn->kind >= INSN_SGDT && insn->bits != 64)
		sized.size = 6;
	result = prepare_memory(e, &sized, &o);
	if (result)
		return result;
	if (is_store(insn)) {
		store(e, insn, data);
		operand_write(e, &o, data);
		return EMULATE_DONE;
	}
	operand_read(e, &o, data);
	return load(e, insn, data);
}
