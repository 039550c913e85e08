// SPDX-License-Identifier: GPL-2.0-only
/* Tables, wide and narrow. */
#include "table.h"

#include <stdlib.h>

#include "test.h"

static const struct table_column columns[] = {
	{ "NAME", TABLE_LEFT, 5 }, { "N", TABLE_RIGHT, 0 }, { "WHY", TABLE_LEFT, 4 },
};

static struct table *make(void)
{
	struct table *t = table_create(columns, ARRAY_SIZE(columns));

	EXPECT(t);
	table_add(t, "%s", "a-long-name");
	table_add(t, "%d", 7);
	table_add(t, "%s", "one two three");
	table_add(t, "b");
	table_add(t, "1234");
	table_add(t, "%s", "");
	return t;
}

static void prints(size_t rows, unsigned int width, const char *expected)
{
	struct table *t = make();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_print(t, out, rows, width);
	fclose(out);
	table_destroy(t);
	EXPECT_HAS(text, expected);
	EXPECT_EQ(strlen(text), strlen(expected));
	free(text);
}

/* Nothing stands behind the last word of a line. */
static void as_wide_as_it_is(void)
{
	static const char whole[] =
		"NAME           N WHY\n"
		"a-long-name    7 one two three\n"
		"b           1234\n";

	prints(TABLE_ALL, 0, whole);
	prints(2, 0, whole);
	prints(TABLE_ALL, 30, whole);
	prints(1, 0, "NAME        N WHY\na-long-name 7 one two three\n");
	prints(0, 0, "NAME N WHY\n");
}

/* Whole words, from the last column on; then what there is of a word. */
static void cut(void)
{
	prints(TABLE_ALL, 29, "NAME           N WHY\na-long-name    7 one two\nb           1234\n");
	prints(TABLE_ALL, 24, "NAME           N WHY\na-long-name    7 one two\nb           1234\n");
	prints(TABLE_ALL, 23, "NAME           N WHY\na-long-name    7 one\nb           1234\n");
	prints(TABLE_ALL, 20, "NAME          N WHY\na-long-na~    7 one\nb          1234\n");
	prints(TABLE_ALL, 12, "NAME     N W\na-lo~    7 o\nb     1234\n");
	prints(TABLE_ALL, 3, "NAM\na-l\nb\n");
}

/* Rows whose last cells are missing */
static void unfinished(void)
{
	struct table *t = make();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_add(t, "%s", "c\n\033\177d");
	table_print(t, out, TABLE_ALL, 0);
	fclose(out);
	table_destroy(t);
	EXPECT_HAS(text, "\nb           1234\nc???d\n");
	free(text);
	table_destroy(NULL);
}

static const struct test_case cases[] = {
	TEST_CASE(as_wide_as_it_is),
	TEST_CASE(cut),
	TEST_CASE(unfinished),
};

TEST_SUITE(table_suite, "table", cases);
