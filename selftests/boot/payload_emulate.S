/* SPDX-License-Identifier: GPL-2.0-only */
/* EMULATE of payload.S */
#define MMIO		0xff000000
#define EXIT_PORT	0xf4
#define LATCH_PORT	0xe0
#define CODE_SELECTOR	0x08
#define DATA_SELECTOR	0x10
#define EFLAGS_TF	0x100

/* A step begins; it ends when a condition isn't as it must be. */
	.macro	step number
	mov	$\number, %esi
	.endm
	.macro	must condition
	j\condition	77f
	jmp	failed
77:
	.endm
	.macro	must_equal value operand
	cmpl	\value, \operand
	must	e
	.endm

	lgdt	gdt_register
	ljmp	$CODE_SELECTOR, $1f
1:	mov	$DATA_SELECTOR, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$stack_top, %esp
	mov	$on_divide_error, %eax
	mov	%ax, idt
	shr	$16, %eax
	mov	%ax, idt + 6
	mov	$on_debug, %eax
	mov	%ax, idt + 8
	shr	$16, %eax
	mov	%ax, idt + 14
	lidt	idt_register
	mov	%cr0, %eax
	and	$~0xc, %eax		/* EM, TS: the FPU is there */
	mov	%eax, %cr0
	mov	$0x200, %eax		/* OSFXSR */
	mov	%eax, %cr4
	mov	$MMIO, %ebx

	step	1			/* 16 bytes, not aligned */
	movups	pattern, %xmm0
	movups	%xmm0, 3(%ebx)
	movups	3(%ebx), %xmm1
	pcmpeqb	%xmm0, %xmm1
	pmovmskb %xmm1, %eax
	must_equal $0xffff, %eax
	must_equal $pattern_value, 3(%ebx)

	step	2			/* XADD, CMPXCHG8B */
	movl	$5, (%ebx)
	mov	$3, %eax
	lock xadd %eax, (%ebx)
	must_equal $5, %eax
	must_equal $8, (%ebx)
	movl	$9, 4(%ebx)
	mov	$8, %eax
	mov	$9, %edx
	push	%ebx
	mov	%ebx, %edi
	mov	$0x1111, %ebx
	mov	$0x2222, %ecx
	lock cmpxchg8b (%edi)
	pop	%ebx
	must	e
	must_equal $0x1111, (%ebx)
	must_equal $0x2222, 4(%ebx)

	step	3			/* strings, of device and of memory */
	push	%esi
	mov	$16, %ecx
	mov	$pattern, %esi
	lea	32(%ebx), %edi
	rep movsb
	mov	$16, %ecx
	mov	$pattern, %esi
	lea	32(%ebx), %edi
	repe cmpsb
	pop	%esi
	must	e
	must_equal $0, %ecx
	mov	pattern + 5, %al
	lea	32(%ebx), %edi
	mov	$16, %ecx
	repne scasb
	must_equal $10, %ecx

	step	4			/* the stack in the device, over the end of a page */
	mov	%esp, %ebp
	lea	0x1002(%ebx), %esp
	pushl	$0x12345678
	pushl	pattern
	pop	%eax
	popl	0x20(%ebx)
	call	1f
1:	pop	%ecx
	mov	%esp, %edx
	mov	%ebp, %esp
	must_equal $pattern_value, %eax
	must_equal $0x12345678, 0x20(%ebx)
	must_equal $1b, %ecx
	sub	%ebx, %edx
	must_equal $0x1002, %edx
	mov	0xffe(%ebx), %eax
	must_equal $1b, %eax

	step	5			/* an element of INS to the device */
	mov	$0x5a, %al
	out	%al, $LATCH_PORT
	mov	$LATCH_PORT, %edx
	lea	0x40(%ebx), %edi
	insb
	cmpb	$0x5a, 0x40(%ebx)
	must	e

	step	6			/* #DE, and a division without */
	movl	$0, (%ebx)
	xor	%edi, %edi
	xor	%edx, %edx
	mov	$100, %eax
1:	divl	(%ebx)
	must_equal $1b, %edi		/* as the handler found it */
	must_equal $100, %eax
	movl	$7, (%ebx)
	divl	(%ebx)
	must_equal $14, %eax
	must_equal $2, %edx

	step	7			/* a single step */
	movl	$0x100, (%ebx)
	xor	%edi, %edi
	pushf
	orl	$EFLAGS_TF, (%esp)
	popf
	bsf	(%ebx), %ecx
1:	nop
	must_equal $1b, %edi
	must_equal $8, %ecx

	step	8			/* x87, with its pointers */
	fninit
	movl	$-1234, (%ebx)
1:	fildl	(%ebx)
	fnstenv	environment
	fistpll	8(%ebx)
	must_equal $-1234, 8(%ebx)
	must_equal $-1, 12(%ebx)
	must_equal $1b, environment + 12
	must_equal $MMIO, environment + 20

	step	9			/* a segment register */
	movl	$DATA_SELECTOR, (%ebx)
	mov	(%ebx), %ss
	mov	(%ebx), %fs
	mov	%fs, 4(%ebx)
	cmpw	$DATA_SELECTOR, 4(%ebx)
	must	e

	mov	$42, %esi
failed:	mov	%esi, %eax
	out	%eax, $EXIT_PORT
	jmp	failed

on_divide_error:
	pop	%edi
	push	%edi
	addl	$2, (%esp)
	iret

on_debug:
	mov	(%esp), %edi
	andl	$~EFLAGS_TF, 8(%esp)
	iret

	.set	pattern_value, 0x44332211
pattern: .byte	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88
	.byte	0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00
gdt:	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register: .word . - gdt - 1
	.long	gdt
	.balign	8
idt:	.word	0, CODE_SELECTOR, 0x8e00, 0
	.word	0, CODE_SELECTOR, 0x8e00, 0
idt_register: .word . - idt - 1
	.long	idt
	.balign	16
environment: .fill 28, 1, 0
	.fill	512, 1, 0
	.balign	16
stack_top:
