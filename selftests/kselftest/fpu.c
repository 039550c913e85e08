// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, SSE and AVX state: the guest's lives through exits, and the host's
 * through the guest
 */
#include <string.h>

#include "test.h"

#define XCR0_X87	BIT(0)
#define XCR0_SSE	BIT(1)
#define XCR0_AVX	BIT(2)

FIXTURE(fpu) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(fpu)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(fpu)
{
	vm_close(self->vm);
}

static u64 xgetbv(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

static bool host_has_avx(void)
{
	struct cpuid r = cpuid(1, 0);

	return (r.ecx & BIT(27)) && (xgetbv() & XCR0_AVX);
}

#define guest_try_xsetbv(index, value) \
	guest_try("xsetbv", : : "c"(index), "a"((u32)(value)), "d"((u32)((value) >> 32)) : "memory")

static void guest_xsetbv(void)
{
	u64 offered;

	GUEST_ASSERT_EQ(VECTOR_UD, guest_try_xsetbv(0, XCR0_X87));
	write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
	offered = cpuid(0xd, 0).eax;
	GUEST_ASSERT_EQ(XCR0_X87, xgetbv());
	/* The size of what is enabled, and of all that there is (SDM 1 13.2) */
	GUEST_ASSERT_EQ(576, cpuid(0xd, 0).ebx);
	GUEST_ASSERT(cpuid(0xd, 0).ecx >= 576);

	GUEST_ASSERT_EQ(NO_FAULT, guest_try_xsetbv(0, XCR0_X87 | XCR0_SSE));
	GUEST_ASSERT_EQ(XCR0_X87 | XCR0_SSE, xgetbv());
	if (offered & XCR0_AVX) {
		GUEST_ASSERT_EQ(NO_FAULT, guest_try_xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX));
		GUEST_ASSERT_EQ(XCR0_X87 | XCR0_SSE | XCR0_AVX, xgetbv());
		GUEST_ASSERT_EQ(576 + 256, cpuid(0xd, 0).ebx);
		GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(0, XCR0_X87 | XCR0_AVX));
	}
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(0, 0ULL));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(0, XCR0_SSE));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(0, XCR0_X87 | BIT(62)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(0, XCR0_X87 | (~offered & BIT(8))));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_xsetbv(1, XCR0_X87));
	GUEST_ASSERT_EQ(offered & XCR0_AVX ? 7 : 3, xgetbv());
}

TEST_F(fpu, xsetbv)
{
	struct lhv_xcrs xcrs;

	if (!(cpuid(1, 0).ecx & BIT(26)))
		SKIP(return, "no XSAVE here");
	vcpu_set_long(self->vcpu, guest_xsetbv, 0, 0);
	vcpu_run_to_done(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_XCRS, &xcrs, sizeof(xcrs));
	EXPECT_EQ(host_has_avx() ? 7 : 3, xcrs.xcr0);
}

/* ---- registers --------------------------------------------------------------- */

/* All 16 registers, 32 bytes each, from and to memory; 16 bytes each without AVX. */
#define LOAD_YMM(n)	"vmovdqu 32*" #n "(%0), %%ymm" #n "\n\t"
#define STORE_YMM(n)	"vmovdqu %%ymm" #n ", 32*" #n "(%0)\n\t"
#define LOAD_XMM(n)	"movdqu 32*" #n "(%0), %%xmm" #n "\n\t"
#define STORE_XMM(n)	"movdqu %%xmm" #n ", 32*" #n "(%0)\n\t"
#define ALL(what)	what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) \
			what(8) what(9) what(10) what(11) what(12) what(13) what(14) what(15)

struct vectors {
	u64 word[16][4];
};

static void fill(struct vectors *v, u64 seed)
{
	int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 4; j++)
			v->word[i][j] = seed * (4 * i + j + 1);
}

static void load(const struct vectors *v, bool avx)
{
	if (avx)
		asm volatile(ALL(LOAD_YMM) : : "r"(v) : "memory");
	else
		asm volatile(ALL(LOAD_XMM) : : "r"(v) : "memory");
}

static void store(struct vectors *v, bool avx)
{
	if (avx)
		asm volatile(ALL(STORE_YMM) : : "r"(v) : "memory");
	else
		asm volatile(ALL(STORE_XMM) : : "r"(v) : "memory");
}

/* How many of the registers' words differ. */
static int differences(const struct vectors *a, const struct vectors *b, bool avx)
{
	int i, j, n = 0;

	for (i = 0; i < 16; i++)
		for (j = 0; j < (avx ? 4 : 2); j++)
			n += a->word[i][j] != b->word[i][j];
	return n;
}

#define ROUNDS		8

static void guest_vectors(u64 avx, u64 seed)
{
	static struct vectors mine[2], seen[2];
	u32 id = guest_cpu()->id;
	u32 mxcsr = 0x1f80 | id << 13;
	u16 control = 0x37f - (id << 8), now;
	u64 i;

	if (avx) {
		write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
		GUEST_ASSERT_EQ(NO_FAULT, guest_try_xsetbv(0, 7ULL));
	}
	asm volatile("fninit; fldcw %0; fldpi" : : "m"(control));
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	for (i = 0; i < ROUNDS; i++) {
		fill(&mine[id], seed + i);
		load(&mine[id], avx);
		/* Inside the kernel, and out to userspace */
		cpuid(0, 0);
		outl(0x10, i);
		store(&seen[id], avx);
		GUEST_ASSERT_EQ(0, differences(&mine[id], &seen[id], avx));
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		GUEST_ASSERT_EQ(0x1f80 | id << 13, mxcsr);
		asm volatile("fnstcw %0" : "=m"(now));
		GUEST_ASSERT_EQ(control, now);
	}
}

static u16 fpu_control(void)
{
	u16 control;

	asm volatile("fnstcw %0" : "=m"(control));
	return control;
}

static u32 get_mxcsr(void)
{
	u32 mxcsr;

	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	return mxcsr;
}

static void run_two(struct __test_metadata *_metadata, struct vcpu *vcpu, bool avx)
{
	struct vcpu *other = vcpu_start(vcpu->vm, 1, guest_vectors, avx, 0x1111111111111111);
	struct vectors mine, seen;
	u32 mxcsr = get_mxcsr();
	u16 control = fpu_control();
	u64 i;

	vcpu_set_long(vcpu, guest_vectors, avx, 0x2222222222222222);
	for (i = 0; i < ROUNDS; i++) {
		vcpu_run_to_out(vcpu, 0x10, 4, i);
		vcpu_run_to_out(other, 0x10, 4, i);
	}
	vcpu_run_to_done(vcpu);
	vcpu_set_long(vcpu, guest_vectors, avx, 0x3333333333333333);
	for (i = 0; i < ROUNDS; i++) {
		fill(&mine, 0x0123456789abcdef + i);
		load(&mine, avx);
		lhv_run(vcpu->fd);
		store(&seen, avx);
		EXPECT_EQ(0, differences(&mine, &seen, avx));
		EXPECT_EQ(mxcsr, get_mxcsr());
		EXPECT_EQ(control, fpu_control());
		if (*(u32 *)vcpu->run->data != i)
			FAIL("round %llu: %s", i, vcpu_describe(vcpu));
	}
	vcpu_run_to_done(vcpu);
	vcpu_run_to_done(other);
}

TEST_F(fpu, sse_registers)
{
	run_two(_metadata, self->vcpu, false);
}

TEST_F(fpu, avx_registers)
{
	if (!host_has_avx())
		SKIP(return, "no AVX here");
	run_two(_metadata, self->vcpu, true);
}

/* The guest runs with less than the host enables, and the host keeps its own. */
static void guest_x87_only(void)
{
	write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_xsetbv(0, 1ULL));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vpxor %%ymm0, %%ymm0, %%ymm0", : : : "memory"));
	outl(0x10, 0);
	GUEST_ASSERT_EQ(XCR0_X87, xgetbv());
}

TEST_F(fpu, fewer_features_than_the_host)
{
	struct vectors mine, seen;
	u64 xcr0;

	if (!host_has_avx())
		SKIP(return, "no AVX here");
	xcr0 = xgetbv();
	vcpu_set_long(self->vcpu, guest_x87_only, 0, 0);
	fill(&mine, 0x77);
	load(&mine, true);
	vcpu_run_to_out(self->vcpu, 0x10, 4, 0);
	store(&seen, true);
	EXPECT_EQ(0, differences(&mine, &seen, true));
	EXPECT_EQ(xcr0, xgetbv());
	vcpu_run_to_done(self->vcpu);
}

/* The guest's own XSAVE and XRSTOR, with an exit in between. */
static u8 xsave_area[4096] __attribute__((aligned(64)));

static void guest_xsave(void)
{
	static struct vectors mine, seen;

	write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_xsetbv(0, 7ULL));
	fill(&mine, 0x99);
	load(&mine, true);
	asm volatile("xsave64 (%0)" : : "r"(xsave_area), "a"(7), "d"(0) : "memory");
	fill(&seen, 0x55);
	load(&seen, true);
	outl(0x10, 0);
	asm volatile("xrstor64 (%0)" : : "r"(xsave_area), "a"(7), "d"(0) : "memory");
	store(&seen, true);
	GUEST_ASSERT_EQ(0, differences(&mine, &seen, true));
	GUEST_ASSERT_EQ(6, *(u64 *)(xsave_area + 512) & 6);
}

TEST_F(fpu, xsave_in_the_guest)
{
	if (!host_has_avx())
		SKIP(return, "no AVX here");
	vcpu_set_long(self->vcpu, guest_xsave, 0, 0);
	vcpu_run_to_out(self->vcpu, 0x10, 4, 0);
	vcpu_run_to_done(self->vcpu);
}

TEST_HARNESS_MAIN
