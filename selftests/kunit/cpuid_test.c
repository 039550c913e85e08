// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: making a table, looking up, what is derived, and the supported set
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include "arch/x86/cpuid.h"
#include "hv/hv.h"

#define INDEXED(f, i, ...)	{ .function = (f), .index = (i), .flags = LHV_CPUID_INDEXED, \
				  __VA_ARGS__ }

/* Not in order. The APIC ids are wrong. */
static const struct lhv_cpuid_entry sample[] = {
	INDEXED(0xb, 1, .ecx = 0x201, .edx = 99),
	{ .function = 0x80000008, .eax = 39 | 48 << 8 },
	INDEXED(0xd, 2, .eax = 256, .ebx = 576),
	{ .function = 1, .ebx = 99 << 24 | 0x800,
	  .ecx = BIT(X86_FEATURE_XSAVE % 32) | BIT(X86_FEATURE_PCID % 32),
	  .edx = BIT(X86_FEATURE_PSE % 32) | BIT(X86_FEATURE_PAE % 32) },
	INDEXED(0xd, 0, .eax = 7, .ecx = 832),
	{ .function = 0x80000000, .eax = 0x80000008 },
	{ .function = 0, .eax = 0x16 },
	INDEXED(0xd, 1, .eax = BIT(1)),
	{ .function = 0x16, .eax = 3000 },
	INDEXED(7, 0, .ebx = BIT(X86_FEATURE_SMEP % 32)),
	INDEXED(0xb, 0, .ecx = 0x100, .edx = 99),
	{ .function = 0x40000000, .eax = 0x40000001 },
	{ .function = 0x40000001, .eax = 5 },
	{ .function = 0x40000100, .eax = 0x40000101, .ebx = 7 },
};

/* A vCPU that has nothing but CPUID. */
static struct lhv_vcpu *cpuid_vcpu(struct kunit *test)
{
	struct lhv_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu);
	vcpu->id = 5;
	vcpu->arch.xcr0 = 1;
	mutex_init(&vcpu->mutex);
	mutex_lock(&vcpu->mutex);
	test->priv = vcpu;
	return vcpu;
}

static int cpuid_test_init(struct kunit *test)
{
	return lhv_cpuid_host_init();
}

static void cpuid_test_exit(struct kunit *test)
{
	struct lhv_vcpu *vcpu = test->priv;

	if (vcpu) {
		mutex_unlock(&vcpu->mutex);
		lhv_cpuid_destroy(vcpu);
	}
	lhv_cpuid_host_exit();
}

static struct lhv_vcpu *sample_vcpu(struct kunit *test)
{
	struct lhv_vcpu *vcpu = cpuid_vcpu(test);

	KUNIT_ASSERT_EQ(test, lhv_cpuid_set(vcpu, sample, ARRAY_SIZE(sample)), 0);
	return vcpu;
}

static void cpuid_sorted(struct kunit *test)
{
	const struct lhv_cpuid *cpuid = sample_vcpu(test)->arch.cpuid;
	u32 i;

	KUNIT_ASSERT_EQ(test, cpuid->count, (u32)ARRAY_SIZE(sample));
	for (i = 1; i < cpuid->count; i++) {
		const struct lhv_cpuid_entry *a = &cpuid->entries[i - 1];
		const struct lhv_cpuid_entry *b = &cpuid->entries[i];

		KUNIT_EXPECT_TRUE(test, a->function < b->function ||
				  (a->function == b->function && a->index < b->index));
	}
}

/* Every row is found, whatever way leads there. */
static void cpuid_find_all(struct kunit *test)
{
	const struct lhv_cpuid *cpuid = sample_vcpu(test)->arch.cpuid;
	int i;

	for (i = 0; i < ARRAY_SIZE(sample); i++) {
		const struct lhv_cpuid_entry *e;

		e = lhv_cpuid_find(cpuid, sample[i].function, sample[i].index);
		KUNIT_ASSERT_NOT_NULL(test, e);
		KUNIT_EXPECT_EQ(test, e->function, sample[i].function);
		KUNIT_EXPECT_EQ(test, e->index, sample[i].index);
		KUNIT_EXPECT_EQ(test, e->eax, sample[i].eax);
	}
	/* A leaf without sub-leaves doesn't look at ECX. */
	KUNIT_EXPECT_NOT_NULL(test, lhv_cpuid_find(cpuid, 0x16, 77));
	KUNIT_EXPECT_NULL(test, lhv_cpuid_find(cpuid, 7, 1));
	KUNIT_EXPECT_NULL(test, lhv_cpuid_find(cpuid, 2, 0));
	KUNIT_EXPECT_NULL(test, lhv_cpuid_find(cpuid, 0x40000200, 0));
	KUNIT_EXPECT_NULL(test, lhv_cpuid_find(cpuid, 0xffffffff, 0));
}

static void cpuid_plain_leaves(struct kunit *test)
{
	const struct lhv_cpuid *cpuid = sample_vcpu(test)->arch.cpuid;

	KUNIT_EXPECT_TRUE(test, cpuid->direct[0][0x16] & LHV_CPUID_PLAIN);
	KUNIT_EXPECT_TRUE(test, cpuid->direct[1][0] & LHV_CPUID_PLAIN);
	KUNIT_EXPECT_TRUE(test, cpuid->direct[2][8] & LHV_CPUID_PLAIN);
	/* These follow the vCPU's state, or have sub-leaves. */
	KUNIT_EXPECT_FALSE(test, cpuid->direct[0][1] & LHV_CPUID_PLAIN);
	KUNIT_EXPECT_FALSE(test, cpuid->direct[0][7] & LHV_CPUID_PLAIN);
	KUNIT_EXPECT_FALSE(test, cpuid->direct[0][0xd] & LHV_CPUID_PLAIN);
	KUNIT_EXPECT_EQ(test, cpuid->direct[0][2], 0);
}

/* The vCPU's own, whatever the table says. */
static void cpuid_apic_id(struct kunit *test)
{
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	struct lhv_cpuid_entry e, *record;
	u32 i, found = 0, len = sizeof(sample);

	lhv_cpuid_query(vcpu, 0xb, 0, &e);
	KUNIT_EXPECT_EQ(test, e.edx, 5U);
	lhv_cpuid_query(vcpu, 0xb, 1, &e);
	KUNIT_EXPECT_EQ(test, e.edx, 5U);

	record = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, record);
	KUNIT_ASSERT_EQ(test, lhv_cpuid_get_record(vcpu, record, &len), 0);
	for (i = 0; i < ARRAY_SIZE(sample); i++) {
		if (record[i].function == 1)
			found += record[i].ebx == (5U << 24 | 0x800);
		else if (record[i].function == 0xb)
			found += record[i].edx == 5;
	}
	KUNIT_EXPECT_EQ(test, found, 3U);
}

/* vCPUs without a table of their own share the supported set. */
static void cpuid_default(struct kunit *test)
{
	struct lhv_vcpu *vcpu = cpuid_vcpu(test);
	struct lhv_cpuid_entry e;

	lhv_cpuid_init(vcpu);
	KUNIT_EXPECT_PTR_EQ(test, vcpu->arch.cpuid, lhv_cpuid_host());
	KUNIT_EXPECT_EQ(test, vcpu->arch.cr4_guest_allowed, lhv_cpuid_host()->cr4_allowed);
	lhv_cpuid_query(vcpu, 0xb, 0, &e);
	KUNIT_EXPECT_EQ(test, e.edx, 5U);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, sample, ARRAY_SIZE(sample)), 0);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_find(lhv_cpuid_host(), 0, 0)->eax, 0x16U);
}

static void cpuid_phys_bits(struct kunit *test)
{
	static const struct { u32 eax; int result; } cases[] = {
		{ 0, -EINVAL }, { 31, -EINVAL }, { 32, 0 }, { 36 | 48 << 8, 0 },
		{ 52, 0 }, { 53, -EINVAL }, { 64, -EINVAL }, { 0xff, -EINVAL },
	};
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lhv_cpuid_entry e = { .function = 0x80000008, .eax = cases[i].eax };

		KUNIT_EXPECT_EQ_MSG(test, lhv_cpuid_set(vcpu, &e, 1), cases[i].result,
				    "eax %x", e.eax);
	}
	KUNIT_EXPECT_EQ(test, vcpu->arch.cpuid->phys_bits, 52U);
}

static void cpuid_derived(struct kunit *test)
{
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;

	KUNIT_EXPECT_EQ(test, cpuid->phys_bits, 39U);
	KUNIT_EXPECT_EQ(test, cpuid->cr4_allowed,
			X86_CR4_PCE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_OSXSAVE |
			X86_CR4_PCIDE | X86_CR4_SMEP);
	KUNIT_EXPECT_EQ(test, cpuid->xcr0_allowed, 7ULL);
	/* Never what the host or lhv can't do. */
	KUNIT_EXPECT_EQ(test, vcpu->arch.cr4_guest_allowed & ~lhv_cpuid_host()->cr4_allowed,
			0UL);
	KUNIT_EXPECT_EQ(test, vcpu->arch.xcr0_allowed & ~lhv_cpuid_host()->xcr0_allowed, 0ULL);
}

static void cpuid_refused(struct kunit *test)
{
	static const struct lhv_cpuid_entry twice[] = { { .function = 2 }, { .function = 2 } };
	static const struct lhv_cpuid_entry twice_indexed[] = {
		INDEXED(4, 1), INDEXED(4, 0), INDEXED(4, 1),
	};
	static const struct lhv_cpuid_entry mixed[] = { INDEXED(4, 1), { .function = 4 } };
	static const struct lhv_cpuid_entry reserved = { .function = 1, .reserved = 1 };
	static const struct lhv_cpuid_entry flag = { .function = 1, .flags = 2 };
	static const struct lhv_cpuid_entry index = { .function = 1, .index = 1 };
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	const struct lhv_cpuid *before = vcpu->arch.cpuid;

	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, twice, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, twice_indexed, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, mixed, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, &reserved, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, &flag, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, &index, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, NULL, LHV_MAX_CPUID_ENTRIES + 1), -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test, (const struct lhv_cpuid *)vcpu->arch.cpuid, before);
}

static void cpuid_empty(struct kunit *test)
{
	struct lhv_vcpu *vcpu = cpuid_vcpu(test);
	struct lhv_cpuid_entry e;

	KUNIT_ASSERT_EQ(test, lhv_cpuid_set(vcpu, sample, 0), 0);
	KUNIT_EXPECT_EQ(test, vcpu->arch.cpuid->phys_bits, 36U);
	KUNIT_EXPECT_EQ(test, vcpu->arch.xcr0_allowed, 0ULL);
	lhv_cpuid_query(vcpu, 0x80000008, 0, &e);
	KUNIT_EXPECT_EQ(test, e.eax | e.ebx | e.ecx | e.edx, 0U);
}

static void cpuid_out_of_range(struct kunit *test)
{
	static const struct { u32 function, eax; } cases[] = {
		{ 0x16, 3000 },
		{ 0x17, 3000 },		/* beyond the largest basic leaf */
		{ 0x3fffffff, 3000 },
		{ 0x15, 0 },		/* within, but not there */
		{ 0x40000001, 5 },
		{ 0x40000002, 3000 },	/* beyond the first interface */
		{ 0x40000100, 0x40000101 },
		{ 0x40000101, 0 },	/* within the second */
		{ 0x40000102, 3000 },
		{ 0x40000200, 3000 },	/* no such interface */
		{ 0x80000001, 0 },
		{ 0x80000009, 3000 },
		{ 0xc0000000, 3000 },
		{ 0xffffffff, 3000 },
	};
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	struct lhv_cpuid_entry e;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		lhv_cpuid_query(vcpu, cases[i].function, 0, &e);
		KUNIT_EXPECT_EQ_MSG(test, e.eax, cases[i].eax, "%x", cases[i].function);
	}
}

/* Levels beyond the last echo ECX, and tell the id. */
static void cpuid_topology(struct kunit *test)
{
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	struct lhv_cpuid_entry e;

	lhv_cpuid_query(vcpu, 0xb, 0x102, &e);
	KUNIT_EXPECT_EQ(test, e.eax | e.ebx, 0U);
	KUNIT_EXPECT_EQ(test, e.ecx, 2U);
	KUNIT_EXPECT_EQ(test, e.edx, 5U);
}

static void cpuid_xsave_sizes(struct kunit *test)
{
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	struct lhv_cpuid_entry e;

	lhv_cpuid_query(vcpu, 0xd, 0, &e);
	KUNIT_EXPECT_EQ(test, e.ebx, 576U);
	KUNIT_EXPECT_EQ(test, e.ecx, 832U);
	vcpu->arch.xcr0 = 7;
	lhv_cpuid_query(vcpu, 0xd, 0, &e);
	KUNIT_EXPECT_EQ(test, e.ebx, 832U);
	lhv_cpuid_query(vcpu, 0xd, 1, &e);
	KUNIT_EXPECT_EQ(test, e.ebx, 832U);
	lhv_cpuid_query(vcpu, 0xd, 3, &e);
	KUNIT_EXPECT_EQ(test, e.eax | e.ebx | e.ecx | e.edx, 0U);
}

static void cpuid_record(struct kunit *test)
{
	struct lhv_vcpu *vcpu = sample_vcpu(test);
	struct lhv_cpuid_entry *copy;
	u32 len = 0;

	KUNIT_EXPECT_EQ(test, lhv_cpuid_get_record(vcpu, NULL, &len), -ENOSPC);
	KUNIT_EXPECT_EQ(test, len, (u32)sizeof(sample));
	copy = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, copy);
	len--;
	KUNIT_EXPECT_EQ(test, lhv_cpuid_get_record(vcpu, copy, &len), -ENOSPC);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_get_record(vcpu, copy, &len), 0);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set_record(vcpu, copy, len - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_cpuid_set(vcpu, copy, len / sizeof(*copy)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(copy, vcpu->arch.cpuid->entries, len), 0);
}

/* The supported set: what must be there, and what must never be. */
static void cpuid_host_features(struct kunit *test)
{
	static const unsigned int always[] = {
		X86_FEATURE_APIC, X86_FEATURE_X2APIC, X86_FEATURE_TSC_DEADLINE_TIMER,
		X86_FEATURE_HYPERVISOR, X86_FEATURE_TSC_ADJUST, X86_FEATURE_MTRR,
		X86_FEATURE_LM, X86_FEATURE_PAE,
	};
	static const unsigned int never[] = {
		X86_FEATURE_VMX, X86_FEATURE_SMX, X86_FEATURE_MWAIT, X86_FEATURE_EST,
		X86_FEATURE_PDCM, X86_FEATURE_OSXSAVE, X86_FEATURE_DS, X86_FEATURE_HT,
		X86_FEATURE_RTM, X86_FEATURE_HLE, X86_FEATURE_MPX, X86_FEATURE_SGX,
		X86_FEATURE_INTEL_PT, X86_FEATURE_PKU, X86_FEATURE_LA57,
		X86_FEATURE_SPEC_CTRL, X86_FEATURE_ARCH_CAPABILITIES, X86_FEATURE_XSAVES,
		X86_FEATURE_AMX_TILE,
	};
	const struct lhv_cpuid *host = lhv_cpuid_host();
	int i;

	for (i = 0; i < ARRAY_SIZE(always); i++)
		KUNIT_EXPECT_TRUE_MSG(test, lhv_cpuid_has(host, always[i]), "%u:%u",
				      always[i] / 32, always[i] % 32);
	for (i = 0; i < ARRAY_SIZE(never); i++)
		KUNIT_EXPECT_FALSE_MSG(test, lhv_cpuid_has(host, never[i]), "%u:%u",
				       never[i] / 32, never[i] % 32);
	/* Without the host's own nothing comes through. */
	if (!boot_cpu_has(X86_FEATURE_AVX2))
		KUNIT_EXPECT_FALSE(test, lhv_cpuid_has(host, X86_FEATURE_AVX2));
}

static void cpuid_host_leaves(struct kunit *test)
{
	const struct lhv_cpuid *host = lhv_cpuid_host();
	const struct lhv_cpuid_entry *e;

	KUNIT_EXPECT_EQ(test, lhv_cpuid_find(host, 0, 0)->eax, 0x16U);
	KUNIT_EXPECT_NULL(test, lhv_cpuid_find(host, 0xa, 0));
	KUNIT_EXPECT_EQ(test, memcmp(&lhv_cpuid_find(host, 0x40000000, 0)->ebx,
				     "KVMKVMKVM\0\0\0", 12), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&lhv_cpuid_find(host, 0x40000100, 0)->ebx, "lhv", 4), 0);
	KUNIT_EXPECT_EQ(test, host->xcr0_allowed & ~0xe7ULL, 0ULL);
	KUNIT_EXPECT_GE(test, host->phys_bits, 36U);
	KUNIT_EXPECT_LE(test, host->phys_bits, 48U);

	/* As Linux computes it, in 32 bits: crystal in kHz * EBX / EAX */
	e = lhv_cpuid_find(host, 0x15, 0);
	if (e)
		KUNIT_EXPECT_EQ(test, e->ecx / 1000 * e->ebx / e->eax, tsc_khz);
}

static struct kunit_case cpuid_cases[] = {
	KUNIT_CASE(cpuid_sorted),
	KUNIT_CASE(cpuid_find_all),
	KUNIT_CASE(cpuid_plain_leaves),
	KUNIT_CASE(cpuid_apic_id),
	KUNIT_CASE(cpuid_default),
	KUNIT_CASE(cpuid_phys_bits),
	KUNIT_CASE(cpuid_derived),
	KUNIT_CASE(cpuid_refused),
	KUNIT_CASE(cpuid_empty),
	KUNIT_CASE(cpuid_out_of_range),
	KUNIT_CASE(cpuid_topology),
	KUNIT_CASE(cpuid_xsave_sizes),
	KUNIT_CASE(cpuid_record),
	KUNIT_CASE(cpuid_host_features),
	KUNIT_CASE(cpuid_host_leaves),
	{}
};

static struct kunit_suite cpuid_suite = {
	.name = "lhv-cpuid",
	.init = cpuid_test_init,
	.exit = cpuid_test_exit,
	.test_cases = cpuid_cases,
};

kunit_test_suite(cpuid_suite);
