// SPDX-License-Identifier: GPL-2.0-only
#include "size.h"
#include "test.h"

static void sizes(void)
{
	static const struct { const char *text; u64 size; } good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "1k", 1024 }, { "64K", 65536 },
		{ "512M", MIB(512) }, { "3g", GIB(3) }, { "17179869183G", 17179869183ULL << 30 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char * const bad[] = {
		"", "M", "-1", "+1", " 1", "1 ", "1MB", "1T", "1.5G", "0x10", "1M1",
		"18446744073709551616", "17179869184G", "99999999999999999999999",
	};
	unsigned int i;
	u64 size;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT(!parse_size(good[i].text, "--memory", &size));
		EXPECT_EQ(size, good[i].size);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FAIL(parse_size(bad[i], "--memory", &size), "--memory: ");
}

static void numbers(void)
{
	u64 value;

	EXPECT(!parse_number("0xf4", "x", 0, 0xffff, &value));
	EXPECT_EQ(value, 0xf4);
	EXPECT(!parse_number("010", "x", 0, 100, &value));
	EXPECT_EQ(value, 10);
	EXPECT(!parse_number("100", "x", 1, 100, &value));
	EXPECT_FAIL(parse_number("0", "x", 1, 100, &value), "from 1 to 100");
	EXPECT_FAIL(parse_number("101", "x", 1, 100, &value), "from 1 to 100");
	EXPECT_FAIL(parse_number("-1", "x", 0, UINT64_MAX, &value), "not a number");
	EXPECT_FAIL(parse_number("", "x", 0, 9, &value), "not a number");
	EXPECT_FAIL(parse_number("0x", "x", 0, 9, &value), "not a number");
	EXPECT_FAIL(parse_number("4x", "x", 0, 9, &value), "not a number");
	EXPECT_FAIL(parse_number("99999999999999999999", "x", 0, UINT64_MAX, &value), "not a number");
}

static void formats(void)
{
	char text[32];

	EXPECT(!strcmp(format_size(0, text, sizeof(text)), "0 bytes"));
	EXPECT(!strcmp(format_size(1000, text, sizeof(text)), "1000 bytes"));
	EXPECT(!strcmp(format_size(MIB(512), text, sizeof(text)), "512 MiB"));
	EXPECT(!strcmp(format_size(GIB(4), text, sizeof(text)), "4 GiB"));
	EXPECT(!strcmp(format_size(MIB(1536), text, sizeof(text)), "1536 MiB"));
	EXPECT(!strcmp(format_size(20001, text, sizeof(text)), "19 KiB"));
}

static const char *in_short(u64 value, unsigned int step)
{
	static char text[SHORT_LENGTH];

	return format_short(value, step, text);
}

static void short_ones(void)
{
	static const struct {
		u64 value;
		unsigned int step;
		const char *text;
	} known[] = {
		{ 0, 1000, "0" }, { 999, 1000, "999" }, { 1000, 1000, "1.0K" },
		{ 1023, 1024, "1023" }, { 1024, 1024, "1.0K" }, { 1999, 1000, "1.9K" },
		{ 9999, 1000, "9.9K" }, { 10000, 1000, "10K" }, { 1048575, 1024, "1023K" },
		{ MIB(1536), 1024, "1.5G" }, { GIB(1) - 1, 1024, "1023M" },
		{ UINT64_MAX, 1024, "15E" }, { UINT64_MAX, 1000, "18E" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		EXPECT(!strcmp(in_short(known[i].value, known[i].step), known[i].text));
}

static const struct test_case cases[] = {
	TEST_CASE(sizes), TEST_CASE(numbers), TEST_CASE(formats),
	TEST_CASE(short_ones),
};
TEST_SUITE(size_suite, "size", cases);
