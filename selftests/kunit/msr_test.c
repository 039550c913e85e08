// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: the table's order, what values are refused, records, the bitmap
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "../../arch/x86/msr.c"

/* A vCPU with CPUID; what the VMCS holds of it isn't touched. */
static int msr_test_init(struct kunit *test)
{
	static const struct lhv_cpuid_entry leaf = { .function = 0x80000008, .eax = 40 };
	struct lhv_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);
	struct lhv_cpuid *cpuid;

	if (!vcpu)
		return -ENOMEM;
	cpuid = lhv_cpuid_new(&leaf, 1);
	if (IS_ERR(cpuid))
		return PTR_ERR(cpuid);
	vcpu->arch.cpuid = cpuid;
	mutex_init(&vcpu->mutex);
	mutex_lock(&vcpu->mutex);
	lhv_msr_reset(vcpu);
	test->priv = vcpu;
	return 0;
}

static void msr_test_exit(struct kunit *test)
{
	struct lhv_vcpu *vcpu = test->priv;

	if (!vcpu)
		return;
	mutex_unlock(&vcpu->mutex);
	kfree(vcpu->arch.cpuid);
}

static void msr_sorted(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_GT_MSG(test, rows[i].count, 0, "%x", rows[i].index);
		KUNIT_EXPECT_FALSE(test, is_x2apic(rows[i].index));
		/* Something that is restored can be written. */
		KUNIT_EXPECT_TRUE(test, !rows[i].save || rows[i].set);
		if (i)
			KUNIT_EXPECT_GE_MSG(test, rows[i].index,
					    rows[i - 1].index + rows[i - 1].count, "%x",
					    rows[i].index);
	}
}

static void msr_find(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (j = 0; j < rows[i].count; j++)
			KUNIT_EXPECT_PTR_EQ(test, find_row(rows[i].index + j), &rows[i]);
	KUNIT_EXPECT_NULL(test, find_row(0));
	KUNIT_EXPECT_NULL(test, find_row(MTRR_VAR_FIRST + 2 * NR_MTRR_VAR));
	KUNIT_EXPECT_NULL(test, find_row(MSR_MTRRfix64K_00000 + 1));
	KUNIT_EXPECT_NULL(test, find_row(0xffffffff));
}

static void msr_types(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, types_ok(0x0007040600070406, 8, PAT_TYPES));
	KUNIT_EXPECT_TRUE(test, types_ok(0x0605040100060504, 8, MTRR_TYPES));
	KUNIT_EXPECT_FALSE(test, types_ok(0x0007040600070406, 8, MTRR_TYPES));
	KUNIT_EXPECT_FALSE(test, types_ok(0x0200000000000000, 8, PAT_TYPES));
	KUNIT_EXPECT_FALSE(test, types_ok(0x0000000000000003, 8, PAT_TYPES));
	KUNIT_EXPECT_FALSE(test, types_ok(0x0000000000080000, 8, PAT_TYPES));
	KUNIT_EXPECT_FALSE(test, types_ok(0x8600000000000000, 8, PAT_TYPES));
	KUNIT_EXPECT_TRUE(test, types_ok(0xff06, 1, MTRR_TYPES));
}

/* Values that are refused, before anything is written. */
static void msr_refused(struct kunit *test)
{
	static const struct { u32 index; u64 value; } bad[] = {
		{ MSR_IA32_CR_PAT, 0x0207040600070406 },
		{ MSR_MTRRdefType, 0xc07 },
		{ MSR_MTRRdefType, 0x1c06 },
		{ MSR_MTRRdefType, 0xd06 },
		{ MSR_MTRRfix4K_C0000 + 7, 0x0706060606060606 },
		{ MTRR_VAR_FIRST, 0x2 },
		{ MTRR_VAR_FIRST, 0x106 },
		{ MTRR_VAR_FIRST, 1ULL << 40 },
		{ MTRR_VAR_FIRST + 1, 0x400 },
		{ MTRR_VAR_FIRST + 15, 1ULL << 40 | 0x800 },
		{ MSR_IA32_MISC_ENABLE, BIT(1) },
		{ MSR_IA32_MCG_STATUS, 1 },
		{ MSR_IA32_SYSENTER_EIP, 1ULL << 63 },
		{ MSR_IA32_SYSENTER_CS, 1ULL << 32 },
		{ MSR_IA32_DEBUGCTLMSR, 1 },
		{ MSR_LSTAR, 0x0000800000000000 },
		{ MSR_SYSCALL_MASK, 1ULL << 32 },
		{ MSR_TSC_AUX, 1ULL << 32 },
		{ MSR_KERNEL_GS_BASE, 1ULL << 63 },
		{ MSR_FS_BASE, 1ULL << 63 },
		/* Read-only */
		{ MSR_IA32_FEAT_CTL, 0 },
		{ MSR_MTRRcap, 0 },
		{ MSR_PLATFORM_INFO, ~0ULL },
		/* None */
		{ MSR_IA32_MCG_CTL, 0 },
		{ MSR_IA32_XSS, 0 },
		{ MSR_IA32_ARCH_CAPABILITIES, 0 },
		{ MSR_IA32_SPEC_CTRL, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		u32 index = bad[i].index;
		u64 value = bad[i].value;

		KUNIT_EXPECT_EQ_MSG(test, lhv_msr_set(test->priv, index, value, false), -EINVAL,
				    "%x %llx", index, value);
		KUNIT_EXPECT_EQ_MSG(test, lhv_msr_set(test->priv, index, value, true), -EINVAL,
				    "%x %llx", index, value);
	}
}

static void msr_stored(struct kunit *test)
{
	struct lhv_vcpu *vcpu = test->priv;
	u64 wb = 0x0606060606060606, wc = 0x0101010101010101, wp = 0x0505050505050505;
	u64 value;
	int i;

	for (i = 0; i < 2 * NR_MTRR_VAR; i++)
		KUNIT_EXPECT_EQ(test, lhv_msr_set(vcpu, MTRR_VAR_FIRST + i,
						  i & 1 ? i << 12 | 0x800 : i << 12 | 6, false), 0);
	for (i = 0; i < 2 * NR_MTRR_VAR; i++) {
		KUNIT_EXPECT_EQ(test, lhv_msr_get(vcpu, MTRR_VAR_FIRST + i, &value), 0);
		KUNIT_EXPECT_EQ(test, value, i & 1 ? i << 12 | 0x800ULL : i << 12 | 6ULL);
	}
	KUNIT_EXPECT_EQ(test, lhv_msr_set(vcpu, MSR_MTRRfix64K_00000, wb, false), 0);
	KUNIT_EXPECT_EQ(test, lhv_msr_set(vcpu, MSR_MTRRfix16K_A0000, wc, false), 0);
	KUNIT_EXPECT_EQ(test, lhv_msr_set(vcpu, MSR_MTRRfix4K_F8000, wp, false), 0);
	KUNIT_EXPECT_EQ(test, vcpu->arch.mtrr_fixed[0], wb);
	KUNIT_EXPECT_EQ(test, vcpu->arch.mtrr_fixed[2], wc);
	KUNIT_EXPECT_EQ(test, vcpu->arch.mtrr_fixed[10], wp);
}

static void msr_misc_enable(struct kunit *test)
{
	struct lhv_vcpu *vcpu = test->priv;
	u64 value;

	KUNIT_EXPECT_EQ(test, lhv_msr_get(vcpu, MSR_IA32_MISC_ENABLE, &value), 0);
	KUNIT_EXPECT_EQ(test, value, (u64)(MSR_IA32_MISC_ENABLE_FAST_STRING |
					   MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |
					   MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL));
	KUNIT_EXPECT_EQ(test, lhv_msr_set(vcpu, MSR_IA32_MISC_ENABLE, 0, false), 0);
	KUNIT_EXPECT_EQ(test, lhv_msr_get(vcpu, MSR_IA32_MISC_ENABLE, &value), 0);
	KUNIT_EXPECT_EQ(test, value, (u64)MISC_ENABLE_READ_ONLY);
}

/* A state record may hold read-only ones, if they agree. */
static void msr_read_only(struct kunit *test)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, lhv_msr_get(test->priv, MSR_MTRRcap, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0x508ULL);
	KUNIT_EXPECT_EQ(test, lhv_msr_set(test->priv, MSR_MTRRcap, value, true), 0);
	KUNIT_EXPECT_EQ(test, lhv_msr_set(test->priv, MSR_MTRRcap, value, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, lhv_msr_set(test->priv, MSR_MTRRcap, value + 1, true), -EINVAL);
}

static void msr_list(struct kunit *test)
{
	u32 n = lhv_arch_msr_list(NULL, 0), i;
	u32 *list = kunit_kcalloc(test, n + 1, sizeof(*list), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, list);
	KUNIT_EXPECT_EQ(test, lhv_arch_msr_list(list, n), n);
	KUNIT_EXPECT_LE(test, n, (u32)MAX_MSRS);
	KUNIT_EXPECT_EQ(test, list[n], 0U);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_NOT_NULL(test, find_row(list[i]));
		if (i)
			KUNIT_EXPECT_GT(test, list[i], list[i - 1]);
	}
	/* Room for one less: none is written beyond. */
	list[n - 1] = 0;
	KUNIT_EXPECT_EQ(test, lhv_arch_msr_list(list, n - 1), n);
	KUNIT_EXPECT_EQ(test, list[n - 1], 0U);
}

static void msr_records(struct kunit *test)
{
	struct lhv_msr msrs[] = {
		{ .index = MTRR_VAR_FIRST, .value = 0x1006 },
		{ .index = MTRR_VAR_FIRST + 2, .value = 7 },
		{ .index = MTRR_VAR_FIRST + 4, .value = 0x2006 },
	};
	struct lhv_vcpu *vcpu = test->priv;
	u32 len = sizeof(msrs);

	KUNIT_EXPECT_EQ(test, lhv_msrs_set_record(vcpu, msrs, len), -EINVAL);
	KUNIT_EXPECT_EQ(test, msrs[0].reserved, 0U);
	KUNIT_EXPECT_EQ(test, msrs[1].reserved, 1U);
	KUNIT_EXPECT_EQ(test, msrs[2].reserved, 0U);
	/* Those before the offender are written. */
	KUNIT_EXPECT_EQ(test, vcpu->arch.mtrr_var[0], 0x1006ULL);
	KUNIT_EXPECT_EQ(test, vcpu->arch.mtrr_var[4], 0ULL);

	/* A reserved field that isn't zero, and a length that isn't whole */
	KUNIT_EXPECT_EQ(test, lhv_msrs_get_record(vcpu, msrs, &len), -EINVAL);
	msrs[1].reserved = 0;
	KUNIT_EXPECT_EQ(test, lhv_msrs_get_record(vcpu, msrs, &len), 0);
	KUNIT_EXPECT_EQ(test, msrs[1].value, 0ULL);
	len--;
	KUNIT_EXPECT_EQ(test, lhv_msrs_get_record(vcpu, msrs, &len), -EINVAL);

	/* The x2APIC's aren't in this record. */
	msrs[0].index = X2APIC_FIRST + 2;
	len = sizeof(msrs[0]);
	KUNIT_EXPECT_EQ(test, lhv_msrs_get_record(vcpu, msrs, &len), -EINVAL);
	KUNIT_EXPECT_EQ(test, msrs[0].reserved, 1U);
}

static bool intercepted(u32 index, bool write)
{
	unsigned int bit = (index & 0x1fff) + (index >> 31 ? 0x2000 : 0) + (write ? 0x4000 : 0);

	return test_bit(bit, lhv_msr_bitmap);
}

static void msr_bitmap(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, lhv_msr_bitmap_init(), 0);
	KUNIT_EXPECT_FALSE(test, intercepted(MSR_IA32_TSC, false));
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_IA32_TSC, true));
	KUNIT_EXPECT_FALSE(test, intercepted(MSR_LSTAR, false));
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_LSTAR, true));
	KUNIT_EXPECT_FALSE(test, intercepted(MSR_KERNEL_GS_BASE, true));
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_IA32_APICBASE, true));
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_IA32_TSC_ADJUST, false));
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_IA32_SPEC_CTRL, true));
	/* The same low bits in the other half */
	KUNIT_EXPECT_TRUE(test, intercepted(MSR_LSTAR & 0x1fff, false));
	lhv_msr_bitmap_exit();
}

static struct kunit_case msr_cases[] = {
	KUNIT_CASE(msr_sorted),
	KUNIT_CASE(msr_find),
	KUNIT_CASE(msr_types),
	KUNIT_CASE(msr_refused),
	KUNIT_CASE(msr_stored),
	KUNIT_CASE(msr_misc_enable),
	KUNIT_CASE(msr_read_only),
	KUNIT_CASE(msr_list),
	KUNIT_CASE(msr_records),
	KUNIT_CASE(msr_bitmap),
	{}
};

static struct kunit_suite msr_suite = {
	.name = "lhv-msr",
	.init = msr_test_init,
	.exit = msr_test_exit,
	.test_cases = msr_cases,
};

kunit_test_suite(msr_suite);
