// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "cpio.h"
#include "test.h"

static char *data;
static size_t size;
static struct cpio c;

static void start(void)
{
	cpio_start(&c, open_memstream(&data, &size));
	EXPECT(c.file);
}

static void end(void)
{
	EXPECT(!cpio_end(&c));
	fclose(c.file);
}

static u32 field(const char *header, unsigned int n)
{
	char digits[9] = "";

	memcpy(digits, header + 6 + 8 * n, 8);
	return strtoul(digits, NULL, 16);
}

/* The entry at @at, which must be so; returns where the next one is. */
static size_t expect_entry(size_t at, const char *name, u32 mode, const char *content)
{
	const char *header = data + at;
	size_t length = strlen(name) + 1;

	EXPECT_EQ(at % 4, 0);
	EXPECT(!memcmp(header, "070701", 6));
	EXPECT(field(header, 0));
	EXPECT_EQ(field(header, 1), mode);
	EXPECT_EQ(field(header, 4), 1);
	EXPECT_EQ(field(header, 6), strlen(content));
	EXPECT_EQ(field(header, 11), length);
	EXPECT(!strcmp(header + 110, name));
	at += align_up(110 + length, 4);
	EXPECT(!memcmp(data + at, content, strlen(content)));
	return at + align_up(strlen(content), 4);
}

static void archive(void)
{
	size_t at;

	start();
	cpio_add_folder(&c, "a");
	cpio_add(&c, "a/four", 0400, "1234", 4);
	cpio_add(&c, "a/empty", 0644, "", 0);
	EXPECT(!cpio_add_file(&c, "file", 0755, test_file("12345", 5)));
	end();
	at = expect_entry(0, "a", 040755, "");
	at = expect_entry(at, "a/four", 0100400, "1234");
	at = expect_entry(at, "a/empty", 0100644, "");
	at = expect_entry(at, "file", 0100755, "12345");
	at = expect_entry(at, "TRAILER!!!", 0, "");
	EXPECT_EQ(at, size);
	free(data);
}

static void errors(void)
{
	FILE *full;

	start();
	EXPECT_FAIL(cpio_add_file(&c, "x", 0644, "/nowhere/at all"), "/nowhere/at all");
	end();
	free(data);
	full = fopen("/dev/full", "w");
	cpio_start(&c, full);
	cpio_add_folder(&c, "a");
	EXPECT_FAIL(cpio_end(&c), "cannot write the initial RAM disk");
	fclose(full);
}

static const struct test_case cases[] = { TEST_CASE(archive), TEST_CASE(errors) };

TEST_SUITE(cpio_suite, "cpio", cases);
