/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Multiboot 1 kernel that does one thing, by which of these is defined. What no
 * guest survives: FETCH from where nothing is, an access there that lhv can't
 * emulate (UNDECODED), or a triple fault (SHUTDOWN). Or it tries instructions that
 * hvctl emulates, on the memory that --debug-exit gives (EMULATE), and ends with
 * 42, or the number of the step that failed. Or it writes a letter to the serial
 * port and does nothing more: SLEEP. Or it goes on for ever after that letter:
 * SPIN. Or it writes one letter after the other until someone has written a
 * question into its mailbox, answers it, and resets: MAILBOX. Or it resets at
 * once: RESET. Or it writes 1000 bytes to a port where nothing is, executes CPUID
 * 1000 times, writes a letter, and does nothing more: COUNT.
 */
#define MAGIC	0x1badb002
#define FLAGS	0
#define NOTHING	0xe0000000
#define SERIAL	0x3f8
#define POST	0x80
#define I8042	0x64
#define PULSE	0xfe		/* the processor's reset line */

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
#elif defined(SPIN)
	mov	$SERIAL, %dx
	mov	$'S', %al
	out	%al, %dx
2:	jmp	2b
#elif defined(MAILBOX)
	mov	$SERIAL, %dx
	mov	$'M', %al
2:	out	%al, %dx
	mov	question, %ecx
	test	%ecx, %ecx
	jz	2b
	not	%ecx
	mov	%ecx, answer
3:	out	%al, %dx		/* the one who asked says when he has read it */
	cmpl	$0, question
	jne	3b
	mov	$PULSE, %al
	out	%al, $I8042
#elif defined(COUNT)
	mov	$1000, %esi
2:	out	%al, $POST
	dec	%esi
	jnz	2b
	mov	$1000, %esi
3:	xor	%eax, %eax
	cpuid
	dec	%esi
	jnz	3b
	mov	$SERIAL, %dx
	mov	$'C', %al
	out	%al, %dx
#elif defined(RESET)
	mov	$PULSE, %al
	out	%al, $I8042
#else
#error "nothing to do"
#endif
1:	hlt
	jmp	1b

no_idt:	.word	0
	.long	0

#ifdef MAILBOX
	.balign	8			/* found by its first word: tracer.c */
	.ascii	"mailbox:"
question: .long	0
answer:	.long	0
#endif

	.section .note.GNU-stack, "", @progbits
