// SPDX-License-Identifier: GPL-2.0-only
#include "boot_test.h"
#include "elf_make.h"

#define NOTE_OFFSET	0xf00
#define VADDR		0xffffffff81000000ULL

static struct elf_make elf;

static void put_note(u64 at, const char *name, u32 type, u64 desc, u32 descsz)
{
	const Elf64_Nhdr note = { strlen(name) + 1, descsz, type };

	memcpy(elf.file + at, &note, sizeof(note));
	memcpy(elf.file + at + sizeof(note), name, strlen(name) + 1);
	memcpy(elf.file + at + sizeof(note) + align_up(strlen(name) + 1, 4), &desc, descsz);
}

/* Code at 16 MiB, data with 1 MiB of BSS at 17 MiB, notes of others around ours. */
static void make_image(bool is_64bit)
{
	unsigned int i;

	elf_make_start(&elf, is_64bit, MIB(16));
	elf_make_segment(&elf, PT_LOAD, 0x1000, VADDR, MIB(16), 0x800, 0x800);
	elf_make_segment(&elf, PT_LOAD, 0x1800, VADDR + MIB(1), MIB(17), 0x100, MIB(1));
	elf_make_segment(&elf, PT_NOTE, NOTE_OFFSET, 0, 0, 60, 60);
	for (i = 0x1000; i < ELF_MAKE_SIZE; i++)
		elf.file[i] = i * 13;
	put_note(NOTE_OFFSET, "GNU", 18, 1, 4);
	put_note(NOTE_OFFSET + 20, "Xen", 5, 2, 4);
	put_note(NOTE_OFFSET + 40, "Xen", 18, MIB(16) + 0x40, 4);
}

static int load(void)
{
	return load_image(elf.file, sizeof(elf.file));
}

static void check_good(bool is_64bit)
{
	u64 info;

	make_image(is_64bit);
	boot_start(MIB(64));
	boot_files.cmdline = "hello";
	EXPECT(!load());
	EXPECT_EQ(boot_entry.mode, BOOT_PROTECTED);
	EXPECT_EQ(boot_entry.rip, MIB(16) + 0x40);
	EXPECT(!memcmp(memory_at(&boot_mem, MIB(16), 0x800), elf.file + 0x1000, 0x800));
	EXPECT(!memcmp(memory_at(&boot_mem, MIB(17), 0x100), elf.file + 0x1800, 0x100));
	EXPECT_EQ(guest_get(MIB(17) + 0x100, 8), 0);

	info = boot_entry.rbx;
	EXPECT_EQ(guest_get(info, 4), 0x336ec578);
	EXPECT_EQ(guest_get(info + 4, 4), 1);
	EXPECT_EQ(guest_get(info + 12, 4), 0);
	EXPECT_EQ(guest_get(info + 16, 8), 0);
	EXPECT(!strcmp(guest_string(guest_get(info + 24, 8)), "hello"));
	EXPECT_EQ(guest_get(info + 32, 8), TEST_RSDP);
	EXPECT_EQ(guest_get(info + 48, 4), 3);
	info = guest_get(info + 40, 8) + 2 * 24;
	EXPECT_EQ(guest_get(info, 8), MIB(1));
	EXPECT_EQ(guest_get(info + 8, 8), MIB(63));
	EXPECT_EQ(guest_get(info + 16, 4), 1);
	boot_end();
}

static void good(void)
{
	check_good(true);
	check_good(false);
}

static void modules(void)
{
	u64 list;

	make_image(true);
	boot_start(MIB(64));
	boot_files.initrd = test_file("initrd content", 14);
	boot_files.modules[0] = test_file("second", 6);
	boot_files.module_count = 1;
	EXPECT(!load());
	EXPECT_EQ(guest_get(boot_entry.rbx + 12, 4), 2);
	list = guest_get(boot_entry.rbx + 16, 8);
	EXPECT_EQ(guest_get(list + 8, 8), 14);
	EXPECT(!memcmp(guest_string(guest_get(list, 8)), "initrd content", 14));
	EXPECT(!strcmp(guest_string(guest_get(list + 16, 8)), boot_files.initrd));
	EXPECT_EQ(guest_get(list + 32 + 8, 8), 6);
	EXPECT(!memcmp(guest_string(guest_get(list + 32, 8)), "second", 6));
	boot_end();
}

static void refusals(void)
{
	boot_start(MIB(64));
	make_image(true);
	EXPECT_FAIL(load_image(elf.file, 0x1700), "truncated");
	EXPECT_FAIL(load_image(elf.file, 40), "truncated");
	EXPECT_FAIL(load_image(elf.file, 100), "truncated");
	put_note(NOTE_OFFSET + 40, "Xen", 18, MIB(64), 4);
	EXPECT_FAIL(load(), "entry point 0x4000000 is not in memory");
	/* A note of another size or name isn't the one. */
	make_image(true);
	put_note(NOTE_OFFSET + 40, "Xen", 18, 0, 2);
	EXPECT_FAIL(load(), "not a kernel image");
	make_image(true);
	put_note(NOTE_OFFSET + 40, "Foo", 18, 0, 4);
	EXPECT_FAIL(load(), "not a kernel image");
	make_image(true);
	((Elf64_Nhdr *)(elf.file + NOTE_OFFSET))->n_namesz = 0xffffffff;
	EXPECT_FAIL(load(), "not a kernel image");
	make_image(true);
	((Elf64_Ehdr *)elf.file)->e_machine = EM_AARCH64;
	EXPECT_FAIL(load(), "not an x86 kernel");
	make_image(true);
	((Elf64_Ehdr *)elf.file)->e_phoff = UINT64_MAX;
	EXPECT_FAIL(load(), "truncated");
	make_image(true);
	((Elf64_Ehdr *)elf.file)->e_phentsize = 8;
	EXPECT_FAIL(load(), "too short");
	make_image(true);
	((Elf64_Ehdr *)elf.file)->e_phnum = 0xffff;
	EXPECT_FAIL(load(), "program headers");
	boot_end();
}

static void segments(void)
{
	boot_start(MIB(64));
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0, MIB(17) + 0x1000, 16, 16);
	EXPECT_FAIL(load(), "overlap");
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0, MIB(20), 16, 15);
	EXPECT_FAIL(load(), "more bytes in the file");
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0, UINT64_MAX - 8, 16, 16);
	EXPECT_FAIL(load(), "no memory");
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0, MIB(60), 16, MIB(5));
	EXPECT_FAIL(load(), "memory too small");
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, UINT64_MAX - 8, 0, MIB(20), 16, 16);
	EXPECT_FAIL(load(), "truncated");
	make_image(true);
	elf_make_segment(&elf, PT_LOAD, 0x1000, 0, 0xa0000, 16, 16);
	EXPECT_FAIL(load(), "no memory");
	elf_make_start(&elf, true, 0);
	elf_make_segment(&elf, PT_NOTE, NOTE_OFFSET, 0, 0, 20, 20);
	put_note(NOTE_OFFSET, "Xen", 18, MIB(16), 4);
	EXPECT_FAIL(load(), "nothing in it to load");
	boot_end();
}

static void hostile(void)
{
	boot_start(MIB(64));
	make_image(true);
	boot_hostile(elf.file, 0x1900, 101, 64 + 3 * 56);
	make_image(false);
	boot_hostile(elf.file, 0x1900, 101, 52 + 3 * 32);
	boot_end();
}

static const struct test_case cases[] = {
	TEST_CASE(good), TEST_CASE(modules), TEST_CASE(refusals), TEST_CASE(segments),
	TEST_CASE(hostile),
};
TEST_SUITE(pvh_suite, "boot_pvh", cases);
