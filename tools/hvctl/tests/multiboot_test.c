// SPDX-License-Identifier: GPL-2.0-only
#include "boot_test.h"
#include "elf_make.h"

#define HEADER		0x1004	/* of the Multiboot header, in the file */

static struct elf_make elf;

static void put_header(u32 flags)
{
	const u32 header[3] = { 0x1badb002, flags, -(0x1badb002 + flags) };

	memcpy(elf.file + HEADER, header, sizeof(header));
}

static void make_image(bool is_64bit)
{
	elf_make_start(&elf, is_64bit, 0xc0400010);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0xc0400000, MIB(4), 0x1000, 0x8000);
	put_header(3);
}

/* No ELF: load addresses come from the header. */
static void make_flat(u32 load, u32 load_end, u32 bss_end, u32 entry)
{
	const u32 address[5] = { load + HEADER, load, load_end, bss_end, entry };

	memset(&elf, 0, sizeof(elf));
	put_header(BIT(16));
	memcpy(elf.file + HEADER + 12, address, sizeof(address));
	elf.file[0] = 0xfa;
	elf.file[0x1fff] = 0xf4;
}

static int load(void)
{
	return load_image(elf.file, sizeof(elf.file));
}

static void check_good(bool is_64bit)
{
	u64 info, mmap;

	make_image(is_64bit);
	boot_start(MIB(64));
	boot_files.cmdline = "a=1 b=2";
	EXPECT(!load());
	EXPECT_EQ(boot_entry.mode, BOOT_PROTECTED);
	EXPECT_EQ(boot_entry.rip, MIB(4) + 0x10);
	EXPECT_EQ(boot_entry.rax, 0x2badb002);
	EXPECT_EQ(guest_get(MIB(4) + 4, 4), 0x1badb002);
	EXPECT_EQ(guest_get(MIB(4) + 0x7ff8, 8), 0);

	info = boot_entry.rbx;
	EXPECT_EQ(guest_get(info, 4), BIT(0) | BIT(2) | BIT(6) | BIT(9));
	EXPECT_EQ(guest_get(info + 4, 4), 639);
	EXPECT_EQ(guest_get(info + 8, 4), 63 * 1024);
	EXPECT_HAS(guest_string(guest_get(info + 16, 4)), boot_files.kernel);
	EXPECT_HAS(guest_string(guest_get(info + 16, 4)), " a=1 b=2");
	EXPECT(!strcmp(guest_string(guest_get(info + 64, 4)), "hvctl"));
	EXPECT_EQ(guest_get(info + 44, 4), 3 * 24);
	mmap = guest_get(info + 48, 4) + 2 * 24;
	EXPECT_EQ(guest_get(mmap, 4), 20);
	EXPECT_EQ(guest_get(mmap + 4, 8), MIB(1));
	EXPECT_EQ(guest_get(mmap + 12, 8), MIB(63));
	EXPECT_EQ(guest_get(mmap + 20, 4), 1);
	boot_end();
}

static void good(void)
{
	check_good(false);
	check_good(true);
}

static void modules(void)
{
	unsigned int i;
	u64 list;

	make_image(false);
	boot_start(MIB(64));
	for (i = 0; i < 3; i++)
		boot_files.modules[boot_files.module_count++] = test_file("NR_CPUS=1\n", 10);
	EXPECT(!load());
	EXPECT(guest_get(boot_entry.rbx, 4) & BIT(3));
	EXPECT_EQ(guest_get(boot_entry.rbx + 20, 4), 3);
	list = guest_get(boot_entry.rbx + 24, 4);
	for (i = 0; i < 3; i++) {
		u64 start = guest_get(list + 16 * i, 4);

		EXPECT_EQ(start % 4096, 0);
		EXPECT_EQ(guest_get(list + 16 * i + 4, 4), start + 10);
		EXPECT(!memcmp(guest_string(start), "NR_CPUS=1\n", 10));
		EXPECT(!strcmp(guest_string(guest_get(list + 16 * i + 8, 4)),
			       boot_files.modules[i]));
	}
	boot_end();
}

static void by_addresses(void)
{
	boot_start(MIB(64));
	make_flat(MIB(1), 0, 0, MIB(1) + 0x20);
	EXPECT(!load());
	EXPECT_EQ(boot_entry.rip, MIB(1) + 0x20);
	EXPECT_EQ(guest_get(MIB(1), 1), 0xfa);
	EXPECT_EQ(guest_get(MIB(1) + 0x1fff, 1), 0xf4);
	/* Ends given; the part of the file before load_addr is left out. */
	make_flat(MIB(1), MIB(1) + 0x1800, MIB(1) + 0x4000, MIB(1));
	EXPECT(!load());
	EXPECT_EQ(guest_get(MIB(1) + 0x1fff, 1), 0);
	/* Low memory is for whoever wants it. */
	make_flat(0x8000, 0, 0, 0x8000);
	EXPECT(!load());

	make_flat(MIB(1), MIB(1) + 0x4000, 0, MIB(1));
	EXPECT_FAIL(load(), "truncated");
	make_flat(MIB(1), MIB(1), 0, MIB(1));
	EXPECT_FAIL(load(), "make no sense");
	make_flat(MIB(1), 0, 0, MIB(64));
	EXPECT_FAIL(load(), "not in memory");
	make_flat(MIB(1), 0, MIB(65), MIB(1));
	EXPECT_FAIL(load(), "memory too small");
	make_flat(0xfffff000, 0, 0, 0);
	EXPECT_FAIL(load(), "make no sense");
	make_flat(MIB(1), 0, 0, MIB(1));
	memset(elf.file + HEADER + 12, 0, 4);	/* header_addr below load_addr */
	EXPECT_FAIL(load(), "make no sense");
	memset(elf.file + HEADER + 12, 0xff, 4);
	EXPECT_FAIL(load(), "make no sense");
	boot_end();
}

static void refusals(void)
{
	boot_start(MIB(64));
	make_image(false);
	put_header(BIT(3));
	EXPECT_FAIL(load(), "flags 0x8");
	put_header(BIT(15) | 1);
	EXPECT_FAIL(load(), "features");
	elf.file[HEADER + 8]++;
	EXPECT_FAIL(load(), "not a kernel image");
	make_image(false);
	EXPECT_FAIL(load_image(elf.file, 0x1800), "truncated");
	memcpy(elf.file, "\0\0\0\0", 4);
	EXPECT_FAIL(load(), "no ELF file");
	/* A header that starts beyond the first 8192 bytes doesn't count. */
	make_image(false);
	memset(elf.file + HEADER, 0, 12);
	EXPECT_FAIL(load(), "not a kernel image");
	boot_end();
}

static void hostile(void)
{
	boot_start(MIB(16));
	make_image(false);
	boot_hostile(elf.file, 0x2000, 101, 52 + 32);
	make_image(true);
	boot_hostile(elf.file, 0x2000, 101, 64 + 56);
	make_flat(MIB(1), 0, 0, MIB(1));
	memmove(elf.file, elf.file + HEADER, 0x200);
	elf.file[13] -= HEADER >> 8;
	elf.file[12] -= HEADER & 0xff;
	EXPECT(!load());
	boot_hostile(elf.file, 0x20, 1, 0x20);
	boot_end();
}

static const struct test_case cases[] = {
	TEST_CASE(good), TEST_CASE(modules), TEST_CASE(by_addresses), TEST_CASE(refusals),
	TEST_CASE(hostile),
};
TEST_SUITE(multiboot_suite, "boot_multiboot", cases);
