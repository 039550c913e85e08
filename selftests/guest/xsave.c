// SPDX-License-Identifier: GPL-2.0-only
/*
 * XSAVE-managed state (SDM 1 chapter 13)
 */
#include <string.h>

#include "rings.h"

#define XCR0_X87	BIT(0)
#define XCR0_SSE	BIT(1)
#define XCR0_AVX	BIT(2)
#define XCR0_MPX	(BIT(3) | BIT(4))
#define XCR0_AVX512	(BIT(5) | BIT(6) | BIT(7))

#define XSTATE_BV	512	/* offset of the header */
#define XCOMP_BV	520
#define MXCSR		24
#define XMM0		160

static u8 area[8192] __attribute__((aligned(64)));
static u8 other[8192] __attribute__((aligned(64)));

static u64 xgetbv(u32 index)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return low | (u64)high << 32;
}

static u64 xsetbv(u32 index, u64 value)
{
	return attempt("xsetbv", : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
		       : "memory");
}

static void xsave(void *to, u64 mask)
{
	asm volatile("xsave64 (%0)" : : "r"(to), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}

static u64 xrstor(const void *from, u64 mask)
{
	return attempt("xrstor64 (%0)", : : "r"(from), "a"((u32)mask), "d"((u32)(mask >> 32))
		       : "memory");
}

static u64 field(const u8 *from, u32 offset)
{
	return *(const volatile u64 *)(const void *)(from + offset);
}

static void set_field(u8 *to, u32 offset, u64 value)
{
	*(volatile u64 *)(void *)(to + offset) = value;
}

static u64 user_xsetbv(u64 value)
{
	return xsetbv(0, value);
}

static void without_osxsave(void)
{
	check("XGETBV without OSXSAVE", FAULT_UD,
	      attempt("xgetbv", : : "c"(0) : "rax", "rdx", "memory"));
	check("XSETBV without OSXSAVE", FAULT_UD, xsetbv(0, 1));
	check("XSAVE without OSXSAVE", FAULT_UD,
	      attempt("xsave64 (%0)", : : "r"(area), "a"(3), "d"(0) : "memory"));
	check("XRSTOR without OSXSAVE", FAULT_UD, xrstor(area, 3));
}

/* SDM 1 13.3: which values XCR0 takes */
static void xcr0(u64 supported)
{
	struct cpuid leaf;

	check("XCR0 after reset", XCR0_X87, xgetbv(0));
	check_true("x87 and SSE are supported", (supported & 3) == 3);
	check("XCR0 0", FAULT_GP, xsetbv(0, 0));
	check("XCR0 without x87", FAULT_GP, xsetbv(0, XCR0_SSE));
	check("XCR0, x87 and SSE", NO_FAULT, xsetbv(0, XCR0_X87 | XCR0_SSE));
	check("XCR0 reads back", XCR0_X87 | XCR0_SSE, xgetbv(0));
	check("AVX without SSE", FAULT_GP, xsetbv(0, XCR0_X87 | XCR0_AVX));
	check("half of MPX", FAULT_GP, xsetbv(0, XCR0_X87 | XCR0_SSE | BIT(3)));
	check("a part of AVX-512", FAULT_GP,
	      xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX | BIT(5)));
	check("AVX-512 without AVX", FAULT_GP, xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX512));
	check("XCR0's bit 63", FAULT_GP, xsetbv(0, supported | BIT(63)));
	check("all that is supported", NO_FAULT, xsetbv(0, supported));
	check("and what isn't", FAULT_GP, xsetbv(0, supported | BIT(40)));
	check("another XCR", FAULT_GP, xsetbv(2, 1));
	leaf = cpuid(0xd, 0);
	check("leaf 0DH's sizes agree when all is on", leaf.ecx, leaf.ebx);
	xsetbv(0, XCR0_X87 | XCR0_SSE);
	check("leaf 0DH's size with x87 and SSE", 576, cpuid(0xd, 0).ebx);
	check("leaf 0DH's largest size stays", leaf.ecx, cpuid(0xd, 0).ecx);
	if (supported & XCR0_AVX) {
		check("AVX state's offset and size", 576ULL << 32 | 256,
		      (u64)cpuid(0xd, 2).ebx << 32 | cpuid(0xd, 2).eax);
		xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX);
		check("leaf 0DH's size with AVX", 832, cpuid(0xd, 0).ebx);
	} else {
		check_skip("AVX state's offset and size", "no AVX");
		check_skip("leaf 0DH's size with AVX", "no AVX");
	}
	user_memory(true);
	check("XSETBV in ring 3", FAULT_GP, user_call(user_xsetbv, 3));
	user_memory(false);
	xsetbv(0, supported);
}

/* State goes out and comes back; what isn't in the mask stays. */
static void round_trip(void)
{
	const u64 pattern = 0x1122334455667788;

	memset(area, 0, sizeof(area));
	asm volatile("movq %0, %%xmm0; fninit; fld1" : : "r"(pattern));
	xsave(area, XCR0_X87 | XCR0_SSE);
	check("XSAVE says what it saved", 3, field(area, XSTATE_BV) & 3);
	check("XSAVE, XMM0", pattern, field(area, XMM0));
	check("XSAVE, MXCSR", 0x1f80, field(area, MXCSR) & 0xffffffff);
	check("XSAVE, the x87's top", 7, field(area, 0) >> 27 & 7);
	asm volatile("movq %0, %%xmm0" : : "r"(~pattern));
	check("XRSTOR", NO_FAULT, xrstor(area, XCR0_X87 | XCR0_SSE));
	xsave(other, XCR0_SSE);
	check("XRSTOR brings XMM0 back", pattern, field(other, XMM0));
	asm volatile("movq %0, %%xmm0" : : "r"(~pattern));
	xrstor(area, XCR0_X87);
	xsave(other, XCR0_SSE);
	check("XRSTOR of x87 leaves XMM0", ~pattern, field(other, XMM0));
	set_field(area, XSTATE_BV, XCR0_X87);
	xrstor(area, XCR0_X87 | XCR0_SSE);
	xsave(other, XCR0_SSE);
	check("XRSTOR of what isn't in the header initializes it", 0, field(other, XMM0));
	asm volatile("fninit" : : : "memory");
}

static void refused(u64 supported)
{
	memset(area, 0, sizeof(area));
	xsave(area, XCR0_X87 | XCR0_SSE);
	check("XSAVE that isn't aligned", FAULT_GP,
	      attempt("xsave64 (%0)", : : "r"(area + 16), "a"(3), "d"(0) : "memory"));
	set_field(area, XSTATE_BV, BIT(50));
	check("XRSTOR of a state that XCR0 lacks", FAULT_GP, xrstor(area, supported));
	set_field(area, XSTATE_BV, 0);
	set_field(area, XCOMP_BV, 1);
	check("XRSTOR with a reserved header byte", FAULT_GP, xrstor(area, supported));
	set_field(area, XCOMP_BV, 0);
	set_field(area, XSTATE_BV, XCR0_SSE);
	set_field(area, MXCSR, BIT(16) | 0xffffULL << 32);
	check("XRSTOR of a reserved MXCSR bit", FAULT_GP, xrstor(area, supported));
	write_register(cr0, read_register(cr0) | CR0_TS);
	check("XSAVE with TS", FAULT_NM,
	      attempt("xsave64 (%0)", : : "r"(area), "a"(3), "d"(0) : "memory"));
	check("XSETBV with TS", NO_FAULT, xsetbv(0, supported));
	asm volatile("clts");
}

static void avx(u64 supported)
{
	u64 upper = XCR0_AVX;

	if (!(supported & XCR0_AVX)) {
		check_skip("AVX", "the CPU has none");
		return;
	}
	check("AVX", NO_FAULT, attempt("vzeroupper", : : : "memory"));
	xsetbv(0, XCR0_X87 | XCR0_SSE);
	check("AVX without its state in XCR0", FAULT_UD, attempt("vzeroupper", : : : "memory"));
	xsetbv(0, supported);
	write_register(cr0, read_register(cr0) | CR0_TS);
	check("AVX with TS", FAULT_NM, attempt("vzeroupper", : : : "memory"));
	asm volatile("clts");
	memset(area, 0, sizeof(area));
	asm volatile("movq %0, %%xmm1; vinsertf128 $1, %%xmm1, %%ymm1, %%ymm1" : : "r"(0x123ULL));
	xsave(area, XCR0_X87 | XCR0_SSE | upper);
	check("the upper half of YMM1 is saved", 0x123, field(area, 576 + 16));
	asm volatile("vzeroupper");
	xrstor(area, XCR0_X87 | XCR0_SSE | upper);
	xsave(other, upper);
	check("and restored", 0x123, field(other, 576 + 16));
	if (cpuid(0xd, 1).eax & BIT(0)) {
		asm volatile("vzeroall");
		memset(other, 0xff, XSTATE_BV);
		memset(other + XSTATE_BV, 0, 64);
		asm volatile("xsaveopt64 (%0)" : : "r"(other), "a"(4), "d"(0) : "memory");
		check("XSAVEOPT knows what is in its initial state", 0,
		      field(other, XSTATE_BV) & XCR0_AVX);
	} else {
		check_skip("XSAVEOPT knows what is in its initial state", "no XSAVEOPT");
	}
}

void payload(void)
{
	u64 supported;

	if (!cpu_has(FEATURE_XSAVE)) {
		check_skip("XSAVE", "the CPU has none");
		return;
	}
	without_osxsave();
	write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
	supported = cpuid(0xd, 0).eax | (u64)cpuid(0xd, 0).edx << 32;
	xcr0(supported);
	round_trip();
	refused(supported);
	avx(supported);
}
