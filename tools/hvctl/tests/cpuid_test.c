// SPDX-License-Identifier: GPL-2.0-only
#include "cpuid.h"
#include "test.h"

static struct cpuid_table table;

static void start(void)
{
	static const struct lhv_cpuid_entry host[] = {
		{ .function = 0, .eax = 0x0d, .ebx = 0x756e6547 },
		{ .function = 1, .ebx = 0x07100800, .ecx = 0x00200000, .edx = 0x10001000 },
		{ .function = 4, .index = 0, .flags = LHV_CPUID_INDEXED, .eax = 0x1c004121 },
		{ .function = 4, .index = 1, .flags = LHV_CPUID_INDEXED, .eax = 0x1c03c163 },
		{ .function = 4, .index = 2, .flags = LHV_CPUID_INDEXED },
		{ .function = 0xb, .index = 0, .flags = LHV_CPUID_INDEXED, .ebx = 99 },
		{ .function = 0x1f, .index = 0, .flags = LHV_CPUID_INDEXED, .ebx = 99 },
		{ .function = 0x40000000, .eax = 0x40000005, .ebx = 1 },
		{ .function = 0x40000003, .eax = 1 },
		{ .function = 0x80000000, .eax = 0x80000008 },
	};

	memset(&table, 0, sizeof(table));
	memcpy(table.entry, host, sizeof(host));
	table.count = ARRAY_SIZE(host);
}

static void build(unsigned int cpus, u32 tsc_khz, u32 apic_khz)
{
	const struct lhv_info info = { .tsc_khz = tsc_khz, .apic_timer_khz = apic_khz };

	start();
	EXPECT(!cpuid_build(&table, &info, cpus));
}

static void topology(void)
{
	struct lhv_cpuid_entry *e;

	build(6, 2000000, 1000000);
	e = cpuid_find(&table, 1, 0);
	EXPECT_EQ(e->ebx, 0x00080800);
	EXPECT_EQ(e->ecx, 0x80200000);
	EXPECT_EQ(e->edx, 0x10001000);
	/* Level 1 is a core's own, level 3 is everyone's. */
	EXPECT_EQ(cpuid_find(&table, 4, 0)->eax, 7U << 26 | 0x121);
	EXPECT_EQ(cpuid_find(&table, 4, 1)->eax, 7U << 26 | 7 << 14 | 0x163);
	EXPECT_EQ(cpuid_find(&table, 4, 2)->eax, 0);

	e = cpuid_find(&table, 0xb, 0);
	EXPECT_EQ(e->eax, 0);
	EXPECT_EQ(e->ebx, 1);
	EXPECT_EQ(e->ecx, 0x100);
	e = cpuid_find(&table, 0xb, 1);
	EXPECT_EQ(e->eax, 3);
	EXPECT_EQ(e->ebx, 6);
	EXPECT_EQ(e->ecx, 0x201);
	e = cpuid_find(&table, 0xb, 2);
	EXPECT_EQ(e->eax | e->ebx, 0);
	EXPECT(!cpuid_find(&table, 0x1f, 0));

	cpuid_set_apic_id(&table, 5);
	EXPECT_EQ(cpuid_find(&table, 1, 0)->ebx, 0x05080800);
	EXPECT_EQ(cpuid_find(&table, 0xb, 0)->edx, 5);
	EXPECT_EQ(cpuid_find(&table, 0xb, 2)->edx, 5);
	cpuid_set_apic_id(&table, 0x123);
	EXPECT_EQ(cpuid_find(&table, 1, 0)->ebx, 0x23080800);
	EXPECT_EQ(cpuid_find(&table, 0xb, 1)->edx, 0x123);

	build(1, 2000000, 1000000);
	EXPECT_EQ(cpuid_find(&table, 1, 0)->edx, 0x00001000);
	EXPECT_EQ(cpuid_find(&table, 1, 0)->ebx, 0x00010800);
	EXPECT_EQ(cpuid_find(&table, 0xb, 1)->eax, 0);

	build(4096, 2000000, 1000000);
	EXPECT_EQ(cpuid_find(&table, 1, 0)->ebx, 0x00ff0800);
	EXPECT_EQ(cpuid_find(&table, 4, 1)->eax, 63U << 26 | 4095U << 14 | 0x163);
}

/* What Linux makes of leaf 0x15, in kHz and in its 32 bits. */
static u32 linux_tsc_khz(void)
{
	const struct lhv_cpuid_entry *e = cpuid_find(&table, 0x15, 0);

	return e ? (u32)(e->ecx / 1000 * e->ebx) / e->eax : 0;
}

static void frequencies(void)
{
	static const struct { u32 tsc, apic; } exact[] = {
		{ 50000, 50000 }, { 3500000, 3500000 }, { 3000000, 1000000 },
		{ 2400000, 24000 }, { 2899886, 2899886 }, { 50000, 1000000 },
	};
	static const struct { u32 tsc, apic; } close[] = {
		{ 2899887, 1000000 }, { 2399999, 999983 }, { 3792877, 25000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exact); i++) {
		build(1, exact[i].tsc, exact[i].apic);
		EXPECT_EQ(linux_tsc_khz(), exact[i].tsc);
		EXPECT_EQ(cpuid_find(&table, 0x15, 0)->ecx, exact[i].apic * 1000);
	}
	for (i = 0; i < ARRAY_SIZE(close); i++) {
		s64 error;

		build(1, close[i].tsc, close[i].apic);
		error = (s64)linux_tsc_khz() - close[i].tsc;
		EXPECT(error * error < (s64)(close[i].tsc / 1000) * (close[i].tsc / 1000));
	}
	EXPECT_EQ(cpuid_find(&table, 0, 0)->eax, 0x16);
	EXPECT_EQ(cpuid_find(&table, 0x16, 0)->eax, 3792);

	build(1, 0, 0);
	EXPECT(!cpuid_find(&table, 0x15, 0));
	build(1, 5000000, 5000000);
	EXPECT_EQ(linux_tsc_khz(), 5000000);
	EXPECT_EQ(cpuid_find(&table, 0x15, 0)->ecx, 2500000000U);
}

/* The host's list may be in any order. */
static void any_order(void)
{
	const struct lhv_info info = { .tsc_khz = 2000000, .apic_timer_khz = 1000000 };

	start();
	memmove(&table.entry[1], &table.entry[0], table.count * sizeof(table.entry[0]));
	table.entry[0] = (struct lhv_cpuid_entry){ .function = 0x15 };
	table.count++;
	EXPECT(!cpuid_build(&table, &info, 1));
	EXPECT_EQ(cpuid_find(&table, 0, 0)->eax, 0x16);
	EXPECT_EQ(linux_tsc_khz(), 2000000);
}

static void hypervisor(void)
{
	struct lhv_cpuid_entry *e;

	build(1, 2000000, 1000000);
	e = cpuid_find(&table, 0x40000000, 0);
	EXPECT_EQ(e->eax, 0x40000010);
	EXPECT(!memcmp(&e->ebx, "KVMK", 4) && !memcmp(&e->ecx, "VMKV", 4) &&
	       !memcmp(&e->edx, "M\0\0\0", 4));
	EXPECT(!cpuid_find(&table, 0x40000003, 0));
	EXPECT_EQ(cpuid_find(&table, 0x40000010, 0)->eax, 2000000);
	e = cpuid_find(&table, 0x40000100, 0);
	EXPECT_EQ(e->eax, 0x40000101);
	EXPECT(!memcmp(&e->ebx, "LHVL", 4));
	EXPECT_EQ(cpuid_find(&table, 0x40000101, 0)->eax, 1);
	EXPECT_EQ(cpuid_find(&table, 0x80000000, 0)->eax, 0x80000008);
}

/* Ten leaves are added and four of start()'s dropped. */
static void full(void)
{
	const struct lhv_info info = { .tsc_khz = 1000, .apic_timer_khz = 1000 };
	unsigned int missing;

	for (missing = 0; missing <= 6; missing++) {
		start();
		for (; table.count < LHV_MAX_CPUID_ENTRIES - missing; table.count++)
			table.entry[table.count].function = 0x80000000 + table.count;
		if (missing < 6)
			EXPECT_FAIL(cpuid_build(&table, &info, 1), "full");
		else
			EXPECT(!cpuid_build(&table, &info, 1));
	}
}

static const struct test_case cases[] = {
	TEST_CASE(topology), TEST_CASE(frequencies), TEST_CASE(any_order),
	TEST_CASE(hypervisor), TEST_CASE(full),
};
TEST_SUITE(cpuid_suite, "cpuid", cases);
