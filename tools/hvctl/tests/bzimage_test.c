// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "boot_test.h"
#include "bzimage_make.h"

#define SETUP_SECTS	2
#define SETUP_SIZE	((SETUP_SECTS + 1) * 512)
#define PAYLOAD		8192
#define IMAGE		(SETUP_SIZE + PAYLOAD)

static u8 image[IMAGE];

static struct setup_header *header(void)
{
	return bzimage_header(image);
}

/* A kernel of protocol 2.15 that wants to be at 16 MiB with 4 MiB around it. */
static void make_image(void)
{
	struct setup_header *hdr;
	unsigned int i;

	memset(image, 0, sizeof(image));
	hdr = bzimage_make(image);
	for (i = SETUP_SIZE; i < IMAGE; i++)
		image[i] = i * 7;
	hdr->setup_sects = SETUP_SECTS;
	hdr->syssize = PAYLOAD / 16;
	hdr->kernel_alignment = 0x200000;
	hdr->pref_address = MIB(16);
	hdr->init_size = MIB(4);
}

static int load(void)
{
	return load_image(image, sizeof(image));
}

static const struct boot_params *params(void)
{
	return memory_at(&boot_mem, boot_entry.rsi, sizeof(struct boot_params));
}

static void good(void)
{
	const struct boot_params *zero;
	u64 entry;

	make_image();
	boot_start(MIB(64));
	boot_files.cmdline = "console=ttyS0 quiet";
	EXPECT(!load());
	EXPECT_EQ(boot_entry.mode, BOOT_LONG);
	EXPECT_EQ(boot_entry.rip, MIB(16) + 0x200);
	EXPECT(!memcmp(memory_at(&boot_mem, MIB(16), PAYLOAD), image + SETUP_SIZE, PAYLOAD));

	zero = params();
	EXPECT_EQ(zero->hdr.header, 0x53726448);
	EXPECT_EQ(zero->hdr.type_of_loader, 0xff);
	EXPECT_EQ(zero->hdr.code32_start, MIB(16));
	EXPECT_EQ(zero->hdr.ramdisk_size, 0);
	EXPECT_EQ(zero->acpi_rsdp_addr, TEST_RSDP);
	EXPECT(!strcmp(guest_string(zero->hdr.cmd_line_ptr), "console=ttyS0 quiet"));
	EXPECT_EQ(zero->e820_entries, 3);
	EXPECT_EQ(zero->e820_table[1].type, 2);
	EXPECT_EQ(zero->e820_table[2].addr + zero->e820_table[2].size, MIB(64));
	EXPECT_EQ(zero->e820_table[2].type, 1);

	/* The page tables map everything below 4 GiB to itself. */
	for (entry = 0; entry < GIB(4); entry += GIB(1) - MIB(2)) {
		u64 pdpt = guest_get(boot_entry.cr3, 8) & ~0xfffULL;
		u64 pd = guest_get(pdpt + (entry >> 30) * 8, 8) & ~0xfffULL;

		EXPECT_EQ(guest_get(pd + (entry >> 21 & 511) * 8, 8), entry | 0x83);
	}
	/* Descriptor 0x10 is 64-bit code, 0x18 data. */
	EXPECT_EQ(boot_entry.gdt_limit, 0x1f);
	EXPECT_EQ(guest_get(boot_entry.gdt_base + 0x10, 8) >> 40 & 0xf0ff, 0xa09b);
	EXPECT_EQ(guest_get(boot_entry.gdt_base + 0x18, 8) >> 40 & 0xff, 0x93);
	boot_end();
}

static void initrd(void)
{
	static u8 content[10000];

	make_image();
	memset(content, 0x5a, sizeof(content));
	boot_start(MIB(64));
	boot_files.initrd = test_file(content, sizeof(content));
	EXPECT(!load());
	EXPECT_EQ(params()->hdr.ramdisk_image, MIB(64) - 12288);
	EXPECT_EQ(params()->hdr.ramdisk_size, sizeof(content));
	EXPECT(!memcmp(memory_at(&boot_mem, MIB(64) - 12288, sizeof(content)), content,
		       sizeof(content)));

	header()->initrd_addr_max = MIB(30) - 1;
	EXPECT(!load());
	EXPECT_EQ(params()->hdr.ramdisk_image, MIB(30) - 12288);
	/* Right above the kernel, then below it. */
	header()->initrd_addr_max = MIB(20) + 9999;
	EXPECT(!load());
	EXPECT_EQ(params()->hdr.ramdisk_image, MIB(20));
	header()->initrd_addr_max = MIB(20) + 9998;
	EXPECT(!load());
	EXPECT_EQ(params()->hdr.ramdisk_image, MIB(16) - 12288);
	header()->initrd_addr_max = MIB(1);
	EXPECT_FAIL(load(), "does not fit");
	boot_files.initrd = "/nonexistent";
	EXPECT_FAIL(load(), "cannot open the initrd");
	boot_end();
}

static void addresses(void)
{
	make_image();
	boot_start(MIB(8));
	EXPECT(!load());
	EXPECT_EQ(boot_entry.rip, MIB(2) + 0x200);
	header()->kernel_alignment = 0x300000;
	EXPECT_FAIL(load(), "damaged");
	header()->kernel_alignment = 0;
	EXPECT_FAIL(load(), "damaged");
	header()->kernel_alignment = 0x80000000;
	EXPECT_FAIL(load(), "memory too small");
	header()->kernel_alignment = 0x200000;
	header()->init_size = MIB(6) + 1;
	EXPECT_FAIL(load(), "memory too small");
	EXPECT_HAS(fail_text(), "9 MiB");
	header()->init_size = 0xffffffff;
	EXPECT_FAIL(load(), "memory too small");
	make_image();
	header()->relocatable_kernel = 0;
	EXPECT_FAIL(load(), "needs at least 20 MiB");
	header()->pref_address = UINT64_MAX - 4096;
	EXPECT_FAIL(load(), "no memory");
	header()->pref_address = 0x9fc00;
	EXPECT_FAIL(load(), "below 1 MiB");
	/* RAM, but boot_params are there */
	header()->pref_address = 0x7000;
	header()->init_size = PAYLOAD;
	EXPECT_FAIL(load(), "below 1 MiB");
	boot_end();
}

static void refusals(void)
{
	char cmdline[3000];

	make_image();
	boot_start(MIB(64));
	EXPECT_FAIL(load_image(image, IMAGE - 1), "truncated");
	EXPECT_FAIL(load_image(image, SETUP_SIZE), "truncated");
	EXPECT_FAIL(load_image(image, 0x210), "truncated");
	EXPECT_FAIL(load_image(image, 0x205), "not a kernel image");

	header()->xloadflags = 0;
	EXPECT_FAIL(load(), "64-bit");
	make_image();
	header()->version = 0x20b;
	EXPECT_FAIL(load(), "64-bit");
	make_image();
	header()->loadflags = 0;
	EXPECT_FAIL(load(), "64-bit");
	make_image();
	header()->syssize = 0x20;
	EXPECT_FAIL(load(), "no code");
	make_image();
	header()->syssize = 0xffffffff;
	EXPECT_FAIL(load(), "memory too small");
	make_image();
	boot_files.modules[boot_files.module_count++] = "m";
	EXPECT_FAIL(load(), "--module");
	boot_files.module_count = 0;

	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[2048] = 0;
	boot_files.cmdline = cmdline;
	EXPECT_FAIL(load(), "2048 characters are more than the 2047");
	cmdline[2047] = 0;
	EXPECT(!load());
	boot_end();
}

static void long_cmdline(void)
{
	static char cmdline[70000];

	make_image();
	header()->cmdline_size = 0xffffffff;
	memset(cmdline, 'x', sizeof(cmdline));
	boot_start(MIB(64));
	boot_files.cmdline = cmdline;
	cmdline[BOOT_CMDLINE_MAX + 1] = 0;
	EXPECT_FAIL(load(), "more than the 65535");
	cmdline[BOOT_CMDLINE_MAX] = 0;
	EXPECT(!load());
	EXPECT_EQ(strlen(guest_string(params()->hdr.cmd_line_ptr)), BOOT_CMDLINE_MAX);
	boot_end();
}

static void hostile(void)
{
	make_image();
	boot_start(MIB(32));
	boot_hostile(image, sizeof(image), 97, 0x290);
	boot_end();
}

static const struct test_case cases[] = {
	TEST_CASE(good), TEST_CASE(initrd), TEST_CASE(addresses), TEST_CASE(refusals),
	TEST_CASE(long_cmdline), TEST_CASE(hostile),
};
TEST_SUITE(bzimage_suite, "boot_bzimage", cases);
