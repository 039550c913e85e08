// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a round leaves in registers of all kinds, and the next one finds
 */
#include "apic.h"
#include "work.h"

#define XCR0_AVX	7

#define CPUID_XSAVE	BIT(26)
#define CPUID_AVX	BIT(28)

static bool has(u64 ecx_bits)
{
	return (cpuid(1, 0).ecx & ecx_bits) == ecx_bits;
}

/* ---- x87, SSE, AVX ---------------------------------------------------------------------- */

static void xsetbv(u64 value)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static u64 xgetbv(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

/* AVX stays on in the vCPUs with an even id; in the others XCR0 changes. */
static bool keeps_avx(void)
{
	return has(CPUID_XSAVE | CPUID_AVX) && !(guest_cpu()->id & 1);
}

#define FOR_EACH_VECTOR(line)						\
	line(0) line(1) line(2) line(3) line(4) line(5) line(6) line(7)	\
	line(8) line(9) line(10) line(11) line(12) line(13) line(14) line(15)

#define LOAD_XMM(n)	"movq %0, %%xmm" #n "\n\t pshufd $" #n ", %%xmm" #n ", %%xmm" #n "\n\t"
#define STIR_XMM(n)	"paddq %%xmm0, %%xmm" #n "\n\t pshufd $0x39, %%xmm" #n ", %%xmm0\n\t"
#define STIR_YMM(n)	"vperm2f128 $1, %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n\t"
#define STORE_YMM(n)	"vmovdqu %%ymm" #n ", 32 * " #n "(%0)\n\t"

static void vectors_init(void)
{
	asm volatile(FOR_EACH_VECTOR(LOAD_XMM) : : "r"(work_random()));
	asm volatile("fninit\n\t fldpi\n\t fld1\n\t fldl2e\n\t fldln2");
	if (!has(CPUID_XSAVE))
		return;
	write_register(cr4, read_register(cr4) | BIT(18));
	xsetbv(has(CPUID_AVX) ? XCR0_AVX : 3);
}

static void mix_words(const u64 *words, u32 n)
{
	while (n--)
		work_mix(*words++);
}

/* Computes with what was left there, and with other rounding and precision. */
static void work_vectors(void)
{
	static u64 area[WORK_MAX_CPUS][64] __attribute__((aligned(64)));
	u64 *mine = area[guest_cpu()->id];
	u32 mxcsr = 0x1f80 | (work_random() & 3) << 13;
	u16 fcw = 0x37f & ~((work_random() & 3) << 8);

	asm volatile("movq %0, %%xmm0\n\t" FOR_EACH_VECTOR(STIR_XMM) : : "r"(work_random()));
	if (keeps_avx()) {
		asm volatile(FOR_EACH_VECTOR(STIR_YMM)
			     FOR_EACH_VECTOR(STORE_YMM) : : "r"(mine) : "memory");
		mix_words(mine, 64);
	}
	asm volatile("fsqrt\n\t fadd %%st(1)\n\t fxch %%st(3)\n\t fadd %%st(2)\n\t fxsave64 %0"
		     : "=m"(*(u64 (*)[64])mine));
	/* From control word to the last register; the rest is reserved. */
	mix_words(mine, (160 + 256) / 8);
	asm volatile("fldcw %0\n\t ldmxcsr %1" : : "m"(fcw), "m"(mxcsr));
	if (!has(CPUID_XSAVE))
		return;
	work_mix(xgetbv());
	if (has(CPUID_AVX) && !keeps_avx())
		xsetbv(work_random() & 1 ? XCR0_AVX : 3);
}

/* ---- MSRs ------------------------------------------------------------------------------- */

/* Each with the bits that the guest may choose. */
static const struct {
	u32 index;
	u64 bits;
	u64 fixed;
} msrs[] = {
	{ MSR_STAR, UINT64_MAX, 0 },
	{ MSR_LSTAR, BIT(47) - 1, 0 },
	{ MSR_LSTAR + 1, BIT(46) - 1, 0xffff800000000000 },	/* CSTAR */
	{ MSR_SYSCALL_MASK, UINT32_MAX, 0 },
	{ MSR_KERNEL_GS_BASE, BIT(47) - 1, 0 },
	{ MSR_FS_BASE, BIT(47) - 1, 0 },
	{ MSR_TSC_AUX, UINT32_MAX, 0 },
	{ 0x174, 0xffff, 0 },					/* SYSENTER_CS, _ESP, _EIP */
	{ 0x175, BIT(47) - 1, 0 },
	{ 0x176, BIT(47) - 1, 0 },
	{ MSR_PAT, 0x0000040000040000, 0x0007000600070006 },
	{ 0x200, 0xfffff000, 6 },				/* MTRRs */
	{ 0x201, 0xfffff800, 0 },
	{ 0x20f, 0xfffff800, 0 },
	{ 0x250, 0x0404040404040404, 0 },
	{ 0x26f, 0x0404040404040404, 0 },
	{ 0x2ff, 0xc00, 6 },
	{ MSR_EFER, EFER_SCE, EFER_LME | EFER_LMA | EFER_NX },
	{ 0x1a0, BIT(18), 0x1801 },				/* MISC_ENABLE: MONITOR */
};

static void work_msrs(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		work_mix(rdmsr(msrs[i].index));
		wrmsr(msrs[i].index, (work_random() & msrs[i].bits) | msrs[i].fixed);
	}
	work_mix(rdmsr(MSR_TSC_ADJUST));
	work_mix(rdmsr(MSR_TSC_DEADLINE));
	work_mix(rdmsr(MSR_APIC_BASE));
}

/* ---- control, debug and segment registers ----------------------------------------------- */

static void work_control_registers(void)
{
	u64 r = work_random();

	work_mix(read_register(cr0));
	work_mix(read_register(cr2));
	work_mix(read_register(cr3));
	work_mix(read_register(cr4));
	work_mix(read_register(cr8));
	write_register(cr0, (read_register(cr0) & ~(CR0_AM | CR0_WP | CR0_CD)) |
			    (r & (CR0_AM | CR0_WP | CR0_CD)));
	write_register(cr2, work_random() & (BIT(47) - 1));
	write_register(cr3, LAYOUT_PML4 | (r & (BIT(3) | BIT(4))));
	write_register(cr4, (read_register(cr4) & ~(CR4_DE | CR4_PGE)) | (r & (CR4_DE | CR4_PGE)));
	/* Below the vectors that the guest uses. */
	write_register(cr8, r & 3);
}

/* Nothing enabled, but all bits that say of what kind. */
static void work_debug_registers(void)
{
	work_mix(read_register(db0));
	work_mix(read_register(db1));
	work_mix(read_register(db2));
	work_mix(read_register(db3));
	work_mix(read_register(db6));
	work_mix(read_register(db7));
	write_register(db0, work_random());
	write_register(db1, work_random());
	write_register(db2, work_random());
	write_register(db3, work_random());
	write_register(db6, 0xffff0ff0 | (work_random() & 0xf));
	write_register(db7, 0x400 | (work_random() & 0xdddd0300));
}

static void work_segments(void)
{
	static const u16 selectors[] = { SELECTOR_DATA, SELECTOR_USER_DATA, 0, SELECTOR_DATA };
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) table;
	u32 ds, es, fs;
	u64 r = work_random();

	asm volatile("mov %%ds, %0\n\t mov %%es, %1\n\t mov %%fs, %2" : "=r"(ds), "=r"(es), "=r"(fs));
	work_mix(ds | es << 8 | (u64)fs << 16);
	asm volatile("mov %0, %%ds\n\t mov %1, %%es"
		     : : "r"((u32)selectors[r & 3]), "r"((u32)selectors[r >> 2 & 3]));
	asm volatile("mov %0, %%fs" : : "r"((u32)selectors[r >> 4 & 3]));
	/* Loading the selector took the base away. */
	wrmsr(MSR_FS_BASE, r & (BIT(47) - 1));

	asm volatile("sgdt %0" : "=m"(table));
	work_mix(table.limit ^ table.base);
	table.limit = r & BIT(6) ? 0xfff : 0x7ff;
	asm volatile("lgdt %0" : : "m"(table));
	asm volatile("sidt %0" : "=m"(table));
	work_mix(table.limit ^ table.base);
	table.limit = r & BIT(7) ? 0xfff : 0x1fff;
	asm volatile("lidt %0" : : "m"(table));
}

void work_state_init(void)
{
	vectors_init();
}

void work_state(void)
{
	work_vectors();
	work_msrs();
	work_control_registers();
	work_debug_registers();
	work_segments();
}
