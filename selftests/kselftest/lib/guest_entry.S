/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's IDT stubs in long mode, and what a guest function returns to
 */
#include "layout.h"

	.text

/* Each vector's stub, 16 bytes apart. Vectors with an error code: SDM 3A 6.3.1 */
	.globl guest_idt_stubs
	.balign 16
guest_idt_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
	/* the processor pushed it */
	.else
	push $0
	.endif
	pushq $vector
	jmp guest_trap_entry
	.set vector, vector + 1
	.endr

guest_trap_entry:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	call guest_trap
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	iretq

/* The return address on a guest function's stack. */
	.globl guest_return
guest_return:
	sub $8, %rsp
	call guest_done

/*
 * For a start-up IPI to LAYOUT_TRAMPOLINE: from real mode to long mode, on the
 * tables that are there, then to guest_trampoline_entry with its own id in RDI.
 * Copied to LAYOUT_TRAMPOLINE, so no address in it may be a relocated one.
 */
#define HERE(label)	(LAYOUT_TRAMPOLINE + label - guest_trampoline)

	.globl guest_trampoline, guest_trampoline_end
	.code16
guest_trampoline:
	cli
	xor %ax, %ax
	mov %ax, %ds
	lgdtl HERE(gdtr)
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $SELECTOR_CODE32, $HERE(1f)

	.code32
1:	mov $SELECTOR_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4
	mov $LAYOUT_PML4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	mov $0x900, %eax		/* LME, NXE */
	xor %edx, %edx
	wrmsr
	mov $0x80010033, %eax		/* PG, WP, NE, ET, MP, PE */
	mov %eax, %cr0
	ljmpl $SELECTOR_CODE64, $HERE(2f)

	.code64
2:	mov $1, %eax
	cpuid
	shr $24, %ebx
	mov %ebx, %edi			/* initial APIC id: the vCPU's id */
	mov %ebx, %eax
	shl $12, %eax
	add $LAYOUT_CPU, %eax
	mov $0xc0000101, %ecx		/* GS base */
	xor %edx, %edx
	wrmsr
	imul $LAYOUT_STACK, %ebx, %esp
	add $LAYOUT_STACKS + LAYOUT_STACK - 8, %esp
	movl $guest_return, %eax
	mov %rax, (%rsp)
	lidt HERE(idtr)
	movl $guest_trampoline_entry, %eax
	mov (%rax), %rax
	jmp *%rax

	.balign 8
gdtr:	.word 0xfff
	.long LAYOUT_GDT
	.balign 8
idtr:	.word 0xfff
	.quad LAYOUT_IDT
guest_trampoline_end:

	.section .note.GNU-stack, "", @progbits
