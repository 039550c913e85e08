/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boots the kernel that image.c laid out in the emulator's memory. Stands where
 * the video BIOS would: the BIOS calls it once its own tables (ACPI, MP) are
 * made and before it looks for drives, and it never returns.
 */
#include "image.h"

#define ROM_BASE	0xc0000
#define E820_BUFFER	0x8000	/* free while the BIOS starts */
#define LOW_MEMORY	0x100000	/* where nothing is touched yet */
#define SMAP		0x534d4150
#define PORT_A20	0x92
#define PORT_MESSAGE	0xe9
#define MSR_EFER	0xc0000080

	.code16
	.globl _start
_start:
	.byte 0x55, 0xaa, ROM_SIZE / 512
	jmp real_mode

real_mode:
	cli
	cld
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov $E820_BUFFER, %di
	xor %ebx, %ebx
next_range:
	mov $0xe820, %eax
	mov $SMAP, %edx
	mov $E820_ENTRY_SIZE, %ecx
	int $0x15
	jc last_range
	add $E820_ENTRY_SIZE, %di
	test %ebx, %ebx
	jnz next_range
last_range:
	cli
	in $PORT_A20, %al
	or $2, %al
	out %al, $PORT_A20
	lgdtl %cs:(gdt_register - _start)
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $8, $(ROM_BASE + protected_mode - _start)

	.code32
protected_mode:
	mov $0x18, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	movzx %di, %ebp			/* the end of the memory map */
	mov $(ROM_BASE + no_header - _start), %esi
	cmpl $IMAGE_MAGIC, IMAGE_BASE + HEADER_MAGIC
	jne fail

	/*
	 * The emulator gives its memory out in blocks of 128 KiB, in the order in
	 * which they are first touched, and put the image into it as a whole.
	 * Take blocks until the last of the spare ones has come, ...
	 */
	mov $(ROM_BASE + no_spare - _start), %esi
	mov $LOW_MEMORY, %ebx
take_spare:
	cmpl $(SPARE_MAGIC + SPARE_BLOCKS), (%ebx)
	je spares_taken
	add $BLOCK_SIZE, %ebx
	cmp $IMAGE_BASE, %ebx
	jb take_spare
	jmp fail
spares_taken:
	/* ... and the ones after it are the image's, in order. */
	mov IMAGE_BASE + HEADER_BLOCKS, %ecx
	mov $KERNEL_BASE, %ebx
take_image:
	mov (%ebx), %eax
	add $BLOCK_SIZE, %ebx
	loop take_image
	mov $(ROM_BASE + no_end - _start), %esi
	cmpl $IMAGE_MAGIC, -4(%ebx)
	jne fail

	mov $E820_BUFFER, %esi
	mov $(BOOT_PARAMS + BOOT_E820_TABLE), %edi
	mov %ebp, %ecx
	sub %esi, %ecx
	mov %ecx, %eax
	rep movsb
	xor %edx, %edx
	mov $E820_ENTRY_SIZE, %ecx
	div %ecx
	mov %al, BOOT_PARAMS + BOOT_E820_ENTRIES

	/* Long mode with the identity mapping that the image brought. */
	mov %cr4, %eax
	or $0x20, %eax			/* PAE */
	mov %eax, %cr4
	mov $PAGE_TABLES, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $0x100, %eax			/* LME */
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax		/* PG */
	mov %eax, %cr0
	ljmp $0x10, $(ROM_BASE + long_mode - _start)

	/* Says what %esi points to and ends the emulator by a triple fault. */
fail:
	lodsb
	test %al, %al
	jz dead
	out %al, $PORT_MESSAGE
	jmp fail
dead:
	lidtl ROM_BASE + no_idt - _start
	int3

	.code64
long_mode:
	mov $BOOT_PARAMS, %esi
	mov IMAGE_BASE + HEADER_ENTRY, %eax
	jmp *%rax

no_header:
	.asciz "lab: no image in memory\n"
no_spare:
	.asciz "lab: the emulator's memory does not begin as expected\n"
no_end:
	.asciz "lab: the emulator's memory is not in the expected order\n"

	.balign 8
no_idt:
	.quad 0
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 0x08: code, 32 bits */
	.quad 0x00af9b000000ffff	/* 0x10: code, 64 bits */
	.quad 0x00cf93000000ffff	/* 0x18: data */
gdt_register:
	.word . - gdt - 1
	.long ROM_BASE + gdt - _start
