/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real mode: segments, interrupts, exceptions, and limits beyond 64 KiB
 */
#include "payload.h"

	.text
	.globl real_start, real_end
	.globl real_int21, real_fault

	.code16
real_start:
	/* DS = 1000H: linear 10010H */
	mov $0x1000, %ax
	mov %ax, %ds
	movw $0xbeef, 0x10
	mov 0x10, %ax
	out %ax, $PORT

	/* CS is where we are; a near call uses SS. */
	mov %cs, %ax
	out %ax, $PORT
	call 1f
	jmp 2f
1:	pop %ax
	push %ax
	mov $0xca11, %ax
	out %ax, $PORT
	ret

	/* Operands and addresses of 32 bits */
2:	mov $0x12345678, %eax
	out %eax, $PORT
	mov $0x10, %ecx
	addr32 movw $0xcafe, 0x10(%ecx)	/* linear 10020H */

	/* Through the interrupt vector table */
	int $0x21
	out %ax, $PORT

	/* #DE, #UD, #GP at the segment's limit: the handler moves IP by BP. */
	mov $2, %bp
	xor %dx, %dx
	xor %cx, %cx
	div %cx
	mov $2, %bp
	ud2
	mov $3, %bp
	mov 0xffff, %ax

	/* REP STOSB: 20000H to 2000FH */
	mov $0x2000, %ax
	mov %ax, %es
	xor %di, %di
	mov $16, %cx
	mov $0x5a, %al
	cld
	rep stosb

	mov $0x80000000, %eax
	cpuid
	out %eax, $PORT

	/* Limits stay when protection ends: DS reaches 4 GiB ("unreal" mode). */
	lgdtl %cs:OFFSET(real_start, real_gdtr)
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	mov $SELECTOR_DATA, %bx
	mov %bx, %ds
	and $0xfe, %al
	mov %eax, %cr0
	xor %bx, %bx
	mov %bx, %ds
	mov $LAYOUT_SCRATCH, %ebx
	addr32 movl $0xfee1600d, (%ebx)
	addr32 mov (%ebx), %eax
	out %eax, $PORT

	mov %cr0, %eax
	out %eax, $PORT
	cli
	hlt

real_int21:
	mov $0x2121, %ax
	iret

	/* No error code in real mode: IP, CS, FLAGS are on the stack. */
real_fault:
	push %bp
	mov %bp, %ax
	mov %sp, %bp
	add %ax, 2(%bp)
	pop %bp
	mov $0xfa, %al
	out %al, $PORT
	iret

	.balign 4
real_gdtr:
	.word 0xfff
	.long LAYOUT_GDT
real_end:

	.section .note.GNU-stack, "", @progbits
