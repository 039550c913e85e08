/* SPDX-License-Identifier: GPL-2.0-only */
/* A small unit-test harness that reports in KTAP. */
#ifndef HVCTL_TEST_H
#define HVCTL_TEST_H

#include <string.h>

#include "error.h"
#include "types.h"

struct test_case {
	const char *name;
	void (*run)(void);
};

struct test_suite {
	const char *name;
	const struct test_case *cases;
	unsigned int count;
};

#define TEST_CASE(function)	{ #function, function }
/* main() finds all suites by the section of their addresses. */
#define TEST_SUITE(symbol, text, list)					\
	static const struct test_suite symbol = { text, list, ARRAY_SIZE(list) }; \
	static const struct test_suite * const symbol##_at		\
		__attribute__((section("test_suites"), used)) = &symbol

/* A failed expectation is told with its place, and the test goes on. */
void test_expect(bool ok, const char *file, int line, const char *what);
void test_expect_eq(u64 a, u64 b, const char *file, int line, const char *what);
void test_expect_has(const char *text, const char *part, const char *file, int line);

#define EXPECT(cond)		test_expect(cond, __FILE__, __LINE__, #cond)
#define EXPECT_EQ(a, b)		test_expect_eq(a, b, __FILE__, __LINE__, #a " == " #b)
/* @text contains @part. */
#define EXPECT_HAS(text, part)	test_expect_has(text, part, __FILE__, __LINE__)
/* @call returns -1, and the sentence contains @part. */
#define EXPECT_FAIL(call, part)						\
	do {								\
		fail_say("(no sentence)");				\
		test_expect((call) == -1, __FILE__, __LINE__, #call " fails"); \
		EXPECT_HAS(fail_text(), part);				\
	} while (0)

/* This host lacks what the test needs, so it is none: say so, and return from it. */
void test_skip(const char *why);

/* ---- files ------------------------------------------------------------- */

/* A file with this content, which lasts until the test ends; returns its path. */
const char *test_file(const void *data, u64 size);

/*
 * The same, of @size zero bytes and on a real file system: that of $TMPDIR, or
 * /var/tmp. NULL, and the test is skipped, if there is none for that.
 */
const char *test_file_on_disk(u64 size);

/* ---- random numbers, the same in each run ------------------------------- */

u32 test_random(void);

#endif
