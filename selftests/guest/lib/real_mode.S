/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What realmode.c runs in real mode. It is copied to LAYOUT_PAYLOAD, so that its
 * segment is REAL_SEGMENT; each test leaves a word of 32 bits in the table of
 * results, which is at REAL_RESULTS and has DS. The way in is through
 * compatibility mode (SDM 3A 10.8.5.4, 10.9.2), the way back the trampoline.
 */
#include "layout.h"
#include "real_mode.h"

#define LINEAR(label)	(LAYOUT_PAYLOAD + label - real_mode_start)
#define OFFSET(label)	(label - real_mode_start)

	.text
	.globl real_mode_start, real_mode_end

	.code64
real_mode_start:
	push	$SELECTOR_CODE32
	push	$LINEAR(compatibility)
	lretq

	.code32
compatibility:
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	mov	$0xc0000080, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	mov	%eax, %cr4
	lgdt	LINEAR(gdtr)
	lidt	LINEAR(idtr)
	ljmp	$0x08, $OFFSET(protected16)

	.code16
protected16:
	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$REAL_SEGMENT, $OFFSET(real)
real:
	xor	%ax, %ax
	mov	%ax, %ss
	mov	$0xff0, %esp
	mov	$REAL_RESULTS >> 4, %ax
	mov	%ax, %ds
	mov	%ax, %es
	cld

/* The tests; EAX is what is noted. */
.macro result index
	mov	%eax, 4 * \index
.endm

	/* FLAGS and modes */
	smsw	%ax
	and	$1, %eax
	result	REAL_PE
	mov	%cs, %ax
	movzx	%ax, %eax
	result	REAL_CS
	xor	%eax, %eax
	pushf
	pop	%ax
	and	$0x202, %ax
	result	REAL_FLAGS

	/* Segments: value times 16 plus offset, with A20 on */
	mov	$(REAL_RESULTS >> 4) + 0x10, %ax
	mov	%ax, %es
	movl	$0x12345678, 0x500
	mov	%es:0x400, %eax
	result	REAL_ADDRESS
	mov	$0xffff, %ax
	mov	%ax, %es
	mov	%es:0x10, %eax
	result	REAL_A20
	mov	%ds, %ax
	mov	%ax, %es

	/* Near and far calls */
	mov	%sp, %bx
	xor	%eax, %eax
	call	near
	lcall	$REAL_SEGMENT, $OFFSET(far)
	sub	%sp, %bx
	jz	1f
	mov	$0xbad, %ax
1:	result	REAL_CALLS

	/* INT n, and its handler's FLAGS */
	pushf
	orw	$0x200, (%esp)
	cli
	xor	%eax, %eax
	mov	%sp, %bx
	popf
	int	$REAL_VECTOR
	cli
	mov	%ax, %cx
	add	$2, %bx
	cmp	%sp, %bx
	je	1f
	mov	$0xbad, %cx
1:	movzx	%cx, %eax
	result	REAL_INT

	/* Exceptions: the handler notes vector and IP, and adds BP to IP */
.macro fault index, length, text:vararg
	movl	$0xffff, %cs:OFFSET(noted)
	mov	$\length, %bp
1:	\text
	mov	%cs:OFFSET(noted), %eax
	sub	$(OFFSET(1b)) << 16, %eax
	result	\index
.endm
	xor	%dx, %dx
	xor	%cx, %cx
	fault	REAL_DE, 2, div %cx
	fault	REAL_UD, 2, ud2
	fault	REAL_GP_LIMIT, 4, mov 0xffff, %cx
	mov	$0x10000, %edi
	fault	REAL_GP_32, 4, addr32 movb $0, (%edi)
	xor	%edi, %edi
	mov	$0x7f, %al
	add	$1, %al
	fault	REAL_OF, 0, into
	mov	$5, %cx
	fault	REAL_BR, 5, bound %cx, %cs:OFFSET(limits)
	mov	$15, %cx
	fault	REAL_BR_NOT, 5, bound %cx, %cs:OFFSET(limits)
	fault	REAL_BP, 0, int3
	fault	REAL_SS, 5, mov %ss:0xffff, %cx

	/* Decimal arithmetic */
	xor	%eax, %eax
	mov	$0x38, %al
	add	$0x45, %al
	daa
	result	REAL_DAA
	mov	$0x0105, %ax
	aad
	movzx	%ax, %eax
	result	REAL_AAD
	mov	$0x4f, %al
	aam
	movzx	%ax, %eax
	result	REAL_AAM

	/* PUSHA, POPA, ENTER, LEAVE */
	mov	$1, %ax
	mov	$2, %cx
	mov	$0x1234, %di
	mov	%sp, %si
	pusha
	xor	%di, %di
	mov	%sp, %bx
	sub	%bx, %si
	popa
	movzx	%di, %eax
	result	REAL_POPA
	mov	%sp, %bx
	mov	$0x777, %bp
	enter	$6, $0
	mov	%sp, %cx
	leave
	sub	%cx, %bx
	movzx	%bx, %eax
	result	REAL_ENTER
	movzx	%bp, %eax
	result	REAL_LEAVE

	/* Strings: with REP, downwards, compared */
	movl	$0x64636261, 0x600
	movl	$0x68676665, 0x604
	mov	$0x600, %si
	mov	$0x610, %di
	mov	$8, %cx
	rep movsb
	mov	0x614, %eax
	result	REAL_MOVS
	movzx	%di, %eax
	result	REAL_MOVS_DI
	movb	$0, 0x616
	mov	$0x600, %si
	mov	$0x610, %di
	mov	$8, %cx
	repe cmpsb
	movzx	%cx, %eax
	result	REAL_CMPS
	std
	mov	$0x607, %di
	mov	$8, %cx
	mov	$0x62, %al
	repne scasb
	cld
	movzx	%di, %eax
	result	REAL_SCAS

	/* 32-bit operands */
	mov	$0x80000001, %eax
	mov	$3, %ecx
	mul	%ecx
	result	REAL_MUL_LOW
	mov	%edx, %eax
	result	REAL_MUL_HIGH
	mov	$0x12348000, %eax
	cwde
	result	REAL_CWDE
	mov	$3, %cx
	xor	%eax, %eax
1:	inc	%ax
	loop	1b
	result	REAL_LOOP
	mov	$0x620, %bx
	movb	$0x99, 0x625
	mov	$5, %al
	xlat
	movzx	%al, %eax
	result	REAL_XLAT
	movl	$0x00705555, 0x630
	les	0x630, %bx
	mov	%es, %ax
	shl	$16, %eax
	mov	%bx, %ax
	result	REAL_LES
	mov	%ds, %ax
	mov	%ax, %es

	/* What leaves the guest */
	mov	$0x80000000, %eax
	cpuid
	result	REAL_CPUID
	mov	$0x3ff, %dx
	mov	$0x77, %al
	out	%al, %dx
	xor	%eax, %eax
	in	%dx, %al
	result	REAL_IN
	mov	$0x500, %dx
	mov	$0x640, %di
	mov	$6, %cx
	rep insb
	mov	0x642, %eax
	result	REAL_INS
	mov	$0x1b, %ecx
	rdmsr
	result	REAL_RDMSR
	mov	%cr0, %eax
	mov	%eax, %cr0
	and	$0x80000001, %eax
	result	REAL_CR0
	mov	$0x3, %al
	mov	%eax, %cr2
	mov	%cr2, %eax
	result	REAL_CR2

	/* Limits stay when protection ends: DS reaches all memory then. */
	lgdtl	%cs:OFFSET(flat_gdtr)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$SELECTOR_DATA, %bx
	mov	%bx, %fs
	and	$0xfe, %al
	mov	%eax, %cr0
	xor	%bx, %bx
	mov	%bx, %fs
	mov	$LAYOUT_SCRATCH, %ebx
	movl	$0xfee1600d, %fs:(%ebx)
	mov	%fs:(%ebx), %eax
	result	REAL_UNREAL

	/* An interrupt by the APIC, with HLT */
	mov	$0xfee000f0, %ebx
	movl	$0x1ff, %fs:(%ebx)
	mov	$0xfee00300, %ebx
	movl	$0x44000 + REAL_VECTOR, %fs:(%ebx)
	xor	%eax, %eax
	sti
	hlt
	cli
	mov	$0xfee000b0, %ebx
	movl	$0, %fs:(%ebx)
	and	$0xff, %eax
	result	REAL_INTERRUPT

	ljmp	$LAYOUT_TRAMPOLINE >> 4, $0

near:	inc	%ax
	ret
far:	add	$0x10, %ax
	lret

	.globl real_mode_int, real_mode_fault
/* AX: 1, and 2 if IF is clear, 4 if TF is, 8 if the pushed FLAGS have IF. */
real_mode_int:
	push	%bp
	mov	%sp, %bp
	pushf
	pop	%cx
	mov	$1, %ax
	test	$0x200, %cx
	jnz	1f
	or	$2, %al
1:	test	$0x100, %cx
	jnz	1f
	or	$4, %al
1:	testw	$0x200, 6(%bp)
	jz	1f
	or	$8, %al
1:	pop	%bp
	iret

/* One for each vector, 8 bytes apart: there is no error code in real mode. */
	.balign 8
real_mode_fault:
	.set vector, 0
	.rept 16
	.balign 8
	pushw	$vector
	jmp	1f
	.set vector, vector + 1
	.endr
1:	push	%ax
	push	%bx
	mov	%sp, %bx
	mov	%ss:4(%bx), %ax		/* vector */
	mov	%ax, %cs:OFFSET(noted)
	mov	%ss:6(%bx), %ax		/* IP */
	mov	%ax, %cs:OFFSET(noted) + 2
	add	%bp, %ss:6(%bx)
	pop	%bx
	pop	%ax
	add	$2, %sp
	iret

	.balign 8
noted:	.long	0
limits:	.word	10, 20
	.balign 8
gdt:	.quad	0
	.quad	0x00009b080000ffff	/* 16-bit code, base LAYOUT_PAYLOAD */
	.quad	0x000093000000ffff	/* 16-bit data */
gdtr:	.word	gdtr - gdt - 1
	.long	LINEAR(gdt)
idtr:	.word	0x3ff
	.long	0
flat_gdtr:
	.word	0xfff
	.long	LAYOUT_GDT
real_mode_end:

	.section .note.GNU-stack, "", @progbits
