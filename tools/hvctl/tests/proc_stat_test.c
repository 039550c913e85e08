// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel has counted for processes. */
#include "proc_stat.h"

#include <time.h>
#include <unistd.h>

#include "test.h"

#define FIELDS_3_TO_21	"S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"
#define FIELDS_23_TO_42	"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"

static void parses(void)
{
	static const char * const good[] = {
		"12 (hvctl) " FIELDS_3_TO_21 " 500 " FIELDS_23_TO_42 " 250 0 1 2\n",
		"12 (a) b (c\n) 1) " FIELDS_3_TO_21 " 500 " FIELDS_23_TO_42 " 250",
	};
	static const char * const bad[] = {
		"", "12", "12 (hvctl)", "12 (hvctl) " FIELDS_3_TO_21, "12 (x) " FIELDS_3_TO_21 " y",
		"12 (hvctl) " FIELDS_3_TO_21 " 500 " FIELDS_23_TO_42,
	};
	struct proc_stat stat;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT(proc_stat_parse(good[i], 100, &stat));
		EXPECT_EQ(stat.started, 5 * NS_PER_SECOND);
		EXPECT_EQ(stat.guest, 2500000000ULL);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!proc_stat_parse(bad[i], 100, &stat) && !stat.guest);
}

static void reads(void)
{
	static u8 touched[MIB(8)];
	struct proc_stat process, thread;
	struct timespec now;
	u64 before = proc_resident(), share = proc_share(getpid());

	EXPECT(proc_stat_read(0, &process));
	EXPECT(proc_stat_read(gettid(), &thread));
	EXPECT(thread.started >= process.started && process.started);
	EXPECT(!clock_gettime(CLOCK_BOOTTIME, &now));
	EXPECT(process.started <= now.tv_sec * NS_PER_SECOND + now.tv_nsec);
	/* pid 0 is nobody's. */
	EXPECT(!proc_stat_read(-1, &thread) && !thread.started);
	EXPECT_EQ(proc_share(0), 0);
	memset(touched, 1, sizeof(touched));
	/* Whoever compiles this must not know that nobody reads it. */
	__asm__ volatile("" : : "r"(touched) : "memory");
	/* Linux counts for each CPU apart, and adds up some pages later. */
	EXPECT(before && proc_resident() >= before + sizeof(touched) - MIB(1));
	EXPECT(!share || proc_share(getpid()) >= share + sizeof(touched) - MIB(1));
}

static const struct test_case cases[] = {
	TEST_CASE(parses),
	TEST_CASE(reads),
};

TEST_SUITE(proc_stat_suite, "proc_stat", cases);
