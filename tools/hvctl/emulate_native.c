// SPDX-License-Identifier: GPL-2.0-only
#include "emulate_native.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emulate_impl.h"

#define ARITHMETIC_FLAGS	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define REX			0x40
#define REX_R			BIT(2)
#define REX_W			BIT(3)
#define CODE_SIZE		4096
#define CPUID1_ECX_OSXSAVE	BIT(27)

/* ---- building ---- */

/* A byte register without REX is AH, CH, DH or BH instead. */
static bool names_rsp(const struct insn *insn)
{
	bool byte = insn->size == 1 && insn->map == 0;

	if (!insn->reg_is_gpr || insn->reg != GPR_RSP)
		return false;
	/* XADD and CMPXCHG */
	if (insn->map == 1 && (insn->opcode == 0xc0 || insn->opcode == 0xb0))
		byte = true;
	return !byte || insn->rex;
}

u8 native_rsp(const struct insn *insn)
{
	return names_rsp(insn) ? GPR_RDI : GPR_NONE;
}

/* Is 66H part of the opcode, and not the operand size? */
static bool takes_66(const struct insn *insn)
{
	if (insn->fpu || (insn->map == 2 && insn->opcode == 0xf6))
		return insn->prefix_66;
	/* MOVNTI, CMPXCHG8B */
	if (insn->map == 1 && (insn->opcode == 0xc3 || insn->opcode == 0xc7))
		return false;
	return insn->op_size == 2;
}

/* Where F2H and F3H mean another instruction; elsewhere they are ignored. */
static bool takes_rep(const struct insn *insn)
{
	if (insn->fpu)
		return !insn->x87;
	if (insn->map == 1)
		return insn->prefix_rep == 0xf3 && (insn->opcode == 0xb8 || insn->opcode == 0xbc ||
						    insn->opcode == 0xbd);
	return insn->map == 2;
}

static u8 *build_legacy(const struct insn *insn, u8 reg, u8 *at)
{
	if (takes_66(insn))
		*at++ = 0x66;
	if (insn->prefix_rep && takes_rep(insn))
		*at++ = insn->prefix_rep;
	if (insn->rex)
		*at++ = REX | (insn->rex & REX_W) | (reg & 8 ? REX_R : 0);
	if (insn->map)
		*at++ = 0x0f;
	if (insn->map > 1)
		*at++ = insn->map == 2 ? 0x38 : 0x3a;
	return at;
}

/* The form of three bytes, which has room for all. X and B are inverted. */
static u8 *build_vex(const struct insn *insn, u8 reg, u8 *at)
{
	u8 prefix = insn->prefix_66 ? 1 : insn->prefix_rep == 0xf3 ? 2 : insn->prefix_rep ? 3 : 0;

	*at++ = 0xc4;
	*at++ = (reg & 8 ? 0 : 0x80) | 0x60 | insn->map;
	*at++ = (insn->rex & REX_W ? 0x80 : 0) | (~insn->vex_register & 15) << 3 |
		(insn->vex_256 ? 4 : 0) | prefix;
	return at;
}

unsigned int native_build(const struct insn *insn, u8 code[static NATIVE_CODE_MAX], u8 *base)
{
	u8 reg = insn->reg;
	u8 *at = code;

	/* RSI and RDI are no instruction's implicit operands here. */
	*base = reg == GPR_RSI ? GPR_RDI : GPR_RSI;
	if (names_rsp(insn))
		reg = native_rsp(insn);
	at = insn->vex ? build_vex(insn, reg, at) : build_legacy(insn, reg, at);
	*at++ = insn->opcode;
	*at++ = (reg & 7) << 3 | *base;
	memcpy(at, &insn->immediate, insn->immediate_size);
	at += insn->immediate_size;
	return at - code;
}

/* ---- executing ---- */

struct frame {
	u64 gpr[GPR_COUNT];
	u64 flags;
	void *code;
	void *fpu;
	u64 fpu_features;
	const void *initial_fpu;
	int vector;
};

/* What the functions of C may expect of the FPU: its initial state. */
static const struct {
	u8 legacy[24];
	u32 mxcsr;
	u8 rest[484 + 64];
} __attribute__((aligned(64))) initial_fpu = { .mxcsr = 0x1f80 };

void native_enter(struct frame *frame);
extern const char native_left[];

_Static_assert(offsetof(struct frame, flags) == 128 && offsetof(struct frame, code) == 136 &&
	       offsetof(struct frame, fpu) == 144 && offsetof(struct frame, fpu_features) == 152 &&
	       offsetof(struct frame, initial_fpu) == 160, "as native_enter() has them");

/*
 * native_enter(frame): the stack and RSP stay hvctl's, so a signal may come at
 * any time. The instruction is called; behind it is a RET. If it faults, the
 * handler goes to native_left, as if it had returned.
 */
asm(
"	.text\n"
"	.globl native_enter, native_left\n"
"	.type native_enter, @function\n"
"native_enter:\n"
"	push	%rbp\n"
"	push	%rbx\n"
"	push	%r12\n"
"	push	%r13\n"
"	push	%r14\n"
"	push	%r15\n"
"	push	%rdi\n"
"	push	136(%rdi)\n"
"	mov	144(%rdi), %rcx\n"
"	test	%rcx, %rcx\n"
"	jz	1f\n"
"	mov	152(%rdi), %eax\n"
"	xor	%edx, %edx\n"
"	xrstor64 (%rcx)\n"
"1:	push	128(%rdi)\n"
"	popfq\n"
"	mov	0(%rdi), %rax\n"
"	mov	8(%rdi), %rcx\n"
"	mov	16(%rdi), %rdx\n"
"	mov	24(%rdi), %rbx\n"
"	mov	40(%rdi), %rbp\n"
"	mov	48(%rdi), %rsi\n"
"	mov	64(%rdi), %r8\n"
"	mov	72(%rdi), %r9\n"
"	mov	80(%rdi), %r10\n"
"	mov	88(%rdi), %r11\n"
"	mov	96(%rdi), %r12\n"
"	mov	104(%rdi), %r13\n"
"	mov	112(%rdi), %r14\n"
"	mov	120(%rdi), %r15\n"
"	mov	56(%rdi), %rdi\n"
"	call	*(%rsp)\n"
"native_left:\n"
"	push	%rax\n"
"	mov	16(%rsp), %rax\n"
"	mov	%rcx, 8(%rax)\n"
"	mov	%rdx, 16(%rax)\n"
"	mov	%rbx, 24(%rax)\n"
"	mov	%rbp, 40(%rax)\n"
"	mov	%rsi, 48(%rax)\n"
"	mov	%rdi, 56(%rax)\n"
"	mov	%r8, 64(%rax)\n"
"	mov	%r9, 72(%rax)\n"
"	mov	%r10, 80(%rax)\n"
"	mov	%r11, 88(%rax)\n"
"	mov	%r12, 96(%rax)\n"
"	mov	%r13, 104(%rax)\n"
"	mov	%r14, 112(%rax)\n"
"	mov	%r15, 120(%rax)\n"
"	pop	0(%rax)\n"
"	pushfq\n"
"	pop	128(%rax)\n"
"	mov	%rax, %rdi\n"
"	mov	144(%rdi), %rcx\n"
"	test	%rcx, %rcx\n"
"	jz	1f\n"
"	mov	152(%rdi), %eax\n"
"	xor	%edx, %edx\n"
"	xsave64	(%rcx)\n"
"	mov	160(%rdi), %rcx\n"
"	xrstor64 (%rcx)\n"
"1:	add	$16, %rsp\n"
"	pop	%r15\n"
"	pop	%r14\n"
"	pop	%r13\n"
"	pop	%r12\n"
"	pop	%rbx\n"
"	pop	%rbp\n"
"	ret\n"
"	.size native_enter, . - native_enter\n"
);

static const int signals[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS };
static struct sigaction former[ARRAY_SIZE(signals)];
static __thread struct frame *current;

/* The processor's exception becomes the instruction's result. */
static void on_exception(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	size_t i;

	(void)info;
	if (current && (u64)regs[REG_RIP] - (u64)current->code < CODE_SIZE) {
		current->vector = regs[REG_TRAPNO];
		regs[REG_RIP] = (greg_t)native_left;
		regs[REG_RSP] += 8;	/* the return address */
		return;
	}
	/* Not ours: what it did before happens when it comes again. */
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (signals[i] == sig)
			sigaction(sig, &former[i], NULL);
	}
}

static void install_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_NODEFER };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, &former[i]);
}

static bool has_xsave(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	asm("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx & CPUID1_ECX_OSXSAVE;
}

static void *map_code(const u8 *code, unsigned int length)
{
	u8 *page = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, code, length);
	page[length] = 0xc3;	/* RET */
	if (mprotect(page, CODE_SIZE, PROT_READ | PROT_EXEC)) {
		munmap(page, CODE_SIZE);
		return NULL;
	}
	return page;
}

static void run_frame(struct frame *frame)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sigset_t open, old;
	size_t i;

	pthread_once(&once, install_handlers);
	/* An exception whose signal is blocked would end the process. */
	sigemptyset(&open);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&open, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &open, &old);
	current = frame;
	native_enter(frame);
	current = NULL;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int native_run(struct native *n, const u8 *code, unsigned int length)
{
	struct frame frame = {
		.flags = (n->flags & ARITHMETIC_FLAGS) | RFLAGS_FIXED | RFLAGS_IF,
		.fpu = n->fpu,
		.fpu_features = n->fpu_features,
		.initial_fpu = &initial_fpu,
		.vector = NATIVE_OK,
	};

	if (n->fpu && !has_xsave())
		return NATIVE_FAILED;
	frame.code = map_code(code, length);
	if (!frame.code)
		return NATIVE_FAILED;
	memcpy(frame.gpr, n->gpr, sizeof(frame.gpr));
	run_frame(&frame);
	munmap(frame.code, CODE_SIZE);
	memcpy(n->gpr, frame.gpr, sizeof(n->gpr));
	n->flags = (n->flags & ~(u64)ARITHMETIC_FLAGS) | (frame.flags & ARITHMETIC_FLAGS);
	return frame.vector;
}

/* ---- for the emulator ---- */

/* x87's last instruction and operand */
struct fxsave_pointers {
	u16 control, status;
	u8 tag, reserved;
	u16 opcode;
	u64 instruction;
	u64 operand;
};

/*
 * They are those of the copy now, as far as the processor tells them: some store
 * opcode and operand only for exceptions.
 */
static void set_pointers(struct emulate *e, const struct insn *insn, const struct native *n,
			 u8 base)
{
	struct fxsave_pointers *p = e->fpu;
	u16 opcode = (insn->opcode & 7) << 8 | (insn->reg & 7) << 3;
	u8 reg = insn->reg & 7;

	/* FLDCW, FNSTCW and FNSTSW leave them. */
	if ((insn->opcode == 0xd9 && reg >= 5) || (insn->opcode == 0xdd && reg == 7))
		return;
	p->instruction = e->regs.rip;
	if (p->operand == (uintptr_t)n->data)
		p->operand = effective_address(e, insn);
	if (p->opcode == (opcode | base))
		p->opcode = opcode | insn->mod << 6 | (insn->rm & 7);
}

/* Those components that a program's vector instructions use: x87, SSE, AVX */
#define FEATURES	0x7
#define FEATURE_AVX	BIT(2)
#define FEATURES_MIN	0x3

static enum emulate_result prepare_fpu(struct emulate *e, const struct insn *insn,
				       struct native *n)
{
	if (!insn->fpu)
		return EMULATE_DONE;
	if (!e->load_fpu || !e->load_fpu(e))
		return EMULATE_UNKNOWN;
	n->fpu = e->fpu;
	n->fpu_features = (e->fpu_features & FEATURES) | FEATURES_MIN;
	if (insn->vex && !(n->fpu_features & FEATURE_AVX))
		return fault(e, VECTOR_UD);
	return EMULATE_DONE;
}

/* What has changed; of a numeric exception its flags as well. */
static void commit(struct emulate *e, const struct insn *insn, const struct native *n, u8 base,
		   int vector)
{
	u8 rsp = native_rsp(insn);
	unsigned int i;

	if (insn->fpu && (vector == NATIVE_OK || vector == VECTOR_XM)) {
		e->fpu_changed = true;
		if (insn->x87)
			set_pointers(e, insn, n, base);
	}
	if (vector != NATIVE_OK)
		return;
	if (rsp != GPR_NONE)
		e->regs.rsp = n->gpr[rsp];
	for (i = 0; i < GPR_COUNT; i++) {
		if (i != GPR_RSP && i != base && i != rsp)
			*gpr(e, i) = n->gpr[i];
	}
	e->regs.rflags = n->flags;
}

static enum emulate_result native_fault(struct emulate *e, int vector)
{
	switch (vector) {
	case VECTOR_DE:
	case VECTOR_UD:
	case VECTOR_MF:
	case VECTOR_XM:
		return fault(e, vector);
	case VECTOR_GP:
		/* The operand isn't aligned as it must be, or MXCSR has reserved bits. */
		return fault_error(e, vector, 0);
	}
	return EMULATE_UNKNOWN;
}

enum emulate_result emulate_native(struct emulate *e, const struct insn *insn)
{
	u8 buffer[64 + OPERAND_MAX] __attribute__((aligned(64))) = { 0 };
	struct native n = { .flags = e->regs.rflags };
	enum emulate_result result;
	u8 code[NATIVE_CODE_MAX], base;
	unsigned int length;
	struct operand o;
	int vector;

	result = prepare_memory(e, insn, &o);
	if (!result)
		result = prepare_fpu(e, insn, &n);
	if (result)
		return result;
	length = native_build(insn, code, &base);
	memcpy(n.gpr, &e->regs, sizeof(n.gpr));
	if (native_rsp(insn) != GPR_NONE)
		n.gpr[native_rsp(insn)] = e->regs.rsp;
	n.data = buffer + o.linear % 64;
	n.gpr[base] = (uintptr_t)n.data;
	if (insn->access & ACCESS_READ)
		operand_read(e, &o, n.data);
	vector = native_run(&n, code, length);
	if (vector == NATIVE_FAILED)
		return EMULATE_UNKNOWN;
	commit(e, insn, &n, base, vector);
	if (vector != NATIVE_OK)
		return native_fault(e, vector);
	if (insn->access & ACCESS_WRITE)
		operand_write(e, &o, n.data);
	return EMULATE_DONE;
}

/* BT, BTS, BTR, BTC: A3H, ABH, B3H, BBH are BAH /4 to /7. */
struct insn insn_bit_immediate(const struct insn *insn, unsigned int bit)
{
	struct insn immediate = *insn;

	immediate.opcode = 0xba;
	immediate.reg = 4 + (insn->opcode >> 3 & 3);
	immediate.reg_is_gpr = false;
	immediate.immediate_size = 1;
	immediate.immediate = bit;
	return immediate;
}

/*
 * With a register the bit may be far from the operand's address (SDM 2A, BT): the
 * operand is found here, and the rest is the form with an immediate.
 */
enum emulate_result emulate_bit(struct emulate *e, const struct insn *insn)
{
	unsigned int bits = 8 * insn->size;
	s64 bit = (s64)((u64)*gpr(e, insn->reg) << (64 - bits)) >> (64 - bits);
	struct insn immediate = insn_bit_immediate(insn, bit & (bits - 1));

	immediate.displacement += (bit >> (insn->size == 2 ? 4 : insn->size == 4 ? 5 : 6)) *
				  insn->size;
	return emulate_native(e, &immediate);
}
