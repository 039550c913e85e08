// SPDX-License-Identifier: GPL-2.0-only
#include "memory.h"
#include "test.h"

static void sizes(void)
{
	struct guest_memory mem;

	EXPECT_FAIL(memory_create(&mem, 0), "too small");
	EXPECT_FAIL(memory_create(&mem, MIB(1)), "too small");
	EXPECT_FAIL(memory_create(&mem, MIB(2) + 1), "multiple of 4K");
	EXPECT_FAIL(memory_create(&mem, UINT64_MAX & ~0xfffULL), "cannot reserve");
	EXPECT_FAIL(memory_create(&mem, 1ULL << 60), "cannot reserve");
}

static void low_only(void)
{
	struct memory_range map[MEMORY_MAP_MAX];
	struct guest_memory mem;

	EXPECT(!memory_create(&mem, MIB(64)));
	EXPECT_EQ((uintptr_t)mem.host % MIB(2), 0);
	EXPECT(memory_at(&mem, 0, MIB(64)) == mem.host);
	EXPECT(!memory_at(&mem, 0, MIB(64) + 1));
	EXPECT(memory_at(&mem, MIB(64) - 1, 1) == mem.host + MIB(64) - 1);
	EXPECT(!memory_at(&mem, MIB(64), 0));
	EXPECT(!memory_at(&mem, 8, UINT64_MAX));
	EXPECT(!memory_at(&mem, UINT64_MAX, 2));
	EXPECT(!memory_at(&mem, GIB(4), 1));

	EXPECT_EQ(memory_map(&mem, map), 3);
	EXPECT_EQ(map[2].start + map[2].size, MIB(64));

	memset(mem.host, 1, MIB(2));
	EXPECT(!memory_clear(&mem));
	EXPECT_EQ(mem.host[0] | mem.host[MIB(2) - 1], 0);
	memory_destroy(&mem);
}

static void high(void)
{
	struct memory_range map[MEMORY_MAP_MAX];
	struct guest_memory mem;

	EXPECT(!memory_create(&mem, GIB(5)));
	EXPECT(memory_at(&mem, GIB(3) - 1, 1) == mem.host + GIB(3) - 1);
	EXPECT(!memory_at(&mem, GIB(3) - 1, 2));
	EXPECT(!memory_at(&mem, GIB(3), 1));
	EXPECT(memory_at(&mem, GIB(4), GIB(2)) == mem.host + GIB(3));
	EXPECT(!memory_at(&mem, GIB(4), GIB(2) + 1));
	EXPECT(!memory_at(&mem, GIB(6), 1));

	EXPECT_EQ(memory_map(&mem, map), 4);
	EXPECT_EQ(map[0].size, EBDA_START);
	EXPECT(map[0].ram && !map[1].ram && map[2].ram && map[3].ram);
	EXPECT_EQ(map[2].start + map[2].size, GIB(3));
	EXPECT_EQ(map[3].start, GIB(4));
	EXPECT_EQ(map[3].size, GIB(2));
	memory_destroy(&mem);
}

static const struct test_case cases[] = {
	TEST_CASE(sizes), TEST_CASE(low_only), TEST_CASE(high),
};
TEST_SUITE(memory_suite, "memory", cases);
