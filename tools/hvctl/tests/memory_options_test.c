// SPDX-License-Identifier: GPL-2.0-only
#include "memory_options.h"

#include "host_memory.h"
#include "test.h"

static void run(void)
{
	struct run_memory memory;

	EXPECT(!run_memory_parse(&memory, "512M"));
	EXPECT_EQ(memory.size, MIB(512));
	EXPECT_EQ(memory.max, MIB(512));
	EXPECT(!run_memory_parse(&memory, "512M,max=4G"));
	EXPECT_EQ(memory.size, MIB(512));
	EXPECT_EQ(memory.max, GIB(4));
	EXPECT_FAIL(run_memory_parse(&memory, ""), "'' is not a size");
	EXPECT_FAIL(run_memory_parse(&memory, "max=4G"), "'max=4G' is not a size");
	EXPECT_FAIL(run_memory_parse(&memory, ",max=4G"), "'' is not a size");
	EXPECT_FAIL(run_memory_parse(&memory, "512M,max"), "max needs a value: max=4G");
	EXPECT_FAIL(run_memory_parse(&memory, "512M,max=x"), "--memory: max: 'x' is not a size");
	EXPECT_FAIL(run_memory_parse(&memory, "512M,max=1G,max=2G"), "given twice");
	EXPECT_FAIL(run_memory_parse(&memory, "512M,"), "nothing after the comma");
	EXPECT_FAIL(run_memory_parse(&memory, "512M,most=1G"), "'most' is none of max");
	EXPECT_FAIL(run_memory_parse(&memory, "00000000000000000000000000000000000001M,max=1G"),
		    "is not a size");
}

static void set(void)
{
	struct set_memory memory;

	EXPECT(!set_memory_parse(&memory, "1G"));
	EXPECT_EQ(memory.size, GIB(1));
	EXPECT(!memory.overcommit);
	EXPECT(!set_memory_parse(&memory, "1G,overcommit"));
	EXPECT_EQ(memory.size, GIB(1));
	EXPECT(memory.overcommit);
	EXPECT_FAIL(set_memory_parse(&memory, "1G,overcommit=1"), "overcommit takes no value");
	EXPECT_FAIL(set_memory_parse(&memory, "1G,max=2G"), "'max' is none of overcommit");
	EXPECT_FAIL(set_memory_parse(&memory, "+1G"), "'+1G' is not a size");
}

static void host(void)
{
	u64 bytes = 0;

	EXPECT(!host_memory_parse("MemTotal: 9 kB\nMemAvailable:    1234 kB\nSwap: 1 kB\n", &bytes));
	EXPECT_EQ(bytes, KIB(1234));
	EXPECT(!host_memory_parse("MemAvailable: 5 kB", &bytes));
	EXPECT_EQ(bytes, KIB(5));
	EXPECT(host_memory_parse("NotMemAvailable: 5 kB\n", &bytes));
	EXPECT(host_memory_parse("MemAvailable: x\n", &bytes));
	EXPECT(host_memory_parse("", &bytes));
	EXPECT(!host_memory_available(&bytes));
	EXPECT(bytes > MIB(1));
}

static const struct test_case cases[] = {
	TEST_CASE(run), TEST_CASE(set), TEST_CASE(host),
};

TEST_SUITE(memory_options_suite, "memory_options", cases);
