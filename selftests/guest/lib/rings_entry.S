/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other ways to run code than ring 0 in 64-bit mode: rings.h
 */
#include "layout.h"

#include "rings.h"

.macro save_registers
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro restore_registers
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm

	.text
	.code64
/*
 * user_enter(function, argument, stack, rsp0, rflags): *rsp0 gets this stack.
 * The code that it returns to is entered where user_alias says.
 */
	.globl user_enter
user_enter:
	save_registers
	mov	%rsp, (%rcx)
	mov	%rsp, user_rsp
	mov	%rdi, %rax
	mov	%rsi, %rdi
	push	$SELECTOR_USER_DATA
	push	%rdx
	push	%r8
	push	$SELECTOR_USER_CODE64
	lea	1f, %rdx
	add	user_alias, %rdx
	push	%rdx
	iretq
1:	call	*%rax
	int	$VECTOR_LEAVE_USER

/* Where the handler of that vector comes back to, on the stack of above. */
	.globl user_left
user_left:
	restore_registers
	ret

/* compat_enter(function, argument): EAX is the argument, and the result. */
	.globl compat_enter
compat_enter:
	save_registers
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%edi, %ebx
	mov	%esi, %eax
	push	$SELECTOR_CODE32
	push	$1f
	lretq

	.code32
1:	call	*%ebx
	ljmp	$SELECTOR_CODE64, $2f

	.code64
2:	mov	%eax, %eax
	restore_registers
	ret

	.bss
	.globl user_rsp, user_alias
	.balign 8
user_rsp:
	.quad	0
user_alias:
	.quad	0

	.section .note.GNU-stack, "", @progbits
