// SPDX-License-Identifier: GPL-2.0-only
/* Standard files that are closed, or full. */
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "standard_files.h"
#include "test.h"

#define COUNT	3

static int kept[COUNT];

/* Results are printed between the tests; nothing may be while its file is away. */
static void put_away(void)
{
	int fd;

	fflush(stdout);
	for (fd = 0; fd < COUNT; fd++)
		kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, COUNT);
}

static void put_back(void)
{
	int fd;

	for (fd = 0; fd < COUNT; fd++) {
		dup2(kept[fd], fd);
		close(kept[fd]);
	}
}

static void closed(void)
{
	char name[COUNT][32] = { "" };
	ssize_t in, out;
	char byte = 0;
	int fd, ret;

	put_away();
	close(0);
	close(1);
	close(2);
	ret = standard_files_fill();
	for (fd = 0; fd < COUNT; fd++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, name[fd], sizeof(name[fd]) - 1) < 0)
			strcpy(name[fd], "none");
	}
	in = read(0, &byte, 1);
	out = write(2, &byte, 1);
	put_back();
	EXPECT(!ret);
	for (fd = 0; fd < COUNT; fd++)
		EXPECT(!strcmp(name[fd], "/dev/null"));
	EXPECT_EQ(in, 0);
	EXPECT_EQ(out, -1);
}

static void open_ones(void)
{
	char before[32] = "", after[32] = "";
	int ret;

	put_away();
	close(1);
	EXPECT(readlink("/proc/self/fd/2", before, sizeof(before) - 1) > 0);
	ret = standard_files_fill();
	EXPECT(readlink("/proc/self/fd/2", after, sizeof(after) - 1) > 0);
	put_back();
	EXPECT(!ret);
	EXPECT(!strcmp(before, after));
}

/* What flush() says of a standard output that is @path, after @size bytes were printed */
static int print_to(const char *path, unsigned int size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	put_away();
	dup2(fd, STDOUT_FILENO);
	while (size--)
		putchar('x');
	ret = standard_output_flush();
	__fpurge(stdout);
	clearerr(stdout);
	put_back();
	close(fd);
	return ret;
}

static void no_room(void)
{
	EXPECT(!print_to("/dev/null", 100));
	EXPECT(!print_to("/dev/full", 0));
	EXPECT_FAIL(print_to("/dev/full", 100), "cannot write to the standard output: No space");
	EXPECT_EQ(print_to("/dev/full", MIB(1)), -1);
}

static const struct test_case cases[] = {
	TEST_CASE(closed),
	TEST_CASE(open_ones),
	TEST_CASE(no_room),
};

TEST_SUITE(standard_files_suite, "standard_files", cases);
