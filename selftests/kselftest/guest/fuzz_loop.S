/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guests of fuzz_ioctl.c do, for ever: touch memory that comes and goes, access
 * ports and devices, send interrupts, halt. 32-bit code without paging. ESI: a seed
 */
#include "payload.h"

#define APIC		0xfee00000
#define DEVICE		0xd0000000
#define MEMORY		0x100000	/* 4 MiB */
#define MEMORY_MASK	0x3ff000

#define HERE(label)	LINEAR(fuzz_loop_start, label)

	.text
	.globl fuzz_loop_start, fuzz_loop_handler, fuzz_loop_end
	.code32
fuzz_loop_start:
	cld
	movl $0x1ff, APIC + 0xf0	/* enabled by software */

again:	imul $1103515245, %esi
	add $12345, %esi
	mov %esi, %eax
	shr $8, %eax
	mov %eax, %ebx
	shl $8, %ebx			/* EBX: a page */
	and $MEMORY_MASK, %ebx
	add $MEMORY, %ebx
	mov %eax, %ecx
	and $15, %ecx
	jmp *HERE(actions)(, %ecx, 4)

increment:
	lock incl (%ebx)
	jmp again

increment_row:
	mov $32, %ecx
1:	incl (%ebx)
	add $0x1000, %ebx
	dec %ecx
	jnz 1b
	jmp again

read:	mov (%ebx), %edx
	mov 0xffc(%ebx), %edx
	jmp again

copy:	mov %ebx, %edi
	mov %esi, %edx
	xor $0x1f0000, %ebx
	mov %ebx, %esi
	mov $64, %ecx
	rep movsl
	mov %edx, %esi
	jmp again

port:	mov $0x60, %edx
	out %al, (%dx)
	in (%dx), %eax
	jmp again

port_string:
	mov %esi, %ebp
	mov %ebx, %esi
	mov $0x64, %edx
	mov $100, %ecx
	rep outsb
	mov %ebx, %edi
	mov $30, %ecx
	rep insl
	mov %ebp, %esi
	jmp again

device:	movl %eax, DEVICE
	addl %eax, DEVICE + 8
	movzbl DEVICE + 0x10, %eax
	jmp again

interrupt_others:
	movl $0xc4042, APIC + 0x300
	jmp again

interrupt_self:
	movl $0x40043, APIC + 0x300
	sti
	nop
	cli
	jmp again

/* INIT and a start-up IPI, or an NMI, to the others: once in a while. */
start:	test $0x1f00, %eax
	jnz again
	test $0x2000, %eax
	jnz 1f
	movl $0xc4500, APIC + 0x300
	movl $0xc4680, APIC + 0x300
	jmp again
1:	movl $0xc4400, APIC + 0x300
	jmp again

/* The timer wakes it, if no other interrupt does. */
halt:	movl $0x41, APIC + 0x320
	movl $0xb, APIC + 0x3e0
	movl $50000, APIC + 0x380
	sti
	hlt
	cli
	jmp again

privileged:
	xor %eax, %eax
	cpuid
	mov $0x10, %ecx
	rdmsr
	mov $0x3b, %ecx
	rdmsr
	wrmsr
	mov %cr3, %eax
	mov %eax, %cr3
	mov %dr7, %eax
	vmcall
	jmp again

spin:	mov $300, %ecx
1:	pause
	dec %ecx
	jnz 1b
	jmp again

	.balign 4
actions:
	.long HERE(increment), HERE(increment), HERE(increment), HERE(increment_row)
	.long HERE(increment_row), HERE(read), HERE(copy), HERE(port)
	.long HERE(port_string), HERE(device), HERE(interrupt_others), HERE(interrupt_self)
	.long HERE(start), HERE(halt), HERE(privileged), HERE(spin)

/* Of interrupts and NMIs */
fuzz_loop_handler:
	movl $0, APIC + 0xb0
	iretl
fuzz_loop_end:

	.section .note.GNU-stack, "", @progbits
