/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the Multiboot entry (32-bit, flat, no paging) to long mode and C
 */
#include "layout.h"

#define MULTIBOOT_MAGIC	0x1badb002
#define MULTIBOOT_FLAGS	0

#define PAGE_FLAGS	0x3	/* writable, present */
#define PAGE_LARGE	0x80

	.section .multiboot, "a"
	.balign 4
	.long	MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.text
	.code32
	.globl start
start:
	cli
	mov	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$start_pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	mov	$0x900, %eax		/* LME, NXE */
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	lgdt	start_gdtr
	ljmp	$SELECTOR_CODE64, $1f

	.code64
1:	mov	$LAYOUT_STACKS + LAYOUT_STACK, %esp
	call	payload_start
	ud2

/*
 * payload_switch: to the tables of guest_write_tables(), and vCPU 0's own data.
 * Selectors that nothing needs are null.
 */
	.globl payload_switch
payload_switch:
	lgdt	switch_gdtr
	lidt	switch_idtr
	mov	$LAYOUT_PML4, %eax
	mov	%rax, %cr3
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ss
	mov	%eax, %ds
	mov	%eax, %es
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$0xc0000101, %ecx	/* GS base */
	mov	$LAYOUT_CPU, %eax
	xor	%edx, %edx
	wrmsr
	mov	$SELECTOR_TSS, %eax
	ltr	%ax
	ret

	.data
	/* The first GiB one to one, until the real tables are there. */
	.balign 4096
start_pml4:
	.quad	start_pdpt + PAGE_FLAGS
	.fill	511, 8, 0
start_pdpt:
	.quad	start_pd + PAGE_FLAGS
	.fill	511, 8, 0
start_pd:
	.set	page, 0
	.rept	512
	.quad	page + PAGE_LARGE + PAGE_FLAGS
	.set	page, page + 0x200000
	.endr

start_gdt:
	.quad	0
	.quad	0x00af9b000000ffff
start_gdtr:
	.word	start_gdtr - start_gdt - 1
	.long	start_gdt
	.balign 8
	.word	0, 0, 0
switch_gdtr:
	.word	0xfff
	.quad	LAYOUT_GDT
	.balign 8
	.word	0, 0, 0
switch_idtr:
	.word	0xfff
	.quad	LAYOUT_IDT

	.section .note.GNU-stack, "", @progbits
