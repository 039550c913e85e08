/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What computes is the processor: the instruction is built anew, with its
 * operand in a buffer of hvctl's, and executed with the guest's registers. So
 * results, flags and numeric exceptions are right by themselves.
 *
 * That is safe because nothing of what the guest wrote is executed but what the
 * decoder's tables know: opcode, ModRM.reg, immediate, and the prefixes that
 * these mean. All of them access memory through ModRM alone, which here always
 * says [RSI] or [RDI], and at most OPERAND_MAX bytes; none of them branches, uses
 * the stack, or touches what isn't in struct native. RSP is never among its
 * registers. emulate_fuzz.c has Zydis look at everything that is built.
 */
#ifndef HVCTL_EMULATE_NATIVE_H
#define HVCTL_EMULATE_NATIVE_H

#include "emulate_insn.h"

#define NATIVE_CODE_MAX	16

struct native {
	u64 gpr[GPR_COUNT];	/* that of RSP isn't used */
	u64 flags;		/* the arithmetic ones */
	void *fpu;		/* XSAVE area or NULL, and which components */
	u64 fpu_features;
	u8 *data;		/* the operand; as aligned as in the guest */
};

/*
 * Build @insn for 64-bit mode, with its operand at [*@base]; RSP as an operand
 * becomes RDI. Returns the number of bytes.
 */
unsigned int native_build(const struct insn *insn, u8 code[static NATIVE_CODE_MAX], u8 *base);

/* Which register stands for RSP in what was built, or GPR_NONE. */
u8 native_rsp(const struct insn *insn);

/* BT, BTS, BTR or BTC with a register, as the form with an immediate. */
struct insn insn_bit_immediate(const struct insn *insn, unsigned int bit);

#define NATIVE_FAILED	(-1)	/* the host has no memory for it, or no XSAVE */
#define NATIVE_OK	32	/* else: an exception's vector */

/* Execute what was built, in a page that holds nothing else and isn't writable. */
int native_run(struct native *n, const u8 *code, unsigned int length);

#endif
