// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that use the stack, and near branches: stack or operand may be MMIO. */
#include "emulate_impl.h"

/* ---- the stack ---- */

static unsigned int stack_size(const struct emulate *e)
{
	if (code_bits(e) == 64)
		return 8;
	return e->sregs.ss.access & ACCESS_DB ? 4 : 2;
}

/* In 64-bit mode there is no 32-bit operand here (SDM 1 6.2.2). */
static unsigned int stack_operand(const struct insn *insn)
{
	if (insn->bits == 64)
		return insn->prefix_66 && !(insn->rex & 8) ? 2 : 8;
	return insn->op_size;
}

static u64 stack_pointer(struct emulate *e, s64 delta)
{
	return (e->regs.rsp + delta) & size_mask(stack_size(e));
}

static void move_stack(struct emulate *e, s64 delta)
{
	gpr_set(e, GPR_RSP, stack_size(e), stack_pointer(e, delta));
}

static enum emulate_result prepare_push(struct emulate *e, struct operand *o, unsigned int size)
{
	return operand_prepare(e, o, SEG_SS, stack_pointer(e, -(s64)size), size, ACCESS_WRITE);
}

static void push(struct emulate *e, const struct operand *o, u64 value)
{
	operand_write(e, o, &value);
	move_stack(e, -(s64)o->size);
}

static enum emulate_result prepare_pop(struct emulate *e, struct operand *o, unsigned int size)
{
	return operand_prepare(e, o, SEG_SS, stack_pointer(e, 0), size, ACCESS_READ);
}

/* A register or memory; of memory, @o is prepared for it. */
static enum emulate_result prepare_rm(struct emulate *e, const struct insn *insn,
				      struct operand *o, unsigned int size, u8 access)
{
	if (insn->mod == 3)
		return EMULATE_DONE;
	return operand_prepare(e, o, insn->segment, effective_address(e, insn), size, access);
}

static u64 read_rm(struct emulate *e, const struct insn *insn, const struct operand *o)
{
	return insn->mod == 3 ? *gpr(e, insn->rm) : operand_value(e, o);
}

/* ---- PUSH and POP ---- */

/* The register that the opcode names in its low bits. */
static unsigned int opcode_register(const struct insn *insn)
{
	return (insn->opcode & 7) | (insn->rex & 1 ? 8 : 0);
}

/* Bits 5:3 of the opcode are the segment register's number, also after 0FH. */
static unsigned int opcode_segment(const struct insn *insn)
{
	return insn->opcode >> 3 & 7;
}

static u64 pushed_flags(const struct emulate *e)
{
	return e->regs.rflags & ~(u64)(RFLAGS_RF | RFLAGS_VM);
}

/* At IOPL below 3, virtual-8086 mode has them fault. */
static bool flags_allowed(const struct emulate *e)
{
	return !(e->regs.rflags & RFLAGS_VM) || (e->regs.rflags & RFLAGS_IOPL) == RFLAGS_IOPL;
}

enum emulate_result emulate_push(struct emulate *e, const struct insn *insn)
{
	unsigned int size = stack_operand(insn);
	struct operand stack, o;
	enum emulate_result result;
	u64 value = 0;

	if (insn->kind == INSN_PUSHF && !flags_allowed(e))
		return fault_error(e, VECTOR_GP, 0);
	result = prepare_push(e, &stack, size);
	if (!result && insn->kind == INSN_PUSH_RM)
		result = prepare_rm(e, insn, &o, size, ACCESS_READ);
	if (result)
		return result;
	switch (insn->kind) {
	case INSN_PUSH_REG:
		value = *gpr(e, opcode_register(insn));
		break;
	case INSN_PUSH_IMM:
		value = insn->immediate;
		break;
	case INSN_PUSH_RM:
		value = read_rm(e, insn, &o);
		break;
	case INSN_PUSH_SEG:
		value = segment(e, opcode_segment(insn))->selector;
		break;
	case INSN_PUSHF:
		value = pushed_flags(e);
		break;
	}
	push(e, &stack, value);
	return EMULATE_DONE;
}

/* Of a wider stack operand, POP of a segment register reads the selector alone. */
static enum emulate_result pop_segment(struct emulate *e, const struct insn *insn,
				       const struct operand *stack)
{
	enum emulate_result result;

	result = load_segment(e, opcode_segment(insn), operand_value(e, stack));
	if (!result)
		move_stack(e, stack->size);
	return result;
}

static void pop_flags(struct emulate *e, u64 value, unsigned int size)
{
	unsigned int iopl = (e->regs.rflags & RFLAGS_IOPL) >> 12;
	u64 changed = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF |
		      RFLAGS_DF | RFLAGS_OF | RFLAGS_NT;

	if (size > 2)
		changed |= RFLAGS_AC | RFLAGS_ID;
	if (cpl(e) <= iopl)
		changed |= RFLAGS_IF;
	if (cpl(e) == 0)
		changed |= RFLAGS_IOPL;
	e->regs.rflags = (e->regs.rflags & ~changed) | (value & changed);
}

/* An address by RSP counts from behind the POP (SDM 2B). */
static enum emulate_result pop_rm(struct emulate *e, const struct insn *insn, unsigned int size,
				  const struct operand *stack)
{
	u64 rsp = e->regs.rsp, value;
	enum emulate_result result;
	struct operand o;

	move_stack(e, size);
	result = prepare_rm(e, insn, &o, size, ACCESS_WRITE);
	if (result) {
		e->regs.rsp = rsp;
		return result;
	}
	value = operand_value(e, stack);
	if (insn->mod == 3)
		gpr_set(e, insn->rm, size, value);
	else
		operand_write(e, &o, &value);
	return EMULATE_DONE;
}

enum emulate_result emulate_pop(struct emulate *e, const struct insn *insn)
{
	unsigned int size = stack_operand(insn);
	enum emulate_result result;
	struct operand stack;
	u64 value;

	if (insn->kind == INSN_POPF && !flags_allowed(e))
		return fault_error(e, VECTOR_GP, 0);
	result = prepare_pop(e, &stack, size);
	if (result)
		return result;
	if (insn->kind == INSN_POP_RM)
		return pop_rm(e, insn, size, &stack);
	if (insn->kind == INSN_POP_SEG)
		return pop_segment(e, insn, &stack);
	value = operand_value(e, &stack);
	move_stack(e, size);
	if (insn->kind == INSN_POPF)
		pop_flags(e, value, size);
	else
		gpr_set(e, opcode_register(insn), size, value);
	return EMULATE_DONE;
}

/* ---- near branches ---- */

/* In 64-bit mode they have 64-bit operands, whatever the prefixes say. */
static unsigned int branch_operand(const struct insn *insn)
{
	return insn->bits == 64 ? 8 : insn->op_size;
}

enum emulate_result check_rip(struct emulate *e, const struct lhv_segment *cs, u64 rip)
{
	bool ok = e->sregs.efer & EFER_LMA && cs->access & ACCESS_LONG ?
		  is_canonical(e, rip) : rip <= cs->limit;

	return ok ? EMULATE_DONE : fault_error(e, VECTOR_GP, 0);
}

static enum emulate_result branch_to(struct emulate *e, u64 rip)
{
	e->next_rip = rip;
	e->branched = true;
	return EMULATE_DONE;
}

static enum emulate_result near_return(struct emulate *e, const struct insn *insn)
{
	unsigned int size = branch_operand(insn);
	enum emulate_result result;
	struct operand stack;
	u64 rip;

	result = prepare_pop(e, &stack, size);
	if (result)
		return result;
	rip = operand_value(e, &stack);
	result = check_rip(e, &e->sregs.cs, rip);
	if (result)
		return result;
	move_stack(e, size + insn->immediate);
	return branch_to(e, rip);
}

enum emulate_result emulate_branch(struct emulate *e, const struct insn *insn)
{
	unsigned int size = branch_operand(insn);
	enum emulate_result result = EMULATE_DONE;
	struct operand stack, o;
	u64 rip;

	if (insn->kind == INSN_RET)
		return near_return(e, insn);
	if (insn->kind != INSN_JMP_RM)
		result = prepare_push(e, &stack, size);
	if (!result && insn->kind != INSN_CALL_REL)
		result = prepare_rm(e, insn, &o, size, ACCESS_READ);
	if (result)
		return result;
	rip = insn->kind == INSN_CALL_REL ? e->next_rip + insn->immediate : read_rm(e, insn, &o);
	rip &= size_mask(size);
	result = check_rip(e, &e->sregs.cs, rip);
	if (result)
		return result;
	if (insn->kind != INSN_JMP_RM)
		push(e, &stack, e->next_rip);
	return branch_to(e, rip);
}

/* ---- ENTER and LEAVE ---- */

static enum emulate_result leave(struct emulate *e, unsigned int size)
{
	u64 rsp = e->regs.rsp;
	enum emulate_result result;
	struct operand stack;

	gpr_set(e, GPR_RSP, stack_size(e), e->regs.rbp);
	result = prepare_pop(e, &stack, size);
	if (result) {
		e->regs.rsp = rsp;
		return result;
	}
	move_stack(e, size);
	gpr_set(e, GPR_RBP, size, operand_value(e, &stack));
	return EMULATE_DONE;
}

enum emulate_result emulate_frame(struct emulate *e, const struct insn *insn)
{
	unsigned int size = stack_operand(insn);
	u16 room = insn->immediate;
	enum emulate_result result;
	struct operand stack;

	if (insn->kind == INSN_LEAVE)
		return leave(e, size);
	/* ENTER with nested frames is written by no compiler. */
	if (insn->immediate >> 16 & 31)
		return EMULATE_UNKNOWN;
	result = prepare_push(e, &stack, size);
	if (result)
		return result;
	push(e, &stack, e->regs.rbp);
	gpr_set(e, GPR_RBP, size, e->regs.rsp);
	move_stack(e, -(s64)room);
	return EMULATE_DONE;
}
