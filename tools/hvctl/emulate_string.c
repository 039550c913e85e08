// SPDX-License-Identifier: GPL-2.0-only
/* String instructions, of which any operand may be MMIO. */
#include "emulate_impl.h"

/* With REP, so many at once; then the vCPU looks for events, as between any two. */
#define ELEMENTS_MAX	256

/* One element: its operands, as far as the instruction has them. */
struct element {
	struct operand source;		/* at rSI */
	struct operand destination;	/* at ES:rDI */
	u64 value;
};

static bool has_source(const struct insn *insn)
{
	return insn->kind == INSN_MOVS || insn->kind == INSN_CMPS || insn->kind == INSN_LODS ||
	       insn->kind == INSN_OUTS;
}

static bool has_destination(const struct insn *insn)
{
	return insn->kind != INSN_LODS && insn->kind != INSN_OUTS;
}

static u8 destination_access(const struct insn *insn)
{
	return insn->kind == INSN_CMPS || insn->kind == INSN_SCAS ? ACCESS_READ : ACCESS_WRITE;
}

static bool compares(const struct insn *insn)
{
	return insn->kind == INSN_CMPS || insn->kind == INSN_SCAS;
}

static u64 address_register(struct emulate *e, const struct insn *insn, unsigned int n)
{
	return *gpr(e, n) & size_mask(insn->address_size);
}

static enum emulate_result prepare(struct emulate *e, const struct insn *insn, struct element *el)
{
	enum emulate_result result = EMULATE_DONE;

	if (has_source(insn))
		result = operand_prepare(e, &el->source, insn->segment,
					 address_register(e, insn, GPR_RSI), insn->size,
					 ACCESS_READ);
	if (!result && has_destination(insn))
		result = operand_prepare(e, &el->destination, SEG_ES,
					 address_register(e, insn, GPR_RDI), insn->size,
					 destination_access(insn));
	return result;
}

/* The flags of @a - @b */
static void compare(struct emulate *e, u64 a, u64 b, unsigned int size)
{
	unsigned int top = 8 * size - 1;
	u64 difference;
	u64 flags = 0;

	a &= size_mask(size);
	b &= size_mask(size);
	difference = (a - b) & size_mask(size);
	if (a < b)
		flags |= RFLAGS_CF;
	if (!(__builtin_popcount(difference & 0xff) & 1))
		flags |= RFLAGS_PF;
	if ((a ^ b ^ difference) & 0x10)
		flags |= RFLAGS_AF;
	if (!difference)
		flags |= RFLAGS_ZF;
	if (difference >> top & 1)
		flags |= RFLAGS_SF;
	if (((a ^ b) & (a ^ difference)) >> top & 1)
		flags |= RFLAGS_OF;
	e->regs.rflags &= ~(u64)(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF |
				 RFLAGS_OF);
	e->regs.rflags |= flags;
}

static void perform(struct emulate *e, const struct insn *insn, struct element *el)
{
	u16 port = e->regs.rdx;
	u64 value = 0;

	switch (insn->kind) {
	case INSN_MOVS:
		value = operand_value(e, &el->source);
		operand_write(e, &el->destination, &value);
		break;
	case INSN_CMPS:
		value = operand_value(e, &el->source);
		compare(e, value, operand_value(e, &el->destination), insn->size);
		break;
	case INSN_SCAS:
		compare(e, e->regs.rax, operand_value(e, &el->destination), insn->size);
		break;
	case INSN_STOS:
		value = e->regs.rax;
		operand_write(e, &el->destination, &value);
		break;
	case INSN_LODS:
		gpr_set(e, GPR_RAX, insn->size, operand_value(e, &el->source));
		break;
	case INSN_INS:
		bus_read(e->ports, port, &value, insn->size);
		operand_write(e, &el->destination, &value);
		break;
	case INSN_OUTS:
		value = operand_value(e, &el->source);
		bus_write(e->ports, port, &value, insn->size);
		break;
	}
}

static void advance(struct emulate *e, const struct insn *insn)
{
	s64 step = e->regs.rflags & RFLAGS_DF ? -(s64)insn->size : insn->size;

	if (has_source(insn))
		gpr_set(e, GPR_RSI, insn->address_size, e->regs.rsi + step);
	if (has_destination(insn))
		gpr_set(e, GPR_RDI, insn->address_size, e->regs.rdi + step);
	if (insn->prefix_rep)
		gpr_set(e, GPR_RCX, insn->address_size, e->regs.rcx - 1);
}

/* Is it over (SDM 2B, REP)? */
static bool is_last(struct emulate *e, const struct insn *insn)
{
	bool equal = e->regs.rflags & RFLAGS_ZF;

	if (!insn->prefix_rep || !address_register(e, insn, GPR_RCX))
		return true;
	return compares(insn) && equal != (insn->prefix_rep == 0xf3);
}

/* The bitmap in the TSS isn't looked at: a program that needs it is told no. */
static bool may_do_io(const struct emulate *e)
{
	if (!(e->sregs.cr0 & CR0_PE))
		return true;
	return is_protected(e) && cpl(e) <= (e->regs.rflags & RFLAGS_IOPL) >> 12;
}

enum emulate_result emulate_string(struct emulate *e, const struct insn *insn)
{
	enum emulate_result result;
	struct element el = { 0 };
	unsigned int i;

	if ((insn->kind == INSN_INS || insn->kind == INSN_OUTS) && !may_do_io(e))
		return fault_error(e, VECTOR_GP, 0);
	if (insn->prefix_rep && !address_register(e, insn, GPR_RCX))
		return EMULATE_DONE;
	for (i = 0; i < ELEMENTS_MAX; i++) {
		result = prepare(e, insn, &el);
		/* What was done stays done; the rest comes when it is executed again. */
		if (result == EMULATE_UNKNOWN && i)
			break;
		if (result)
			return result;
		perform(e, insn, &el);
		advance(e, insn);
		if (is_last(e, insn))
			return EMULATE_DONE;
		if (e->regs.rflags & RFLAGS_TF)
			break;
	}
	e->next_rip = e->regs.rip;
	return EMULATE_DONE;
}
