/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Multiboot 1 kernel that does one thing, by which of these is defined. What no
 * guest survives: FETCH from where nothing is, an access there that lhv can't
 * emulate (UNDECODED), or a triple fault (SHUTDOWN). Or it writes a letter
 * to the serial port and does nothing more: SLEEP. Or it tries instructions that
 * hvctl emulates, on the memory that --debug-exit gives (EMULATE), and ends with
 * 42, or the number of the step that failed.
 */
#define MAGIC	0x1badb002
#define FLAGS	0
#define NOTHING	0xe0000000
#define SERIAL	0x3f8

	.text
	.code32
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.globl	_start
_start:
#if defined(FETCH)
	mov	$NOTHING, %eax
	jmp	*%eax
#elif defined(UNDECODED)
	mov	%cr0, %eax
	and	$~0xc, %eax		/* EM, TS: SSE is there */
	mov	%eax, %cr0
	mov	$0x200, %eax		/* OSFXSR */
	mov	%eax, %cr4
	fxsave	NOTHING
#elif defined(SHUTDOWN)
	lidt	no_idt
	ud2
#elif defined(SLEEP)
	mov	$SERIAL, %dx
	mov	$'S', %al
	out	%al, %dx
#elif defined(EMULATE)
#include "payload_emulate.S"
#else
#error "nothing to do"
#endif
1:	hlt
	jmp	1b

no_idt:	.word	0
	.long	0

	.section .note.GNU-stack, "", @progbits
