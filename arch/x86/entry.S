/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch
 *
 * unsigned long lhv_vmx_enter(unsigned long *regs)
 *
 * In: RDI = vcpu->arch.regs, indexed by enum lhv_reg, which host_rsp and
 * launched follow. Interrupts are off, the VMCS is current, and all other guest
 * state is loaded.
 *
 * Out: RAX = 0 after a VM exit: the guest's registers are stored, and no
 * register holds a value of the guest's any more. RAX = 1 or 2 if VMLAUNCH or
 * VMRESUME failed: with an error number in the VMCS (VMfailValid), or without
 * a current VMCS or VMX (VMfailInvalid, #UD). RFLAGS are as the processor sets
 * them at a VM exit (SDM 3C 28.5.3): interrupts stay off.
 *
 * HOST_RIP is lhv_vmx_exit. HOST_RSP is this function's stack pointer, written
 * when it differs from the last time.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#define REG(n)		((n) * 8)
#define RAX		REG(0)
#define RCX		REG(1)
#define RDX		REG(2)
#define RBX		REG(3)
#define RBP		REG(5)
#define RSI		REG(6)
#define RDI		REG(7)
#define R8		REG(8)
#define R9		REG(9)
#define R10		REG(10)
#define R11		REG(11)
#define R12		REG(12)
#define R13		REG(13)
#define R14		REG(14)
#define R15		REG(15)
/* Checked against struct lhv_vcpu_arch in setup.c. */
#define HOST_RSP_CACHE	REG(16)
#define LAUNCHED	REG(17)

#define VMCS_HOST_RSP	0x6c14

	.text

SYM_FUNC_START(lhv_vmx_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	cmp	%rsp, HOST_RSP_CACHE(%rdi)
	je	1f
	mov	%rsp, HOST_RSP_CACHE(%rdi)
	mov	$VMCS_HOST_RSP, %eax
.Lwrite_rsp:
	vmwrite	%rsp, %rax
1:
	/* Into CF, which neither the loads nor VERW touch. */
	btl	$0, LAUNCHED(%rdi)

	mov	RAX(%rdi), %rax
	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	RSI(%rdi), %rsi
	mov	R8(%rdi), %r8
	mov	R9(%rdi), %r9
	mov	R10(%rdi), %r10
	mov	R11(%rdi), %r11
	mov	R12(%rdi), %r12
	mov	R13(%rdi), %r13
	mov	R14(%rdi), %r14
	mov	R15(%rdi), %r15
	mov	RDI(%rdi), %rdi

	VM_CLEAR_CPU_BUFFERS
	UNWIND_HINT_SAVE

	jnc	.Llaunch
.Lresume:
	vmresume
	jmp	.Lfailed
.Llaunch:
	vmlaunch
	jmp	.Lfailed

	_ASM_EXTABLE(.Lwrite_rsp, .Lfaulted)
	_ASM_EXTABLE(.Lresume, .Lfaulted)
	_ASM_EXTABLE(.Llaunch, .Lfaulted)

SYM_INNER_LABEL(lhv_vmx_exit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push	%rax
	mov	8(%rsp), %rax
	pop	RAX(%rax)
	mov	%rcx, RCX(%rax)
	mov	%rdx, RDX(%rax)
	mov	%rbx, RBX(%rax)
	mov	%rbp, RBP(%rax)
	mov	%rsi, RSI(%rax)
	mov	%rdi, RDI(%rax)
	mov	%r8, R8(%rax)
	mov	%r9, R9(%rax)
	mov	%r10, R10(%rax)
	mov	%r11, R11(%rax)
	mov	%r12, R12(%rax)
	mov	%r13, R13(%rax)
	mov	%r14, R14(%rax)
	mov	%r15, R15(%rax)

	/* What the guest left in the return stack buffer must not feed the host's speculation, */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	/* nor in the branch history, */
	CLEAR_BRANCH_HISTORY_VMEXIT
	xor	%eax, %eax

.Lout:
	/* nor in registers. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lfaulted:
	mov	$2, %eax
	jmp	.Lout
.Lfailed:
	/* CF: VMfailInvalid; else ZF: VMfailValid. */
	mov	$1, %eax
	adc	$0, %eax
	jmp	.Lout
SYM_FUNC_END(lhv_vmx_enter)
