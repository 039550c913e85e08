/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions with an operand M in memory, for mmio_instructions.S, which gives
 * BITS, M and SNIPPET(undefined flags, instruction) and includes this once for
 * each size of code. SNIPPET64 is there for 64-bit code only.
 *
 * When they run: BX points to 100H in page A, SI to 180H in A, DI to 190H in page
 * B, CX is 3 (mmio_instructions.c). Flags that SDM 2 calls undefined don't count.
 */
#define AF	0x010
/* BT and its kin leave all but CF and ZF undefined. */
#define BIT_TEST 0x894

#define BINARY(op, suffix, a, d, imm, undefined)			\
	SNIPPET(undefined, op##suffix a, M)				\
	SNIPPET(undefined, op##suffix M, d)				\
	SNIPPET(undefined, op##suffix $imm, M)

#define BINARY_LOCKED(op, suffix, a, d, imm, undefined)			\
	BINARY(op, suffix, a, d, imm, undefined)			\
	SNIPPET(undefined, lock op##suffix d, M)

#define STRING(op, suffix)						\
	SNIPPET(0, op##suffix)						\
	SNIPPET(0, rep op##suffix)

/* What there is in each operand size */
#define EACH_SIZE(suffix, a, d, imm)					\
	BINARY_LOCKED(add, suffix, a, d, imm, 0)			\
	BINARY_LOCKED(or, suffix, a, d, imm, AF)			\
	BINARY_LOCKED(adc, suffix, a, d, imm, 0)			\
	BINARY_LOCKED(sbb, suffix, a, d, imm, 0)			\
	BINARY_LOCKED(and, suffix, a, d, imm, AF)			\
	BINARY_LOCKED(sub, suffix, a, d, imm, 0)			\
	BINARY_LOCKED(xor, suffix, a, d, imm, AF)			\
	BINARY(cmp, suffix, a, d, imm, 0)				\
	BINARY(mov, suffix, a, d, imm, 0)				\
	SNIPPET(AF, test##suffix a, M)					\
	SNIPPET(AF, test##suffix $0x35, M)				\
	SNIPPET(0, xchg##suffix a, M)					\
	SNIPPET(0, inc##suffix M)					\
	SNIPPET(0, dec##suffix M)					\
	SNIPPET(0, not##suffix M)					\
	SNIPPET(0, neg##suffix M)					\
	SNIPPET(0, lock inc##suffix M)					\
	STRING(stos, suffix)						\
	STRING(lods, suffix)						\
	STRING(movs, suffix)

/* And in those above a byte */
#define EACH_WIDE_SIZE(suffix, a, d, imm)				\
	EACH_SIZE(suffix, a, d, imm)					\
	SNIPPET(0, add##suffix $-3, M)					\
	SNIPPET(AF, and##suffix $-3, M)					\
	SNIPPET(0, cmp##suffix $-3, M)					\
	SNIPPET(BIT_TEST, bt##suffix $13, M)				\
	SNIPPET(BIT_TEST, bt##suffix d, M)				\
	SNIPPET(BIT_TEST, bts##suffix $13, M)				\
	SNIPPET(BIT_TEST, bts##suffix d, M)				\
	SNIPPET(BIT_TEST, btr##suffix $13, M)				\
	SNIPPET(BIT_TEST, btr##suffix d, M)				\
	SNIPPET(BIT_TEST, btc##suffix $13, M)				\
	SNIPPET(BIT_TEST, btc##suffix d, M)

	EACH_SIZE(b, %al, %dl, 0x5a)
	EACH_WIDE_SIZE(w, %ax, %dx, 0x1234)
	EACH_WIDE_SIZE(l, %eax, %edx, 0x12345678)

	/* The high bytes */
	SNIPPET(0, movb %ah, M)
	SNIPPET(0, movb M, %bh)
	SNIPPET(0, addb %ch, M)
	SNIPPET(0, xchgb %dh, M)

	SNIPPET(0, movzbw M, %dx)
	SNIPPET(0, movzbl M, %edx)
	SNIPPET(0, movzwl M, %edx)
	SNIPPET(0, movsbw M, %dx)
	SNIPPET(0, movsbl M, %edx)
	SNIPPET(0, movswl M, %edx)
	SNIPPET(0, movnti %edx, M)

#if BITS == 64
	EACH_WIDE_SIZE(q, %rax, %rdx, 0x12345678)
	SNIPPET(0, movzbq M, %rdx)
	SNIPPET(0, movzwq M, %rdx)
	SNIPPET(0, movsbq M, %rdx)
	SNIPPET(0, movswq M, %rdx)
	SNIPPET(0, movslq M, %rdx)
	SNIPPET(0, movnti %rdx, M)
	SNIPPET(0, movq $-5, M)
	/* Registers that need REX, or are other ones with it */
	SNIPPET(0, movb %r9b, M)
	SNIPPET(0, movb %sil, M)
	SNIPPET(0, movb M, %dil)
	SNIPPET(0, movq %r15, M)
	SNIPPET(0, movl M, %r11d)
	/* Forms of address; FS begins at 40H. */
	SNIPPET(0, movl %eax, 8(%rbx, %rcx, 4))
	SNIPPET(0, movl -4(%rbx, %rcx, 2), %eax)
	SNIPPET(0, movl %edx, (%r12))
	SNIPPET(0, movl %edx, (%r13))
	SNIPPET(0, movl %r10d, %fs:M)
	SNIPPET(0, addr32 movl %eax, (%ebx))
	SNIPPET(0, movabsl 0x200100, %eax)
	SNIPPET(0, movabsb %al, 0x200101)
	SNIPPET(0, movabsq %rax, 0x200108)
	SNIPPET(0, movl %eax, 0x1f0140(%rip))
#else
	SNIPPET(0, movb %al, 0x101)
	SNIPPET(0, movw %ax, %es:0x104)
	SNIPPET(0, movl %eax, 4(%ebx, %ecx, 4))
#endif
#if BITS == 32
	SNIPPET(0, movl 0x100, %eax)
	SNIPPET(0, movl %eax, 0x10(, %ecx, 8))
#elif BITS == 16
	SNIPPET(0, movw 0x100, %ax)
	SNIPPET(0, movw %ax, 2(%bx, %si))
	SNIPPET(0, movw %ax, -2(%bx, %di))
	SNIPPET(0, movw 0x120(%si), %dx)
	SNIPPET(0, addr32 movb %al, (%ebx))
#endif

#undef AF
#undef BIT_TEST
#undef BINARY
#undef BINARY_LOCKED
#undef STRING
#undef EACH_SIZE
#undef EACH_WIDE_SIZE
