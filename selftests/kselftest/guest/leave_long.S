/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From long mode down to real mode: compatibility mode, paging off, protection
 * off (SDM 3A 10.8.5.4, 10.9.2)
 */
#include "payload.h"

	.text
	.globl leave_long_start, leave_long_end

/* Called in long mode at LAYOUT_PAYLOAD. */
	.code64
leave_long_start:
	push $SELECTOR_CODE32
	push $LINEAR(leave_long_start, compatibility)
	lretq

	.code32
compatibility:
	mov $0xc0de32, %eax
	out %eax, $PORT
	/* Compatibility mode: 64-bit instructions aren't. This is DEC EAX, NOP. */
	mov $8, %eax
	.byte 0x48, 0x90
	out %eax, $PORT

	mov %cr0, %eax
	and $0x7fffffff, %eax
	mov %eax, %cr0
	mov $0xc0000080, %ecx
	rdmsr
	out %eax, $PORT			/* LMA is off, LME still on */
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	mov %eax, %cr4
	mov %cr0, %eax
	out %eax, $PORT

	/* A 16-bit segment first, then protection off. */
	lgdt LINEAR(leave_long_start, leave_long_gdtr)
	ljmp $0x08, $OFFSET(leave_long_start, protected16)

	.code16
protected16:
	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov %cr0, %eax
	and $0xfe, %al
	mov %eax, %cr0
	ljmp $PAYLOAD_SEGMENT, $OFFSET(leave_long_start, real)
real:
	xor %ax, %ax
	mov %ax, %ss
	mov $0xff0, %sp
	push %cs
	pop %ax
	out %ax, $PORT
	cli
	hlt

	.balign 8
leave_long_gdt:
	.quad 0
	.quad 0x00009b080000ffff	/* 16-bit code, base LAYOUT_PAYLOAD */
	.quad 0x000093000000ffff	/* 16-bit data */
leave_long_gdtr:
	.word 0x17
	.long LINEAR(leave_long_start, leave_long_gdt)
leave_long_end:

	.section .note.GNU-stack, "", @progbits
