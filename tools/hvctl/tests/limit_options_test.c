// SPDX-License-Identifier: GPL-2.0-only
#include "limit_options.h"

#include <stdio.h>

#include "run_options.h"
#include "set_options.h"
#include "test.h"

/* ---- lists of CPUs -------------------------------------------------------------- */

static bool is_list(const char *text, const char *wanted)
{
	static char formatted[CPU_LIST_TEXT];
	static struct cpu_list list;

	return cpu_list_parse(&list, text) && !strcmp(cpu_list_format(&list, formatted), wanted);
}

static void lists(void)
{
	static const char * const none[] = {
		"a", "-", "-1", "1-", "1--2", "3-1", ",", "1,", ",1", "1,,2", " 1", "1 ", "8192",
		"0-8192", "99999999999999999999", "1-2-3", "0x1", "1\n2", "0-3:2",
	};
	unsigned int i;

	EXPECT(is_list("0", "0"));
	EXPECT(is_list("8,0-3", "0-3,8"));
	EXPECT(is_list("1,2,3,5", "1-3,5"));
	EXPECT(is_list("2,1-3,3", "1-3"));
	EXPECT(is_list("63-64,127,128", "63-64,127-128"));
	EXPECT(is_list("0-8191", "0-8191"));
	EXPECT(is_list("8191", "8191"));
	EXPECT(is_list("0-1\n", "0-1"));
	EXPECT(is_list("", ""));
	EXPECT(is_list("\n", ""));
	for (i = 0; i < ARRAY_SIZE(none); i++)
		EXPECT(!is_list(none[i], ""));
}

/* Each CPU apart makes the longest text. */
static void longest_list(void)
{
	static char text[CPU_LIST_TEXT], again[CPU_LIST_TEXT];
	static struct cpu_list list;

	memset(&list, 0xaa, sizeof(list));
	EXPECT_HAS(cpu_list_format(&list, text), "1,3,5,");
	EXPECT_HAS(text, ",8189,8191");
	EXPECT(cpu_list_parse(&list, text));
	EXPECT(!strcmp(cpu_list_format(&list, again), text));
}

static void beyond(void)
{
	static struct cpu_list list, all;

	cpu_list_parse(&all, "0-3,70");
	cpu_list_parse(&list, "1,3,70");
	EXPECT_EQ(cpu_list_first_beyond(&list, &all), -1);
	cpu_list_parse(&list, "1,3,69-70");
	EXPECT_EQ(cpu_list_first_beyond(&list, &all), 69);
	EXPECT(!cpu_list_is_empty(&list));
	cpu_list_parse(&list, "");
	EXPECT_EQ(cpu_list_first_beyond(&list, &all), -1);
	EXPECT(cpu_list_is_empty(&list));
}

/* ---- options -------------------------------------------------------------------- */

static struct limits limits;

static void values(void)
{
	char text[CPU_LIST_TEXT];

	memset(&limits, 0, sizeof(limits));
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU_UNITS, "500000"));
	EXPECT_EQ(limits.cpu_units, 500000);
	EXPECT_EQ(limits.given, BIT(LIMIT_CPU_UNITS));
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU, "150"));
	EXPECT_EQ(limits.cpu_percent, 150);
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU, "50%"));
	EXPECT_EQ(limits.cpu_percent, 50);
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU, "0"));
	EXPECT_EQ(limits.cpu_percent, 0);
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU_AFFINITY, "3,0-1"));
	EXPECT(!strcmp(cpu_list_format(&limits.cpus, text), "0-1,3"));
	EXPECT(!limit_options_parse(&limits, LIMIT_CPU_AFFINITY, "all"));
	EXPECT(cpu_list_is_empty(&limits.cpus));
	EXPECT(!limit_options_parse(&limits, LIMIT_MEMORY, "16M"));
	EXPECT_EQ(limits.memory, MIB(16));
	EXPECT(!limit_options_parse(&limits, LIMIT_MEMORY, "0"));
	EXPECT_EQ(limits.memory, 0);
	EXPECT_EQ(limits.given, BIT(LIMITS) - 1);
}

static void no_values(void)
{
	memset(&limits, 0, sizeof(limits));
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU_UNITS, "0"), "--cpu-units: '0'");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU_UNITS, "500001"), "from 1 to 500000");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, "%"), "'%' is no percentage");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, ""), "no percentage");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, "50%%"), "--cpu-limit: '50%'");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, "-1"), "--cpu-limit: '-1'");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, "819201"), "from 0 to 819200");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU, "00000000000000050"), "no percentage");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU_AFFINITY, ""), "no list of CPUs");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_CPU_AFFINITY, "some"), "'some' is no list");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_MEMORY, "15M"), "16M at least");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_MEMORY, "20000001"), "multiple of 4K");
	EXPECT_FAIL(limit_options_parse(&limits, LIMIT_MEMORY, "lots"), "not a size");
	EXPECT_EQ(limits.given, 0);
}

/* 1000 are what 100 is to Linux. */
static void weights(void)
{
	EXPECT_EQ(cpu_units_weight(1), 1);
	EXPECT_EQ(cpu_units_weight(8), 1);
	EXPECT_EQ(cpu_units_weight(15), 2);
	EXPECT_EQ(cpu_units_weight(250), 25);
	EXPECT_EQ(cpu_units_weight(CPU_UNITS_DEFAULT), 100);
	EXPECT_EQ(cpu_units_weight(99999), 10000);
	EXPECT_EQ(cpu_units_weight(CPU_UNITS_MAX), 10000);
}

/* ---- JSON ----------------------------------------------------------------------- */

static int from(const char *text)
{
	struct json_object *object = json_tokener_parse(text);
	int ret = limit_options_from_json(&limits, object);

	json_object_put(object);
	return ret;
}

static void there_and_back(void)
{
	static const char all[] =
		"{\"cpu-units\":8,\"cpu-limit\":150,\"memory-limit\":33554432,\"cpu-affinity\":\"0-3,8\"}";
	struct json_object *object = json_object_new_object();

	EXPECT(!from(all));
	EXPECT_EQ(limits.given, BIT(LIMITS) - 1);
	limit_options_to_json(&limits, object);
	EXPECT_EQ(json_object_object_length(object), LIMITS);
	EXPECT(!from(json_object_to_json_string(object)));
	EXPECT_EQ(limits.cpu_units, 8);
	EXPECT_EQ(limits.cpu_percent, 150);
	EXPECT_EQ(limits.memory, MIB(32));
	EXPECT_EQ(limits.cpus.bits[0], 0x10f);
	json_object_put(object);

	EXPECT(!limit_options_from_json(&limits, NULL));
	EXPECT_EQ(limits.given, 0);
	EXPECT(!from("{\"cpu-affinity\":\"all\",\"cpu-limit\":0}"));
	EXPECT_EQ(limits.given, BIT(LIMIT_CPU_AFFINITY) | BIT(LIMIT_CPU));
	EXPECT(cpu_list_is_empty(&limits.cpus));
}

static void no_json(void)
{
	EXPECT_FAIL(from("{\"cpu-units\":0}"), "--cpu-units: 0 is not from 1 to 500000");
	EXPECT_FAIL(from("{\"cpu-units\":4294967297}"), "--cpu-units: 4294967297");
	EXPECT_FAIL(from("{\"cpu-units\":\"8\"}"), "cpu-units is no number");
	EXPECT_FAIL(from("{\"cpu-limit\":-1}"), "cpu-limit is no number");
	EXPECT_FAIL(from("{\"cpu-limit\":819201}"), "more than any host has");
	EXPECT_FAIL(from("{\"cpu-limit\":1.5}"), "cpu-limit is no number");
	EXPECT_FAIL(from("{\"cpu-affinity\":3}"), "cpu-affinity is no text");
	EXPECT_FAIL(from("{\"cpu-affinity\":\"\"}"), "no list of CPUs");
	EXPECT_FAIL(from("{\"memory-limit\":4096}"), "16M at least");
	EXPECT_FAIL(from("{\"memory-limit\":null}"), "memory-limit is no number");
}

static void run_command_line(void)
{
	static struct run_options options;
	const char *bad[] = { "run", "--kernel=k", "--cpu-affinity", "0-", NULL };
	const char *argv[] = {
		"run", "--cpu-units=8", "--kernel=k", "--cpu-limit", "150%", "--cpu-affinity=8,0-3",
		"--memory-limit=32M", "--cpus=2", "--memory=64M", NULL
	};

	EXPECT(!run_options_parse(&options, ARRAY_SIZE(argv) - 1, (char **)argv));
	EXPECT_EQ(options.machine.limits.given, BIT(LIMITS) - 1);
	EXPECT_EQ(options.machine.limits.cpu_units, 8);
	EXPECT_EQ(options.machine.limits.cpu_percent, 150);
	EXPECT_EQ(options.machine.limits.cpus.bits[0], 0x10f);
	EXPECT_EQ(options.machine.limits.memory, MIB(32));
	EXPECT_EQ(options.machine.memory, MIB(64));
	EXPECT_EQ(options.machine.cpus, 2);
	EXPECT_FAIL(run_options_parse(&options, ARRAY_SIZE(bad) - 1, (char **)bad),
		    "--cpu-affinity: '0-' is no list");
}

static void set_command_line(void)
{
	const char *bad[] = { "set", "web", "--cpu-limit=x", NULL };
	const char *argv[] = {
		"set", "web", "--cpu-units=8", "--cpu-limit", "150%", "--cpu-affinity=8,0-3",
		"--memory-limit=32M", NULL
	};
	struct set_options options;

	EXPECT(!set_options_parse(&options, ARRAY_SIZE(argv) - 1, (char **)argv));
	EXPECT(!strcmp(json_object_to_json_string_ext(options.arguments, JSON_C_TO_STRING_PLAIN),
		       "{\"cpu-units\":8,\"cpu-limit\":150,\"cpu-affinity\":\"0-3,8\",\"memory-limit\":33554432}"));
	json_object_put(options.arguments);
	EXPECT_FAIL(set_options_parse(&options, ARRAY_SIZE(bad) - 1, (char **)bad),
		    "--cpu-limit: 'x'");
}

static const struct test_case cases[] = {
	TEST_CASE(lists),
	TEST_CASE(longest_list),
	TEST_CASE(beyond),
	TEST_CASE(values),
	TEST_CASE(no_values),
	TEST_CASE(weights),
	TEST_CASE(there_and_back),
	TEST_CASE(no_json),
	TEST_CASE(run_command_line),
	TEST_CASE(set_command_line),
};

TEST_SUITE(limit_options_suite, "limit_options", cases);
