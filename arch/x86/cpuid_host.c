// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID that lhv offers on this host: the host's own features as far as
 * its kernel uses them and lhv handles them, and what lhv adds
 */
#include <linux/err.h>
#include <linux/gcd.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xstate.h>
#include <asm/fpu/xcr.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include <asm/vmx.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

#define MAX_BASIC		0x16
#define MAX_EXTENDED		0x80000008
#define LHV_SIGNATURE		0x40000100

/* States of XCR0 that need no more than the kernel's own switching of the FPU. */
#define XCR0_OFFERED		(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | \
				 XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

#define VIRT_BITS		48	/* no LA57 */
#define BUS_MHZ			100	/* leaf 0x16; informational */

static struct lhv_cpuid *host_cpuid;

/* One bit of a feature word; the build fails if it belongs to another word. */
#define F(word, name)							\
	(BIT(X86_FEATURE_##name % 32) +					\
	 BUILD_BUG_ON_ZERO(X86_FEATURE_##name / 32 != (word)))

#define F_1C(name)	F(CPUID_1_ECX, name)
#define F_1D(name)	F(CPUID_1_EDX, name)
#define F_7B(name)	F(CPUID_7_0_EBX, name)
#define F_7C(name)	F(CPUID_7_ECX, name)
#define F_7D(name)	F(CPUID_7_EDX, name)
#define F_D1(name)	F(CPUID_D_1_EAX, name)
#define F_8C(name)	F(CPUID_8000_0001_ECX, name)
#define F_8D(name)	F(CPUID_8000_0001_EDX, name)

/*
 * Feature words. @pass: features that work in a guest as they do on the host,
 * offered if the CPU has them and the kernel didn't switch them off; what isn't
 * named here isn't offered. @add: features that lhv provides itself.
 */
static const struct {
	u8 word;
	u32 pass;
	u32 add;
} features[] = {
	{
		.word = CPUID_1_ECX,
		.pass = F_1C(XMM3) | F_1C(PCLMULQDQ) | F_1C(SSSE3) | F_1C(FMA) | F_1C(CX16) |
			F_1C(PCID) | F_1C(XMM4_1) | F_1C(XMM4_2) | F_1C(MOVBE) | F_1C(POPCNT) |
			F_1C(AES) | F_1C(XSAVE) | F_1C(AVX) | F_1C(F16C) | F_1C(RDRAND),
		.add = F_1C(X2APIC) | F_1C(TSC_DEADLINE_TIMER) | F_1C(HYPERVISOR),
	},
	{
		.word = CPUID_1_EDX,
		.pass = F_1D(FPU) | F_1D(VME) | F_1D(DE) | F_1D(PSE) | F_1D(TSC) | F_1D(MSR) |
			F_1D(PAE) | F_1D(CX8) | F_1D(SEP) | F_1D(PGE) | F_1D(CMOV) |
			F_1D(PAT) | F_1D(PSE36) | F_1D(CLFLUSH) | F_1D(MMX) | F_1D(FXSR) |
			F_1D(XMM) | F_1D(XMM2) | F_1D(SELFSNOOP),
		.add = F_1D(APIC) | F_1D(MCE) | F_1D(MCA) | F_1D(MTRR),
	},
	{
		.word = CPUID_7_0_EBX,
		.pass = F_7B(FSGSBASE) | F_7B(BMI1) | F_7B(AVX2) | F_7B(FDP_EXCPTN_ONLY) |
			F_7B(SMEP) | F_7B(BMI2) | F_7B(ERMS) | F_7B(INVPCID) |
			F_7B(ZERO_FCS_FDS) | F_7B(AVX512F) | F_7B(AVX512DQ) | F_7B(RDSEED) |
			F_7B(ADX) | F_7B(SMAP) | F_7B(AVX512IFMA) | F_7B(CLFLUSHOPT) |
			F_7B(CLWB) | F_7B(AVX512PF) | F_7B(AVX512ER) | F_7B(AVX512CD) |
			F_7B(SHA_NI) | F_7B(AVX512BW) | F_7B(AVX512VL),
		.add = F_7B(TSC_ADJUST),
	},
	{
		.word = CPUID_7_ECX,
		.pass = F_7C(AVX512VBMI) | F_7C(UMIP) | F_7C(AVX512_VBMI2) | F_7C(GFNI) |
			F_7C(VAES) | F_7C(VPCLMULQDQ) | F_7C(AVX512_VNNI) |
			F_7C(AVX512_BITALG) | F_7C(AVX512_VPOPCNTDQ) | F_7C(RDPID) |
			F_7C(CLDEMOTE) | F_7C(MOVDIRI) | F_7C(MOVDIR64B),
	},
	{
		.word = CPUID_7_EDX,
		.pass = F_7D(AVX512_4VNNIW) | F_7D(AVX512_4FMAPS) | F_7D(FSRM) |
			F_7D(AVX512_VP2INTERSECT) | F_7D(MD_CLEAR) | F_7D(SERIALIZE) |
			F_7D(AVX512_FP16),
	},
	{
		/* The last three: fast zero-length REP MOVSB, short REP STOSB and CMPSB */
		.word = CPUID_7_1_EAX,
		.pass = F(CPUID_7_1_EAX, AVX_VNNI) | F(CPUID_7_1_EAX, AVX512_BF16) |
			BIT(10) | BIT(11) | BIT(12),
	},
	{
		.word = CPUID_D_1_EAX,
		.pass = F_D1(XSAVEOPT) | F_D1(XSAVEC) | F_D1(XGETBV1),
	},
	{
		.word = CPUID_8000_0001_ECX,
		.pass = F_8C(LAHF_LM) | F_8C(ABM) | F_8C(3DNOWPREFETCH),
	},
	{
		.word = CPUID_8000_0001_EDX,
		.pass = F_8D(SYSCALL) | F_8D(NX) | F_8D(GBPAGES) | F_8D(RDTSCP) | F_8D(LM),
	},
};

/* Features that #UD in a guest without this secondary control. */
static const struct {
	unsigned int feature;
	u32 control;
} needs_control[] = {
	{ X86_FEATURE_INVPCID, SECONDARY_EXEC_ENABLE_INVPCID },
	{ X86_FEATURE_RDTSCP, SECONDARY_EXEC_ENABLE_RDTSCP },
	{ X86_FEATURE_RDPID, SECONDARY_EXEC_ENABLE_RDTSCP },
};

/* The table while it is made. */
struct rows {
	struct lhv_cpuid_entry entries[LHV_MAX_CPUID_ENTRIES];
	u32 count;
};

static struct lhv_cpuid_entry *add_row(struct rows *rows, u32 function)
{
	struct lhv_cpuid_entry *e;

	/* The last one is overwritten; never seen: some 50 are in use. */
	if (WARN_ON_ONCE(rows->count == LHV_MAX_CPUID_ENTRIES))
		rows->count--;
	e = &rows->entries[rows->count++];
	*e = (struct lhv_cpuid_entry){ .function = function };
	return e;
}

static struct lhv_cpuid_entry *add_indexed(struct rows *rows, u32 function, u32 index)
{
	struct lhv_cpuid_entry *e = add_row(rows, function);

	e->index = index;
	e->flags = LHV_CPUID_INDEXED;
	return e;
}

/* The host's answer, or zeros if the leaf is beyond its largest. */
static void read_host(struct lhv_cpuid_entry *e)
{
	u32 max = cpuid_eax(e->function & BIT(31));

	if (e->function <= max)
		cpuid_count(e->function, e->index, &e->eax, &e->ebx, &e->ecx, &e->edx);
}

static void set_registers(struct lhv_cpuid_entry *e, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	e->eax = eax;
	e->ebx = ebx;
	e->ecx = ecx;
	e->edx = edx;
}

static void set_signature(struct lhv_cpuid_entry *e, u32 max, const char signature[12])
{
	e->eax = max;
	memcpy(&e->ebx, signature, 4);
	memcpy(&e->ecx, signature + 4, 4);
	memcpy(&e->edx, signature + 8, 4);
}

static bool control_missing(unsigned int feature)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(needs_control); i++)
		if (needs_control[i].feature == feature)
			return !(lhv_vmx_caps.cpu2 & needs_control[i].control);
	return false;
}

/* Put the offered features of one word into its row. */
static void add_features(struct rows *rows, u8 word, u32 pass, u32 add)
{
	const struct lhv_cpuid_word *w = lhv_cpuid_word(word);
	struct lhv_cpuid_entry host;
	u32 i, bits;
	int bit;

	for (i = 0; i < rows->count; i++)
		if (rows->entries[i].function == w->function &&
		    rows->entries[i].index == w->index)
			break;
	if (i == rows->count)
		return;
	host = rows->entries[i];
	read_host(&host);
	bits = pass & *lhv_cpuid_register(&host, w) & boot_cpu_data.x86_capability[word];
	for (bit = 0; bit < 32; bit++)
		if ((bits & BIT(bit)) && control_missing(word * 32 + bit))
			bits &= ~BIT(bit);
	*lhv_cpuid_register(&rows->entries[i], w) = bits | add;
}

static void add_basic(struct rows *rows)
{
	struct lhv_cpuid_entry *e, host = { .function = 1 };

	e = add_row(rows, 0);
	read_host(e);
	e->eax = MAX_BASIC;

	/* Family and model; CLFLUSH line size, one logical processor */
	read_host(&host);
	e = add_row(rows, 1);
	set_registers(e, host.eax, (host.ebx & 0xff00) | BIT(16), 0, 0);

	read_host(add_row(rows, 2));
	set_registers(add_row(rows, 6), BIT(X86_FEATURE_ARAT % 32), 0, 0, 0);
	set_registers(add_indexed(rows, 7, 0), 1, 0, 0, 0);
	add_indexed(rows, 7, 1);
}

/* Deterministic cache parameters, without who shares the cache. */
static void add_caches(struct rows *rows)
{
	struct lhv_cpuid_entry *e;
	u32 i;

	for (i = 0; i < 8; i++) {
		e = add_indexed(rows, 4, i);
		read_host(e);
		e->eax &= GENMASK(13, 0);
		if (!(e->eax & GENMASK(4, 0)))
			break;
	}
}

/*
 * Each vCPU is a package of one core with one thread, until the VMM says
 * otherwise. The levels' types are 1, thread, and 2, core.
 */
static void add_topology(struct rows *rows)
{
	set_registers(add_indexed(rows, 0xb, 0), 0, 1, 0 | 1 << 8, 0);
	set_registers(add_indexed(rows, 0xb, 1), 0, 1, 1 | 2 << 8, 0);
}

static void add_xstate(struct rows *rows)
{
	struct lhv_cpuid_entry *e, *main;
	u32 size = FXSAVE_SIZE + XSAVE_HDR_SIZE;
	u64 xcr0;
	int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) & XCR0_OFFERED;
	main = add_indexed(rows, 0xd, 0);
	add_indexed(rows, 0xd, 1);
	for (i = 2; i < 64; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = add_indexed(rows, 0xd, i);
		read_host(e);
		size = max(size, e->ebx + e->eax);
	}
	/* EBX, the size for XCR0 as it is, is told by the instruction. */
	set_registers(main, xcr0, 0, size, xcr0 >> 32);
}

/*
 * The crystal of leaf 0x15 is the APIC timer's clock, so that a guest needs to
 * calibrate neither that nor the TSC.
 */
static void add_clocks(struct rows *rows)
{
	u32 crystal = LHV_APIC_TIMER_KHZ;
	u32 divisor = gcd(tsc_khz, crystal);

	/* In Hz it may need more than 32 bits; then guests must calibrate. */
	if (crystal <= U32_MAX / 1000)
		set_registers(add_row(rows, 0x15), crystal / divisor,
			      tsc_khz / divisor, crystal * 1000, 0);
	set_registers(add_row(rows, 0x16), tsc_khz / 1000, tsc_khz / 1000, BUS_MHZ, 0);
}

/* KVM's interface as far as lhv has it (DESIGN: guests find what they know), and lhv's own. */
static void add_hypervisor(struct rows *rows)
{
	set_signature(add_row(rows, KVM_CPUID_SIGNATURE), KVM_CPUID_FEATURES, KVM_SIGNATURE);
	set_registers(add_row(rows, KVM_CPUID_FEATURES), BIT(KVM_FEATURE_NOP_IO_DELAY), 0, 0, 0);
	set_signature(add_row(rows, LHV_SIGNATURE), LHV_SIGNATURE + 1, "lhv\0\0\0\0\0\0\0\0");
	set_registers(add_row(rows, LHV_SIGNATURE + 1), LHV_API_VERSION, 0, 0, 0);
}

static void add_extended(struct rows *rows)
{
	u32 function;
	u32 invariant_tsc;

	add_row(rows, 0x80000000)->eax = MAX_EXTENDED;
	add_row(rows, 0x80000001);
	/* The processor's name, and its L2 cache */
	for (function = 0x80000002; function <= 0x80000004; function++)
		read_host(add_row(rows, function));
	read_host(add_row(rows, 0x80000006));

	/* A guest's TSC is the host's and an offset: as steady as the host's. */
	invariant_tsc = check_tsc_unstable() ? 0 : BIT(8);
	set_registers(add_row(rows, 0x80000007), 0, 0, 0, invariant_tsc);
	add_row(rows, 0x80000008)->eax = lhv_phys_bits() | VIRT_BITS << 8;
}

static void add_all(struct rows *rows)
{
	int i;

	add_basic(rows);
	add_caches(rows);
	add_topology(rows);
	add_xstate(rows);
	add_clocks(rows);
	add_hypervisor(rows);
	add_extended(rows);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		add_features(rows, features[i].word, features[i].pass, features[i].add);
}

int lhv_cpuid_host_init(void)
{
	struct lhv_cpuid *cpuid;
	struct rows *rows;

	rows = kzalloc(sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;
	add_all(rows);
	cpuid = lhv_cpuid_new(rows->entries, rows->count);
	kfree(rows);
	if (IS_ERR(cpuid))
		return PTR_ERR(cpuid);
	host_cpuid = cpuid;
	return 0;
}

void lhv_cpuid_host_exit(void)
{
	kfree(host_cpuid);
}

const struct lhv_cpuid *lhv_cpuid_host(void)
{
	return host_cpuid;
}

u32 lhv_arch_supported_cpuid(struct lhv_cpuid_entry *entries, u32 max)
{
	u32 n = min(max, host_cpuid->count);

	memcpy(entries, host_cpuid->entries, array_size(n, sizeof(*entries)));
	return host_cpuid->count;
}
