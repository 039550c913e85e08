// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* The first byte of each of four pages at @gpa, as digits */
static u64 digits(const struct guest_memory *mem, u64 gpa)
{
	const u8 *at = memory_at(mem, gpa, 4 * MEMORY_PAGE);

	return at[0] << 12 | at[MEMORY_PAGE] << 8 | at[2 * MEMORY_PAGE] << 4 | at[3 * MEMORY_PAGE];
}

static void fill(const struct guest_memory *mem, u64 gpa)
{
	memset(memory_at(mem, gpa, 4 * MEMORY_PAGE), 1, 4 * MEMORY_PAGE);
	EXPECT_EQ(digits(mem, gpa), 0x1111);
}

static void discards(void)
{
	const u64 page = MEMORY_PAGE, last = MIB(4) - 4 * page;
	struct guest_memory mem;

	EXPECT(!memory_create(&mem, MIB(4)));
	fill(&mem, 0);
	EXPECT(!memory_discard(&mem, page, 2 * page));
	EXPECT_EQ(digits(&mem, 0), 0x1001);
	/* Parts of pages stay, whole ones between them don't. */
	fill(&mem, 0);
	EXPECT(!memory_discard(&mem, 1, 2 * page - 2));
	EXPECT(!memory_discard(&mem, page - 1, page));
	EXPECT(!memory_discard(&mem, page, page - 1));
	EXPECT(!memory_discard(&mem, 1, page));
	EXPECT(!memory_discard(&mem, 0, 0));
	EXPECT_EQ(digits(&mem, 0), 0x1111);
	EXPECT(!memory_discard(&mem, page - 1, page + 1));
	EXPECT_EQ(digits(&mem, 0), 0x1011);
	EXPECT(!memory_discard(&mem, page + 1, 3 * page - 1));
	EXPECT_EQ(digits(&mem, 0), 0x1000);
	EXPECT_EQ(mem.host[2 * page - 1] | mem.host[page - 1] << 8, 0x100);
	/* At the end, and beyond */
	fill(&mem, last);
	EXPECT_FAIL(memory_discard(&mem, last, 5 * page), "20480 bytes at 0x3fc000");
	EXPECT_FAIL(memory_discard(&mem, last, UINT64_MAX), "not wholly in RAM");
	EXPECT_FAIL(memory_discard(&mem, UINT64_MAX, 2), "not wholly in RAM");
	EXPECT_FAIL(memory_discard(&mem, MIB(4), page), "not wholly in RAM");
	EXPECT_EQ(digits(&mem, last), 0x1111);
	EXPECT(!memory_discard(&mem, last + page, 3 * page));
	EXPECT_EQ(digits(&mem, last), 0x1000);
	memory_destroy(&mem);
}

static void discards_high(void)
{
	const u64 page = MEMORY_PAGE, low = GIB(3) - 4 * page;
	struct guest_memory mem;

	EXPECT(!memory_create(&mem, GIB(3) + MIB(2)));
	fill(&mem, low);
	fill(&mem, GIB(4));
	EXPECT_FAIL(memory_discard(&mem, low, 5 * page), "not wholly in RAM");
	EXPECT_FAIL(memory_discard(&mem, GIB(4) - page, 2 * page), "not wholly in RAM");
	EXPECT(!memory_discard(&mem, GIB(3) - page, page));
	EXPECT(!memory_discard(&mem, GIB(4), page));
	EXPECT_EQ(digits(&mem, low), 0x1110);
	EXPECT_EQ(digits(&mem, GIB(4)), 0x0111);
	EXPECT_EQ(memory_gpa(&mem, memory_at(&mem, 5, 1)), 5);
	EXPECT_EQ(memory_gpa(&mem, memory_at(&mem, GIB(3) - 1, 1)), GIB(3) - 1);
	EXPECT_EQ(memory_gpa(&mem, memory_at(&mem, GIB(4), 1)), GIB(4));
	memory_destroy(&mem);
}

/* What others map is the same memory, and they can't take it away. */
static void shared(void)
{
	struct guest_memory mem;
	struct stat stat;
	u8 *other;

	EXPECT_FAIL(memory_create_shared(&mem, MIB(1)), "too small");
	EXPECT(!memory_create_shared(&mem, GIB(3) + MIB(4)));
	EXPECT_EQ((uintptr_t)mem.host % MIB(2), 0);
	EXPECT(mem.shared);
	EXPECT(!fstat(mem.fd, &stat));
	EXPECT_EQ(stat.st_size, GIB(3) + MIB(4));
	other = mmap(NULL, MIB(4), PROT_READ, MAP_SHARED, mem.fd, GIB(3));
	EXPECT(other != MAP_FAILED);
	*(u8 *)memory_at(&mem, GIB(4) + MIB(3), 1) = 0x5a;
	EXPECT_EQ(other[MIB(3)], 0x5a);
	EXPECT(ftruncate(mem.fd, MIB(2)) == -1);
	EXPECT(ftruncate(mem.fd, GIB(8)) == -1);
	EXPECT(!memory_clear(&mem));
	EXPECT_EQ(other[MIB(3)], 0);
	EXPECT(!fstat(mem.fd, &stat));
	EXPECT_EQ(stat.st_size, GIB(3) + MIB(4));
	mem.host[0] = 1;
	EXPECT_EQ(mem.host[0], 1);
	/* A part, too, is given back for all. */
	fill(&mem, GIB(4));
	EXPECT_EQ(other[MEMORY_PAGE], 1);
	EXPECT(!memory_discard(&mem, GIB(4) + MEMORY_PAGE, MEMORY_PAGE));
	EXPECT_EQ(digits(&mem, GIB(4)), 0x1011);
	EXPECT_EQ(other[MEMORY_PAGE], 0);
	munmap(other, MIB(4));
	memory_destroy(&mem);
}

/* ---- what is plugged and unplugged ------------------------------------------------- */

static void plans(void)
{
	struct memory_region region;

	EXPECT(!memory_region_plan(&region, MIB(256), MIB(256)));
	EXPECT_EQ(region.size | region.max | region.block | region.start, 0);
	EXPECT(!memory_region_plan(&region, MIB(256), GIB(1)));
	EXPECT_EQ(region.start, GIB(4));
	EXPECT_EQ(region.size, MIB(768));
	EXPECT_EQ(region.max, MIB(768));
	EXPECT_EQ(region.block, MIB(4));
	EXPECT_EQ(region.offset, MIB(256));
	/* Above all RAM, aligned, and no less than Linux can use all of */
	EXPECT(!memory_region_plan(&region, GIB(4) + KIB(4), GIB(4) + KIB(4) + MIB(6)));
	EXPECT_EQ(region.start, GIB(6));
	EXPECT_EQ(region.size, MIB(128));
	EXPECT_EQ(region.max, MIB(6));
	EXPECT_EQ(region.block, MIB(2));
	EXPECT_EQ(region.offset, GIB(4) + MIB(2));
	EXPECT(!memory_region_plan(&region, GIB(64), GIB(65)));
	EXPECT_EQ(region.start, GIB(66));
	EXPECT_EQ(region.size, GIB(2));
	EXPECT_EQ(region.block, MIB(8));
	EXPECT(!memory_region_plan(&region, 1ULL << 44, 1ULL << 52));
	EXPECT_EQ(region.block, 1ULL << 44);
	EXPECT_EQ(region.start, 1ULL << 45);
	EXPECT_EQ(memory_region_blocks(&region), 255);
	EXPECT_FAIL(memory_region_plan(&region, MIB(256), MIB(128)), "max=128 MiB is less than the 256 MiB");
	EXPECT_FAIL(memory_region_plan(&region, MIB(256), MIB(256) + 1), "in steps of 2 MiB");
	EXPECT_FAIL(memory_region_plan(&region, GIB(1), GIB(2) + MIB(2)), "in steps of 8 MiB");
	EXPECT_FAIL(memory_region_plan(&region, MIB(2), UINT64_MAX), "than any machine can have");
	EXPECT_FAIL(memory_region_plan(&region, UINT64_MAX, MIB(2)), "is less than");
}

static void grows(void)
{
	struct memory_part part[MEMORY_PARTS_MAX];
	struct guest_memory mem;

	EXPECT_FAIL(memory_create_growing(&mem, MIB(4), MIB(2), false), "is less than");
	EXPECT(!memory_create_growing(&mem, MIB(4) + KIB(4), MIB(68) + KIB(4), false));
	EXPECT(!memory_at(&mem, GIB(4), 1));
	memory_region_set(&mem.region, 62, 2, true);
	memory_region_set(&mem.region, 0, 1, true);
	EXPECT_EQ(memory_size(&mem), MIB(10) + KIB(4));
	EXPECT(memory_at(&mem, GIB(4), MIB(2)) == mem.host + MIB(6));
	EXPECT(!memory_at(&mem, GIB(4), MIB(2) + 1));
	EXPECT(memory_at(&mem, GIB(4) + MIB(124), MIB(4)));
	EXPECT(!memory_at(&mem, GIB(4) + MIB(124), MIB(4) + 1));
	EXPECT(!memory_at(&mem, GIB(4) + MIB(124) - 1, 1));
	EXPECT(!memory_at(&mem, GIB(4), UINT64_MAX));
	EXPECT(!memory_at(&mem, GIB(4) + MIB(128), 0));
	EXPECT_EQ(memory_gpa(&mem, memory_at(&mem, GIB(4) + MIB(125), 1)), GIB(4) + MIB(125));
	EXPECT(!memory_discard(&mem, GIB(4) + MIB(126), MIB(2)));
	EXPECT_FAIL(memory_discard(&mem, GIB(4) + MIB(2), 4096), "not wholly in RAM");
	memory_region_set(&mem.region, 63, 1, false);
	EXPECT(!memory_at(&mem, GIB(4) + MIB(124), MIB(4)));
	EXPECT_EQ(memory_parts(&mem, part), 2);
	EXPECT_EQ(part[0].gpa, 0);
	EXPECT_EQ(part[0].size, MIB(4) + KIB(4));
	EXPECT_EQ(part[1].gpa, GIB(4));
	EXPECT_EQ(part[1].size, MIB(128));
	EXPECT_EQ(part[1].offset, MIB(6));
	*(u8 *)memory_at(&mem, GIB(4), 1) = 1;
	EXPECT(!memory_clear(&mem));
	EXPECT_EQ(*(u8 *)memory_at(&mem, GIB(4), 1), 0);
	memory_destroy(&mem);
}

/* All of it is the file's, of which others have a part beyond the RAM above 4 GiB, too. */
static void grows_shared(void)
{
	struct memory_part part[MEMORY_PARTS_MAX];
	struct guest_memory mem;
	struct stat stat;
	u8 *other;

	EXPECT(!memory_create_growing(&mem, GIB(3) + MIB(4), GIB(3) + MIB(8), true));
	EXPECT_EQ(memory_parts(&mem, part), 3);
	EXPECT_EQ(part[1].gpa, GIB(4));
	EXPECT_EQ(part[2].gpa, GIB(6));
	EXPECT_EQ(part[2].offset, GIB(3) + MIB(4));
	EXPECT(!fstat(mem.fd, &stat));
	EXPECT_EQ(stat.st_size, GIB(3) + MIB(132));
	memory_region_set(&mem.region, 1, 1, true);
	other = mmap(NULL, MIB(4), PROT_READ, MAP_SHARED, mem.fd, part[2].offset);
	EXPECT(other != MAP_FAILED);
	fill(&mem, GIB(6) + MIB(2));
	EXPECT_EQ(other[MIB(2) + MEMORY_PAGE], 1);
	memory_region_set(&mem.region, 1, 1, false);
	EXPECT(!memory_discard_blocks(&mem, 0, 2));
	EXPECT_EQ(other[MIB(2) + MEMORY_PAGE], 0);
	munmap(other, MIB(4));
	memory_destroy(&mem);
}

static const struct test_case cases[] = {
	TEST_CASE(sizes), TEST_CASE(low_only), TEST_CASE(high), TEST_CASE(discards),
	TEST_CASE(discards_high), TEST_CASE(shared), TEST_CASE(plans), TEST_CASE(grows),
	TEST_CASE(grows_shared),
};
TEST_SUITE(memory_suite, "memory", cases);
