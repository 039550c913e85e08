// SPDX-License-Identifier: GPL-2.0-only
#include "boot_test.h"

#include <stdlib.h>
#include <unistd.h>

struct guest_memory boot_mem;
struct boot_entry boot_entry;
struct boot_files boot_files;

void boot_start(u64 size)
{
	boot_files = (struct boot_files){ .cmdline = "" };
	EXPECT(!memory_create(&boot_mem, size));
}

void boot_end(void)
{
	memory_destroy(&boot_mem);
}

static int load_path(const char *path)
{
	boot_files.kernel = path;
	EXPECT(!memory_clear(&boot_mem));
	return boot_load(&boot_files, &boot_mem, TEST_RSDP, &boot_entry);
}

int load_image(const void *image, u64 size)
{
	return load_path(test_file(image, size));
}

/* The same without a file of its own for each of thousands of images. */
static int reload_image(int fd, const char *path, const void *image, u64 size)
{
	EXPECT(!ftruncate(fd, 0));
	EXPECT_EQ(pwrite(fd, image, size, 0), size);
	return load_path(path);
}

void boot_hostile(const void *image, u64 size, u64 step, u64 head)
{
	const char *path = test_file("", 0);
	int fd = atoi(strrchr(path, '/') + 1);
	u8 *copy = malloc(size);
	u64 len;
	u32 i;

	for (len = 0; len < size; len += step)
		EXPECT(reload_image(fd, path, image, len));

	for (i = 0; i < 2000; i++) {
		u32 flips = 1 + test_random() % 8;

		memcpy(copy, image, size);
		while (flips--) {
			u64 at = test_random() % head;

			/* Extremes find more than what is in between. */
			copy[at] = test_random() & 1 ? test_random() : test_random() & 1 ? 0xff : 0;
		}
		if (!reload_image(fd, path, copy, size))
			EXPECT(boot_entry.rip < GIB(4));
	}
	free(copy);
}

u64 guest_get(u64 gpa, unsigned int size)
{
	const void *at = memory_at(&boot_mem, gpa, size);
	u64 value = 0;

	EXPECT(at != NULL);
	if (at)
		memcpy(&value, at, size);
	return value;
}

const char *guest_string(u64 gpa)
{
	const char *at = memory_at(&boot_mem, gpa, 1);

	EXPECT(at != NULL);
	return at ? at : "";
}

static void not_a_kernel(void)
{
	static const u8 zeros[16384];
	static const char script[] = "#!/bin/sh\necho hello\n";

	boot_start(MIB(16));
	EXPECT_FAIL(load_image("", 0), "not a kernel image");
	EXPECT_FAIL(load_image(script, sizeof(script)), "not a kernel image");
	EXPECT_FAIL(load_image(zeros, sizeof(zeros)), "not a kernel image");
	EXPECT_FAIL(load_path("/nonexistent"), "cannot open the kernel image");
	EXPECT_FAIL(load_path("/tmp"), "not a regular file");
	/* This very program is an ELF, but no kernel. */
	EXPECT(load_path("/proc/self/exe"));
	boot_end();
}

static void placing(void)
{
	const struct image kernel = { .path = "k" };
	struct boot boot = { .mem = &boot_mem, .kernel = &kernel };
	u64 a, b, c;
	void *host;

	boot_start(MIB(16));
	EXPECT(!boot_claim(&boot, MIB(8), MIB(4), &host));
	EXPECT(host == boot_mem.host + MIB(8));
	EXPECT_FAIL(boot_claim(&boot, MIB(11), MIB(2), &host), "overlap");
	EXPECT_FAIL(boot_claim(&boot, MIB(15), MIB(2), &host), "17 MiB");
	EXPECT_FAIL(boot_claim(&boot, GIB(3), 1, &host), "no memory");
	EXPECT_FAIL(boot_claim(&boot, 0x9f000, 0x1000, &host), "no memory");
	EXPECT_FAIL(boot_claim(&boot, UINT64_MAX, 2, &host), "no memory");
	EXPECT_FAIL(boot_claim(&boot, MIB(2), UINT64_MAX, &host), "no memory");
	EXPECT(!boot_claim(&boot, 0x7c00, 0x200, &host));

	EXPECT(!boot_place(&boot, MIB(3), GIB(4), "a", &a, &host));
	EXPECT_EQ(a, MIB(13));
	EXPECT(!boot_place(&boot, 5000, GIB(4), "b", &b, &host));
	EXPECT_EQ(b, MIB(13) - 8192);
	EXPECT(!boot_place(&boot, MIB(6), GIB(4), "c", &c, &host));
	EXPECT_EQ(c, MIB(2));
	EXPECT_FAIL(boot_place(&boot, MIB(1) + 1, GIB(4), "d", &a, &host), "does not fit");
	EXPECT(!boot_place(&boot, MIB(1), GIB(4), "d", &a, &host));
	EXPECT_EQ(a, MIB(1));
	EXPECT_FAIL(boot_place(&boot, UINT64_MAX, GIB(4), "e", &a, &host), "does not fit");
	EXPECT_FAIL(boot_place(&boot, 1, 0, "f", &a, &host), "does not fit");
	boot_end();
}

static const struct test_case cases[] = {
	TEST_CASE(not_a_kernel), TEST_CASE(placing),
};
TEST_SUITE(boot_suite, "boot", cases);
