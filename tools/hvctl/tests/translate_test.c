// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "translate.h"

#define PG	BIT(31)
#define PSE	BIT(4)
#define PAE	BIT(5)
#define LA57	BIT(12)
#define LMA	BIT(10)

static struct guest_memory mem;

static void put64(u64 gpa, u64 value)
{
	memcpy(mem.host + gpa, &value, 8);
}

static void put32(u64 gpa, u32 value)
{
	memcpy(mem.host + gpa, &value, 4);
}

static void expect_at(const struct lhv_sregs *sregs, u64 linear, u64 want)
{
	u64 gpa = 0;

	EXPECT(translate(&mem, sregs, linear, &gpa));
	EXPECT_EQ(gpa, want);
}

static void expect_hole(const struct lhv_sregs *sregs, u64 linear)
{
	u64 gpa;

	EXPECT(!translate(&mem, sregs, linear, &gpa));
}

static void no_paging(void)
{
	const struct lhv_sregs sregs = { 0 };
	u8 buf[8];

	EXPECT(!memory_create(&mem, MIB(2)));
	expect_at(&sregs, 0xfffffff0, 0xfffffff0);
	expect_at(&sregs, 0x100000010ULL, 0x10);
	mem.host[MIB(2) - 1] = 0x90;
	EXPECT_EQ(read_linear(&mem, &sregs, MIB(2) - 3, buf, sizeof(buf)), 3);
	EXPECT_EQ(buf[2], 0x90);
	EXPECT_EQ(read_linear(&mem, &sregs, 0xfffffff0, buf, sizeof(buf)), 0);
	memory_destroy(&mem);
}

static void four_levels(void)
{
	struct lhv_sregs sregs = { .cr0 = PG, .cr3 = 0x1018, .cr4 = PAE, .efer = LMA };
	u64 top = 0xffffffff80000000ULL;

	EXPECT(!memory_create(&mem, MIB(2)));
	put64(0x1000 + 511 * 8, 0x8000000000002001ULL);
	put64(0x2000 + 510 * 8, 0x3003);
	put64(0x2000 + 511 * 8, 0x40000083);
	put64(0x3000 + 0 * 8, 0x1000083);
	put64(0x3000 + 1 * 8, 0x4001);
	put64(0x4000 + 5 * 8, 0x5063);
	expect_at(&sregs, top + 0x123456, 0x1123456);
	expect_at(&sregs, top + 0x205abc, 0x5abc);
	expect_at(&sregs, top + 0x40001234, 0x40001234);
	expect_hole(&sregs, top + 0x206000);
	expect_hole(&sregs, 0);
	/* Five levels: the same below an entry of PML5. */
	sregs.cr4 |= LA57;
	sregs.cr3 = 0x6000;
	put64(0x6000 + 511 * 8, 0x1001);
	expect_at(&sregs, top + 0x205abc, 0x5abc);
	/* Tables outside memory */
	sregs.cr3 = 0xffffffff000ULL;
	expect_hole(&sregs, top);
	memory_destroy(&mem);
}

static void three_levels(void)
{
	const struct lhv_sregs sregs = { .cr0 = PG, .cr3 = 0x1020, .cr4 = PAE };

	EXPECT(!memory_create(&mem, MIB(2)));
	put64(0x1020 + 3 * 8, 0x2001);
	put64(0x2000 + 0 * 8, 0x400083);
	put64(0x2000 + 1 * 8, 0x3001);
	put64(0x3000 + 7 * 8, 0x123456001ULL);
	expect_at(&sregs, 0xc0012345, 0x412345);
	expect_at(&sregs, 0xc0207fff, 0x123456fffULL);
	expect_hole(&sregs, 0);
	memory_destroy(&mem);
}

static void two_levels(void)
{
	struct lhv_sregs sregs = { .cr0 = PG, .cr3 = 0x1000, .cr4 = PSE };

	EXPECT(!memory_create(&mem, MIB(2)));
	put32(0x1000 + 768 * 4, 0x00402083);	/* bit 13: physical bit 32 */
	put32(0x1000 + 769 * 4, 0x2001);
	put32(0x2000 + 9 * 4, 0x7001);
	expect_at(&sregs, 0xc0000123, 0x100400123ULL);
	expect_at(&sregs, 0xc0409456, 0x7456);
	expect_hole(&sregs, 0xc040a000);
	sregs.cr4 = 0;
	expect_hole(&sregs, 0xc0000123);
	memory_destroy(&mem);
}

/* Tables full of rubbish can't lead outside of what is memory. */
static void rubbish(void)
{
	struct lhv_sregs sregs = { .cr0 = PG };
	unsigned int i;
	u8 buf[4];

	EXPECT(!memory_create(&mem, MIB(2)));
	for (i = 0; i < MIB(2) / 4; i++)
		put32(i * 4, test_random() << 8 ^ test_random());
	for (i = 0; i < 20000; i++) {
		sregs.cr3 = (u64)test_random() << 20 ^ test_random();
		sregs.cr4 = test_random();
		sregs.efer = test_random() & LMA;
		read_linear(&mem, &sregs, (u64)test_random() << 40 ^ test_random() << 8,
			    buf, sizeof(buf));
	}
	memory_destroy(&mem);
}

static const struct test_case cases[] = {
	TEST_CASE(no_paging), TEST_CASE(four_levels), TEST_CASE(three_levels),
	TEST_CASE(two_levels), TEST_CASE(rubbish),
};
TEST_SUITE(translate_suite, "translate", cases);
