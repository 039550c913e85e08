// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each instruction is executed as it stands, with its operand in memory, and
 * emulated, with its operand on a bus at the same address: registers, flags, FPU
 * and memory must be the same behind it.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "emulate_impl.h"
#include "emulate_native.h"
#include "emulate_rig.h"
#include "test.h"

#define ROUNDS		12
#define FXSAVE_CONTROL	0
#define FXSAVE_TAG	4
#define FXSAVE_RIP	8	/* of x87's last instruction; its operand's address follows */
#define FXSAVE_OPERAND	16
#define FXSAVE_MXCSR	24
#define FXSAVE_ST	32
#define FXSAVE_XMM	160
#define XSAVE_BV	512
#define XSAVE_YMM	576

/*
 * RBX points to the middle of the operand's page, R9 somewhat before that; RCX
 * is a small number. What else there is, is random.
 */
#define INTEGER_SNIPPETS(X) \
	X("add %eax, (%rbx)") X("add %ah, (%rbx)") X("addb %sil, 3(%rbx)") \
	X("adcw %dx, (%rbx)") X("adc (%rbx), %r14") X("sbbq $-5, (%rbx)") X("sbbb $77, (%rbx)") \
	X("or %bp, 2(%rbx)") X("and (%rbx), %dil") X("and (%rbx), %dh") X("sub (%r9,%rcx,8), %r8d") \
	X("xorl $0x12345678, 64(%rbx)") X("cmp %rsi, (%rbx)") X("cmp (%rbx), %rsi") \
	X("cmpw $0x1234, (%rbx)") X("test %esi, (%rbx)") X("testb $0x81, (%rbx)") \
	X("testw $0x8001, (%rbx)") X("testq $0x7fffffff, (%rbx)") \
	X("xchg %rsi, (%rbx)") X("xchg %dh, (%rbx)") X("xchg %cl, (%r9)") \
	X("mov %rsi, (%rbx)") X("mov %ch, (%rbx)") X("mov (%rbx), %bh") X("mov (%rbx), %sil") \
	X("movw $0x1234, 7(%rbx)") X("movq $-2, (%rbx)") X("movb $9, (%rbx,%rcx)") \
	X("incb (%rbx)") X("incq (%rbx)") X("decw (%rbx)") X("lock decl (%rbx)") \
	X("notl (%rbx)") X("lock notb (%rbx)") X("negq (%rbx)") X("lock negw (%rbx)") \
	X("lock addq $3, (%rbx)") X("lock xadd %r10, (%rbx)") X("xadd %ah, (%rbx)") \
	X("xadd %sil, (%rbx)") X("xadd %di, (%rbx)") \
	X("cmpxchg %ecx, (%rbx)") X("lock cmpxchg %rdi, (%rbx)") X("cmpxchg %dh, (%rbx)") \
	X("cmpxchg %sil, (%rbx)") X("cmpxchg8b (%r9)") X("lock cmpxchg16b (%r9)") \
	X("mulb (%rbx)") X("mulw (%rbx)") X("mull (%rbx)") X("mulq (%rbx)") \
	X("imulb (%rbx)") X("imulw (%rbx)") X("imulq (%rbx)") \
	X("imul (%rbx), %si") X("imul (%rbx), %r13") X("imul $-7, (%rbx), %edi") \
	X("imul $0x1234567, (%rbx), %rsi") X("imul $0x1234, (%rbx), %bx") \
	X("divb (%rbx)") X("divw (%rbx)") X("divl (%rbx)") X("divq (%rbx)") \
	X("idivb (%rbx)") X("idivw (%rbx)") X("idivl (%rbx)") X("idivq (%rbx)") \
	X("rolb (%rbx)") X("rorw $3, (%rbx)") X("rcll %cl, (%rbx)") X("rcrq $9, (%rbx)") \
	X("shlb %cl, (%rbx)") X("shrl (%rbx)") X("sarq $63, (%rbx)") X("sarw %cl, (%rbx)") \
	X("shld $5, %si, (%rbx)") X("shld %cl, %rdi, (%rbx)") X("shrd $17, %eax, (%rbx)") \
	X("shrd %cl, %r15, (%rbx)") \
	X("btl $5, (%rbx)") X("btsl $77, (%rbx)") X("btrw $15, (%rbx)") X("lock btcl $31, (%rbx)") \
	X("bt %ecx, (%rbx)") X("bts %r8, (%rbx)") X("btr %r11w, (%rbx)") X("btc %r8d, (%rbx)") \
	X("bsf (%rbx), %si") X("bsf (%rbx), %rax") X("bsr (%rbx), %edi") X("bsr (%rbx), %r12") \
	X("popcnt (%rbx), %rsi") X("popcnt (%rbx), %dx") X("tzcnt (%rbx), %ecx") \
	X("lzcnt (%rbx), %rdi") X("movbe (%rbx), %esi") X("movbe (%rbx), %di") \
	X("movbe %r14, (%rbx)") X("movbe %si, (%rbx)") X("crc32b (%rbx), %esi") \
	X("crc32w (%rbx), %edi") X("crc32q (%rbx), %rcx") \
	X("setc (%rbx)") X("setnle (%rbx)") X("sets (%rbx)") X("cmovo (%rbx), %si") \
	X("cmovz (%rbx), %edi") X("cmovge (%rbx), %r9") X("cmovbe (%rbx), %rax") \
	X("movzbl (%rbx), %esi") X("movzbw (%rbx), %di") X("movzwq (%rbx), %rsi") \
	X("movsbq (%rbx), %r8") X("movsbw (%rbx), %ax") X("movswl (%rbx), %edi") \
	X("movslq (%rbx), %rsi") X("movnti %edi, (%rbx)") X("movnti %r8, (%rbx)") \
	X("mov %gs:(%rbx), %eax") X("addr32 mov (%ebx), %rdx") X("xlat") \
	X("movabs 0x50002020, %al") X("movabs %rax, 0x50002020") \
	/* SIB without a base, whatever REX.B is: mov 0x50002020(,%rcx,8), %esi, or %ecx */ \
	X(".byte 0x41, 0x8b, 0x34, 0xcd; .long 0x50002020") \
	X(".byte 0x67, 0x41, 0x8b, 0x34, 0xcd; .long 0x50002020")

#define VECTOR_SNIPPETS(X) \
	X("movups %xmm3, 1(%rbx)") X("movups 1(%rbx), %xmm3") X("movupd (%rbx), %xmm13") \
	X("movaps %xmm6, (%r9)") X("movaps (%r9), %xmm6") X("movaps 8(%r9), %xmm6") \
	X("movapd %xmm4, (%r9)") X("movdqa (%r9), %xmm14") X("movdqa %xmm4, (%r9)") \
	X("movdqu %xmm4, 5(%rbx)") X("movdqu 5(%rbx), %xmm4") X("lddqu 3(%rbx), %xmm1") \
	X("movss (%rbx), %xmm2") X("movss %xmm2, (%rbx)") X("movsd (%rbx), %xmm12") \
	X("movsd %xmm12, (%rbx)") X("movlps (%rbx), %xmm0") X("movhps %xmm4, (%rbx)") \
	X("movhpd (%rbx), %xmm4") X("movlpd %xmm9, (%rbx)") X("movsldup (%r9), %xmm1") \
	X("movshdup (%r9), %xmm1") X("movddup (%rbx), %xmm1") \
	X("movntps %xmm1, (%r9)") X("movntpd %xmm1, (%r9)") X("movntdq %xmm6, (%r9)") \
	X("movntdqa (%r9), %xmm7") X("movd (%rbx), %xmm4") X("movd %xmm4, (%rbx)") \
	X("movq (%rbx), %xmm4") X("movq %xmm4, (%rbx)") X("movq (%rbx), %mm4") \
	X("movq %mm4, (%rbx)") X("movd (%rbx), %mm6") X("movd %mm6, (%rbx)") \
	X("movntq %mm2, (%rbx)") X(".byte 0x66, 0x48, 0x0f, 0x6e, 0x23") \
	X(".byte 0x66, 0x48, 0x0f, 0x7e, 0x23") \
	X("paddb (%r9), %xmm3") X("paddb (%rbx), %mm3") X("pxor (%r9), %xmm11") \
	X("punpcklbw (%rbx), %mm1") X("punpckhqdq (%r9), %xmm1") X("packuswb (%r9), %xmm5") \
	X("pshufd $0x1b, (%r9), %xmm6") X("pshufw $0x1b, (%rbx), %mm6") \
	X("pshufb (%r9), %xmm6") X("palignr $5, (%r9), %xmm4") X("pinsrw $3, (%rbx), %xmm4") \
	X("pextrb $3, %xmm4, (%rbx)") X("pextrw $3, %xmm4, (%rbx)") X("pextrd $1, %xmm6, (%rbx)") \
	X("pextrq $1, %xmm6, (%rbx)") X("pinsrb $9, (%rbx), %xmm6") X("pinsrq $0, (%rbx), %xmm6") \
	X("extractps $2, %xmm6, (%rbx)") X("insertps $0x10, (%rbx), %xmm6") \
	X("pmovsxbw (%rbx), %xmm6") X("pmovzxbq (%rbx), %xmm6") X("pmuldq (%r9), %xmm4") \
	X("ptest (%r9), %xmm4") X("pcmpestri $0x0c, (%r9), %xmm4") X("pcmpistrm $8, (%r9), %xmm4") \
	X("addps (%r9), %xmm1") X("addss (%rbx), %xmm1") X("mulpd (%r9), %xmm1") \
	X("divsd (%rbx), %xmm1") X("sqrtss (%rbx), %xmm1") X("rcpps (%r9), %xmm1") \
	X("maxps (%r9), %xmm1") X("ucomisd (%rbx), %xmm1") X("comiss (%rbx), %xmm1") \
	X("cmpneqps (%r9), %xmm1") X("shufps $0x4e, (%r9), %xmm1") X("cvtps2pd (%rbx), %xmm1") \
	X("cvtsi2sdq (%rbx), %xmm1") X("cvtsi2ssl (%rbx), %xmm1") X("cvttsd2si (%rbx), %rsi") \
	X("cvtss2si (%rbx), %edi") X("cvtpi2ps (%rbx), %xmm1") X("cvtdq2pd (%rbx), %xmm1") \
	X("cvttps2dq (%r9), %xmm1") X("haddps (%r9), %xmm1") X("roundsd $1, (%rbx), %xmm1") \
	X("flds (%rbx)") X("fldl (%rbx)") X("fldt (%rbx)") X("fsts (%rbx)") X("fstpl (%rbx)") \
	X("fstpt (%rbx)") X("filds (%rbx)") X("fildll (%rbx)") X("fistpl (%rbx)") \
	X("fisttpll (%rbx)") X("fbstp (%rbx)") X("fadds (%rbx)") X("fmull (%rbx)") \
	X("fidivs (%rbx)") X("ficoml (%rbx)") X("fnstcw (%rbx)") X("fnstsw (%rbx)") \
	X("fldcw (%rbx)") X("stmxcsr (%rbx)") X("ldmxcsr (%rbx)")

#define AVX_SNIPPETS(X) \
	X("vmovups %ymm3, 1(%rbx)") X("vmovups 1(%rbx), %ymm3") X("vmovaps (%r9), %ymm13") \
	X("vmovapd %ymm6, (%r9)") X("vmovaps 16(%r9), %ymm6") X("vmovdqa %xmm4, (%r9)") \
	X("vmovdqu 3(%rbx), %xmm12") X("vmovdqu %ymm12, 3(%rbx)") X("vmovntdq %ymm1, (%r9)") \
	X("vmovss (%rbx), %xmm1") X("vmovsd %xmm1, (%rbx)") X("vmovd (%rbx), %xmm1") \
	X("vmovq %xmm11, (%rbx)") X("vmovq (%rbx), %xmm11") X("vlddqu 1(%rbx), %ymm1") \
	X("vpaddb 1(%rbx), %xmm14, %xmm3") X("vxorps (%rbx), %ymm6, %ymm7") \
	X("vpsubq (%rbx), %xmm6, %xmm7")

#define COMPILE(text)								\
	asm(".pushsection .text\n"						\
	    "8: " text "\n"							\
	    "9: .pushsection .data.rel.ro." SECTION ", \"aw\"\n"		\
	    ".quad 8b\n"							\
	    ".quad 9b - 8b\n"							\
	    ".popsection\n"							\
	    ".popsection\n");
#define NAME(text)	text,

struct snippet {
	const u8 *code;
	u64 length;
};

#define LIST(name)								\
	asm(".pushsection .data.rel.ro." SECTION ", \"aw\"\n"		\
	    ".balign 8\n" #name ":\n"						\
	    ".popsection\n");							\
	extern const struct snippet name[]

#define SECTION "integer"
LIST(integer_snippets);
INTEGER_SNIPPETS(COMPILE)
#undef SECTION
#define SECTION "vector"
LIST(vector_snippets);
VECTOR_SNIPPETS(COMPILE)
#undef SECTION
#define SECTION "avx"
LIST(avx_snippets);
AVX_SNIPPETS(COMPILE)

static const char * const integer_names[] = { INTEGER_SNIPPETS(NAME) };
static const char * const vector_names[] = { VECTOR_SNIPPETS(NAME) };
static const char * const avx_names[] = { AVX_SNIPPETS(NAME) };

static u8 fpu_real[4096] __attribute__((aligned(64)));
static u8 fpu_emulated[4096] __attribute__((aligned(64)));

static void random_bytes(u8 *to, size_t n)
{
	while (n--)
		*to++ = test_random() >> 11;
}

/* Numbers in the registers, all exceptions masked or, sometimes, none. */
static void random_fpu(u8 *fpu, u64 features)
{
	u16 control = 0x37f;
	u32 mxcsr = test_random() & 7 ? 0x1f80 : 0;

	memset(fpu, 0, sizeof(fpu_real));
	memcpy(fpu + FXSAVE_CONTROL, &control, 2);
	memcpy(fpu + FXSAVE_MXCSR, &mxcsr, 4);
	fpu[FXSAVE_TAG] = test_random() & 1 ? 0xff : 0x3c;
	random_bytes(fpu + FXSAVE_XMM, 256);
	random_bytes(fpu + FXSAVE_ST, 128);
	for (int i = 0; i < 8; i++) {
		fpu[FXSAVE_ST + 16 * i + 7] |= 0x80;	/* normal numbers */
		memset(fpu + FXSAVE_ST + 16 * i + 10, 0, 6);
	}
	random_bytes(fpu + XSAVE_YMM, 256);
	memcpy(fpu + XSAVE_BV, &features, sizeof(features));
}

/* Numbers that a division can have, and others. */
static void random_state(struct rig *rig)
{
	struct lhv_regs *regs = &rig->e.regs;
	unsigned int i;

	random_bytes((u8 *)regs, sizeof(*regs));
	for (i = 0; i < RIG_MMIO_SIZE; i++)
		rig->device[i] = test_random() >> 13;
	regs->rflags = RFLAGS_FIXED | (regs->rflags & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF |
						       RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF));
	regs->rbx = RIG_MMIO + RIG_MMIO_SIZE / 2 + 32;
	regs->r9 = regs->rbx - 32;
	regs->rcx %= 4;
	/* Bits that are in the page */
	regs->r8 = (s64)(int)(test_random() % 8000) - 4000;
	regs->r11 = (regs->r11 & ~0xffffULL) | (u16)(test_random() % 8000 - 4000);
	if (test_random() & 1) {
		regs->rdx = 0;
		regs->rax &= 0x7f;
	}
	/* CMPXCHG that succeeds */
	if (test_random() & 1)
		memcpy(&regs->rax, rig->device + RIG_MMIO_SIZE / 2 + 32, 8);
}

/* As it stands, with the device's content in memory at the same address. */
static int run_real(struct rig *rig, const struct snippet *s, struct native *n, u8 *memory)
{
	memcpy(memory, rig->device, RIG_MMIO_SIZE);
	memcpy(n->gpr, &rig->e.regs, sizeof(n->gpr));
	n->flags = rig->e.regs.rflags;
	return native_run(n, s->code, s->length);
}

static void expect_same(struct rig *rig, const struct native *n, const u8 *memory,
			const char *name)
{
	bool same = true;
	unsigned int i;

	for (i = 0; i < GPR_COUNT; i++)
		same &= i == GPR_RSP || *gpr(&rig->e, i) == n->gpr[i];
	same &= rig->e.regs.rflags == n->flags;
	same &= !memcmp(memory, rig->device, RIG_MMIO_SIZE);
	/* The real one's was in a page of its own. */
	memset(fpu_real + FXSAVE_RIP, 0, FXSAVE_OPERAND - FXSAVE_RIP);
	memset(fpu_emulated + FXSAVE_RIP, 0, FXSAVE_OPERAND - FXSAVE_RIP);
	same &= !memcmp(fpu_real, fpu_emulated, sizeof(fpu_real));
	test_expect(same, __FILE__, __LINE__, name);
}

static void try(const struct snippet *s, const char *name, u8 *memory, u64 features)
{
	struct native n = { 0 };
	struct rig rig;
	enum emulate_result result;
	u64 rip;
	int vector;

	rig_init(&rig, 64);
	random_state(&rig);
	rip = rig.e.regs.rip;
	if (features) {
		random_fpu(fpu_real, features);
		memcpy(fpu_emulated, fpu_real, sizeof(fpu_real));
		n.fpu = fpu_real;
		n.fpu_features = features;
		rig_set_fpu(&rig, fpu_emulated, features);
	}
	vector = run_real(&rig, s, &n, memory);
	result = emulate(&rig.e, s->code, s->length);
	if (vector == NATIVE_OK) {
		test_expect(result == EMULATE_DONE, __FILE__, __LINE__, name);
		test_expect(rig.e.regs.rip == rip + s->length, __FILE__, __LINE__, name);
		expect_same(&rig, &n, memory, name);
	} else {
		test_expect(result == EMULATE_FAULT && rig.e.exception.vector == vector,
			    __FILE__, __LINE__, name);
		test_expect(rig.e.regs.rip == rip, __FILE__, __LINE__, name);
	}
	rig_destroy(&rig);
}

static void try_all(const struct snippet *snippets, const char * const *names, unsigned int count,
		    u64 features)
{
	u8 *memory = mmap((void *)RIG_MMIO, RIG_MMIO_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	unsigned int i, round;

	EXPECT(memory == (void *)RIG_MMIO);
	if (memory != (void *)RIG_MMIO)
		return;
	for (i = 0; i < count; i++) {
		for (round = 0; round < ROUNDS; round++)
			try(&snippets[i], names[i], memory, features);
	}
	munmap(memory, RIG_MMIO_SIZE);
}

static void integer_instructions(void)
{
	try_all(integer_snippets, integer_names, ARRAY_SIZE(integer_names), 0);
}

static void vector_instructions(void)
{
	try_all(vector_snippets, vector_names, ARRAY_SIZE(vector_names), 3);
}

static void avx_instructions(void)
{
	if (__builtin_cpu_supports("avx"))
		try_all(avx_snippets, avx_names, ARRAY_SIZE(avx_names), 7);
}

static const struct test_case cases[] = {
	TEST_CASE(integer_instructions), TEST_CASE(vector_instructions),
	TEST_CASE(avx_instructions),
};
TEST_SUITE(emulate_native_suite, "emulate_native", cases);
