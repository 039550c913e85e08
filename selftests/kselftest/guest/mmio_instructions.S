/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions to run once on RAM and once on MMIO, as a table of struct snippet
 * (mmio_instructions.c). Each ends with an OUT, the host's sign to look.
 */
#include "payload.h"

.macro snippet bits, undefined, instruction:vararg
	.pushsection .rodata.code
	.code\bits
.Lbegin\@:
	\instruction
	out %al, $PORT
.Lend\@:
	.popsection
	.pushsection .rodata.text
.Ltext\@:
	.asciz "\instruction"
	.popsection
	.quad .Lbegin\@, .Lend\@, .Ltext\@
	.long \bits, \undefined
.endm

#define SNIPPET(...)	snippet BITS, __VA_ARGS__;

	.section .rodata
	.globl mmio_snippets, mmio_snippets_end
	.balign 8
mmio_snippets:
#define BITS	16
#define M	(%bx)
#include "mmio_instructions.h"
#undef BITS
#undef M
#define BITS	32
#define M	(%ebx)
#include "mmio_instructions.h"
#undef BITS
#undef M
#define BITS	64
#define M	(%rbx)
#include "mmio_instructions.h"
mmio_snippets_end:

	.section .note.GNU-stack, "", @progbits
