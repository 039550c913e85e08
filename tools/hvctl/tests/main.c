// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES_MAX	64

/* Made by the linker: where the section of TEST_SUITE() begins and ends */
extern const struct test_suite * const __start_test_suites[];
extern const struct test_suite * const __stop_test_suites[];

static bool failed;
static const char *skipped;	/* why */
static int files[FILES_MAX];
static unsigned int file_count;
static u32 random_state;

void test_expect(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	failed = true;
	printf("    # %s:%d: expected %s\n", file, line, what);
}

void test_expect_eq(u64 a, u64 b, const char *file, int line, const char *what)
{
	if (a == b)
		return;
	failed = true;
	printf("    # %s:%d: expected %s, got 0x%" PRIx64 " and 0x%" PRIx64 "\n",
	       file, line, what, a, b);
}

void test_expect_has(const char *text, const char *part, const char *file, int line)
{
	if (strstr(text, part))
		return;
	failed = true;
	printf("    # %s:%d: expected \"%s\" in \"%s\"\n", file, line, part, text);
}

static void broken(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

void test_skip(const char *why)
{
	skipped = why;
}

/* Close @fd when the test ends; returns the path that it can be opened by. */
static const char *keep_file(int fd)
{
	static char paths[FILES_MAX][32];

	if (file_count == FILES_MAX)
		broken("too many test files");
	files[file_count] = fd;
	snprintf(paths[file_count], sizeof(paths[0]), "/proc/self/fd/%d", fd);
	return paths[file_count++];
}

const char *test_file(const void *data, u64 size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		broken("cannot make a test file");
	return keep_file(fd);
}

const char *test_file_on_disk(u64 size)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	fd = open(folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		test_skip("no file without a name in TMPDIR or /var/tmp");
		return NULL;
	}
	if (ftruncate(fd, size))
		broken("cannot make a test file");
	return keep_file(fd);
}

/* Numerical Recipes' linear congruential generator; its high half is good enough. */
u32 test_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

static bool run_case(const struct test_case *test)
{
	failed = false;
	skipped = NULL;
	random_state = 1;
	test->run();
	while (file_count)
		close(files[--file_count]);
	return !failed;
}

static bool run_suite(const struct test_suite *suite)
{
	bool all = true;
	unsigned int i;

	printf("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name, suite->count);
	for (i = 0; i < suite->count; i++) {
		bool ok = run_case(&suite->cases[i]);

		printf("    %s %u %s%s%s\n", ok ? "ok" : "not ok", i + 1, suite->cases[i].name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
		all &= ok;
	}
	return all;
}

/* Of all suites those that are named; without names, all. */
static bool is_wanted(const struct test_suite *suite, char **names)
{
	char **name = names;

	while (*name && strcmp(*name, suite->name))
		name++;
	return !*names || *name;
}

int main(int argc, char **argv)
{
	bool all = true;
	/* cppcheck-suppress comparePointers; to the linker it's one array. */
	size_t i, count = __stop_test_suites - __start_test_suites;
	unsigned int wanted = 0, run = 0;

	say_nothing = true;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < count; i++)
		wanted += is_wanted(__start_test_suites[i], argv + (argc > 0));
	printf("KTAP version 1\n1..%u\n", wanted);
	for (i = 0; i < count; i++) {
		const struct test_suite *suite = __start_test_suites[i];
		bool ok;

		if (!is_wanted(suite, argv + (argc > 0)))
			continue;
		ok = run_suite(suite);
		printf("%s %u %s\n", ok ? "ok" : "not ok", ++run, suite->name);
		all &= ok;
	}
	return all ? 0 : 1;
}
