// SPDX-License-Identifier: GPL-2.0-only
#include "emulate.h"

#include <string.h>

#include "emulate_impl.h"

static enum emulate_result emulate_nothing(struct emulate *e, const struct insn *insn)
{
	(void)e;
	(void)insn;
	return EMULATE_DONE;
}

/* XLAT is MOV from [rBX + AL]. */
static enum emulate_result emulate_xlat(struct emulate *e, const struct insn *insn)
{
	struct insn address = *insn;
	enum emulate_result result;
	struct operand o;

	address.base = GPR_RBX;
	address.displacement = (u8)e->regs.rax;
	result = prepare_memory(e, &address, &o);
	if (!result)
		gpr_set(e, GPR_RAX, 1, operand_value(e, &o));
	return result;
}

static enum emulate_result (* const kinds[INSN_KINDS])(struct emulate *, const struct insn *) = {
	[INSN_NATIVE] = emulate_native,
	[INSN_BIT] = emulate_bit,
	[INSN_XLAT] = emulate_xlat,
	[INSN_NOTHING] = emulate_nothing,
	[INSN_MOVS ... INSN_OUTS] = emulate_string,
	[INSN_PUSH_REG ... INSN_PUSHF] = emulate_push,
	[INSN_POP_REG ... INSN_POPF] = emulate_pop,
	[INSN_CALL_REL ... INSN_RET] = emulate_branch,
	[INSN_ENTER ... INSN_LEAVE] = emulate_frame,
	[INSN_JMP_FAR ... INSN_LIDT] = emulate_system,
};

/* The bytes at hand may end where the instruction goes on into the next page. */
static enum emulate_result decode(struct emulate *e, const u8 *bytes, unsigned int length,
				  struct insn *insn)
{
	u8 code[INSN_MAX] = { 0 };
	enum emulate_result result;
	int ret;

	length = min_u64(length, INSN_MAX);
	memcpy(code, bytes, length);
	ret = insn_decode(code, length, code_bits(e), insn);
	while (ret == DECODE_SHORT && length < INSN_MAX) {
		result = fetch_code(e, code, &length, length + 1);
		if (result)
			return result;
		ret = insn_decode(code, length, code_bits(e), insn);
	}
	return ret ? EMULATE_UNKNOWN : EMULATE_DONE;
}

enum emulate_result emulate(struct emulate *e, const u8 *bytes, unsigned int length)
{
	bool is_long = code_bits(e) == 64, trap = e->regs.rflags & RFLAGS_TF;
	enum emulate_result result;
	struct insn insn;

	e->step = false;
	e->branched = false;
	e->shadow = 0;
	result = decode(e, bytes, length, &insn);
	if (result)
		return result;
	e->next_rip = e->regs.rip + insn.length;
	if (!is_long)
		e->next_rip = (u32)e->next_rip;
	result = kinds[insn.kind](e, &insn);
	if (result)
		return result;
	e->regs.rip = e->next_rip;
	/* RF was for this instruction; what MOV SS holds off, it holds off the trap, too. */
	e->regs.rflags &= ~(u64)RFLAGS_RF;
	e->step = trap && !e->shadow;
	return EMULATE_DONE;
}
