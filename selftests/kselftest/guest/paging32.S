/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Protected mode: without paging, with 32-bit paging, with PAE. The host made
 * the tables (modes.c). In 32-bit paging linear 40000000H is physical 0 by a
 * large page, 40400000H is LAYOUT_SCRATCH + 8000H by a small one, and
 * 50000000H isn't there. With PAE too.
 */
#include "payload.h"
#include "paging32.h"

	.text
	.globl paging32_start, paging32_end
	.globl paging32_pf, paging32_gp

.macro show what
	mov \what, %eax
	out %eax, $PORT
.endm

.macro access_all
	show 0x40000000 + LAYOUT_SCRATCH + 0x8000
	show 0x40400000
	movl $0xabcd, 0x40400004
	/* #PF: the handler shows address and error code, and goes to EBX. */
	mov $LINEAR(paging32_start, .Lresume\@), %ebx
	movl $0, 0x50000000
.Lresume\@:
.endm

	.code32
paging32_start:
	show LAYOUT_SCRATCH + 0x8000
	lidt LINEAR(paging32_start, paging32_idtr)

	mov $PAGING32_PD, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x10, %eax			/* PSE */
	mov %eax, %cr4
	mov %cr0, %eax
	or $0x80010000, %eax		/* PG, WP */
	mov %eax, %cr0
	jmp 1f
1:	access_all

	/* Read-only, and WP: the supervisor may not write either. */
	mov $LINEAR(paging32_start, after_write), %ebx
	movl $0, 0x40401000
after_write:

	/* Paging off and on again, with PAE. */
	mov %cr0, %eax
	and $0x7fffffff, %eax
	mov %eax, %cr0
	mov $PAGING32_PDPT, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax			/* PAE */
	mov %eax, %cr4
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	jmp 1f
1:	access_all

	/*
	 * The processor holds the four PDPTEs since CR3 was loaded: that the
	 * first GiB's second copy goes away shows with the next load only.
	 */
	movl $0, PAGING32_PDPT + 8
	invlpg 0x40400000
	show 0x40400000
	mov %cr3, %eax
	mov %eax, %cr3
	mov $LINEAR(paging32_start, after_read), %ebx
	mov 0x40400000, %eax
after_read:

	/* A PDPTE with a reserved bit: #GP, and CR3 stays. */
	mov $PAGING32_PDPT + 0x20, %eax
	mov $LINEAR(paging32_start, after_cr3), %ebx
	mov %eax, %cr3
after_cr3:
	show %cr3
	cli
	hlt

paging32_pf:
	show %cr2
	pop %eax
	out %eax, $PORT
	mov %ebx, (%esp)
	iret

paging32_gp:
	mov $0x6b, %al
	out %al, $PORT
	add $4, %esp
	mov %ebx, (%esp)
	iret

	.balign 4
paging32_idtr:
	.word 0x7f
	.long PAGING32_IDT
paging32_end:

	.section .note.GNU-stack, "", @progbits
