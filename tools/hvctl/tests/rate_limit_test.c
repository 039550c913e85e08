// SPDX-License-Identifier: GPL-2.0-only
#include "rate_limit.h"
#include "test.h"

#define SECOND	1000000000ULL
#define MS	1000000ULL
#define START	(77 * SECOND)

static struct rate_limit limit;

static void none(void)
{
	rate_limit_init(&limit, 0, 0);
	EXPECT(!rate_limit_is_set(&limit));
	EXPECT_EQ(rate_limit_reserve(&limit, START, UINT64_MAX), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, UINT64_MAX), START);
	rate_limit_destroy(&limit);
}

/* 100 a second: ten are in the bucket, one more goes into debt, then one each 10 ms. */
static void requests(void)
{
	unsigned int i;

	rate_limit_init(&limit, 100, 0);
	EXPECT(rate_limit_is_set(&limit));
	for (i = 0; i < 11; i++)
		EXPECT_EQ(rate_limit_reserve(&limit, START, GIB(1)), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 0), START + 10 * MS);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 0), START + 20 * MS);
	/* What was promised keeps its place, however long it takes until more comes. */
	EXPECT_EQ(rate_limit_reserve(&limit, START + 25 * MS, 0), START + 30 * MS);
	EXPECT_EQ(rate_limit_reserve(&limit, START + 45 * MS, 0), START + 45 * MS);
	EXPECT_EQ(rate_limit_reserve(&limit, START + 45 * MS, 0), START + 50 * MS);
	rate_limit_destroy(&limit);
}

/* Time without requests fills the bucket, but not above its rim. */
static void idle(void)
{
	unsigned int i, at_once = 0;

	rate_limit_init(&limit, 100, 0);
	for (i = 0; i < 50; i++)
		rate_limit_reserve(&limit, START, 0);
	for (i = 0; i < 50; i++)
		at_once += rate_limit_reserve(&limit, START + 3600 * SECOND, 0) ==
			   START + 3600 * SECOND;
	EXPECT_EQ(at_once, 11);
	rate_limit_destroy(&limit);
}

/* A request larger than the bucket goes, and those after it pay. */
static void bytes(void)
{
	rate_limit_init(&limit, 0, MIB(1));
	EXPECT_EQ(rate_limit_reserve(&limit, START, MIB(4)), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, MIB(1)), START + 3900 * MS);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 512), START + 4900 * MS);
	rate_limit_destroy(&limit);

	/* One that needs no bytes needs not wait for any. */
	rate_limit_init(&limit, 0, MIB(1));
	rate_limit_reserve(&limit, START, MIB(4));
	EXPECT_EQ(rate_limit_reserve(&limit, START, 0), START);
	rate_limit_destroy(&limit);
}

/* The stricter of the two decides. */
static void both(void)
{
	rate_limit_init(&limit, 1, 1000);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 512), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 512), START + 900 * MS);
	rate_limit_charge(&limit, START, 5000);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 512), START + 6312 * MS);
	rate_limit_destroy(&limit);
}

/* Rates that don't divide a second into whole ns are kept all the same. */
static void rounding(void)
{
	u64 start = 0;
	unsigned int i;

	rate_limit_init(&limit, 0, 300000007);
	for (i = 0; i <= 300000; i++)
		start = rate_limit_reserve(&limit, START, 1000);
	EXPECT_EQ(start, START + 999999976 - RATE_LIMIT_BURST_NS);
	rate_limit_destroy(&limit);
}

/* What no one lives to see is a time, too. */
static void extremes(void)
{
	rate_limit_init(&limit, 1, 1);
	EXPECT_EQ(rate_limit_reserve(&limit, START, UINT64_MAX), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, UINT64_MAX),
		  RATE_LIMIT_NEVER - RATE_LIMIT_BURST_NS);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 1),
		  RATE_LIMIT_NEVER - RATE_LIMIT_BURST_NS);
	rate_limit_destroy(&limit);
	rate_limit_init(&limit, 0, UINT64_MAX);
	EXPECT_EQ(rate_limit_reserve(&limit, START, UINT64_MAX), START);
	EXPECT_EQ(rate_limit_reserve(&limit, START, 1), START + 900 * MS);
	rate_limit_destroy(&limit);
}

#define ARRIVALS	2000
static struct { u64 start, bytes; } arrivals[ARRIVALS];

/* From the @first, do no more begin than @rate and the bucket allow? The last may be in debt. */
static void check_rate(unsigned int first, u64 rate, bool by_bytes)
{
	u64 sum = 0;
	unsigned int i;

	for (i = first; i < ARRIVALS && i < first + 200; i++) {
		u64 span = arrivals[i].start - arrivals[first].start + RATE_LIMIT_BURST_NS;
		u64 tokens = by_bytes ? arrivals[i].bytes : 1;

		/* A ns and a token for what is rounded. */
		if (tokens)
			EXPECT((span + 1) * rate + SECOND >= sum * SECOND);
		sum += tokens;
	}
}

/* However they come, and with many that need no bytes. */
static void random_arrivals(void)
{
	u64 now = START;
	unsigned int i;

	rate_limit_init(&limit, 70, 100000);
	for (i = 0; i < ARRIVALS; i++) {
		bool any = test_random() >> 8 & i / 200;

		now += test_random() >> 8 & 3 ? 0 : test_random() % (200 * MS);
		arrivals[i].bytes = any ? 512 * (test_random() % 8 + 1) : 0;
		arrivals[i].start = rate_limit_reserve(&limit, now, arrivals[i].bytes);
		EXPECT(arrivals[i].start >= now);
		EXPECT(!i || arrivals[i].start >= arrivals[i - 1].start);
	}
	for (i = 0; i < ARRIVALS; i++) {
		check_rate(i, 70, false);
		check_rate(i, 100000, true);
	}
	rate_limit_destroy(&limit);
}

static const struct test_case cases[] = {
	TEST_CASE(none), TEST_CASE(requests), TEST_CASE(idle), TEST_CASE(bytes), TEST_CASE(both),
	TEST_CASE(rounding), TEST_CASE(extremes), TEST_CASE(random_arrivals),
};
TEST_SUITE(rate_limit_suite, "rate_limit", cases);
