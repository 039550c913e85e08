// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boot loaders. An input is a kernel file, or what is different from a good
 * one of a format, which gets deeper; and how much comes with it.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot.h"
#include "elf_image.h"
#include "error.h"
#include "fuzz.h"
#include "layout.h"
#include "tests/bzimage_make.h"
#include "tests/elf_make.h"

#define MEMORY_MOST	MIB(8)
#define PAGE		KIB(4)
#define MODULES		3
#define MODULE_MOST	KIB(16)
#define KERNEL_MOST	KIB(16)
#define CODE		0x1000	/* in the ELF files */

#define PVH_MAGIC	0x336ec578
#define MULTIBOOT_MAGIC	0x2badb002

struct file {
	int fd;
	char path[32];
};

static struct file kernel_file, module_file[MODULES + 1];
static u8 *memory_end;
static u8 kernel[KERNEL_MOST];
static char cmdline[BOOT_CMDLINE_MAX + 2];

/* ---- what is made once -------------------------------------------------- */

static void make_file(struct file *file)
{
	file->fd = memfd_create("fuzz", MFD_CLOEXEC);
	MUST(file->fd >= 0);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

static u8 module_byte(unsigned int module, u64 at)
{
	return 0x11 * (module + 1) ^ at >> 8 ^ at;
}

/* Guest memory has nothing on either side that can be touched. */
static void make_all(void)
{
	unsigned int i;
	u8 *map;

	map = mmap(NULL, MEMORY_MOST + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(map != MAP_FAILED);
	memory_end = map + PAGE + MEMORY_MOST;
	make_file(&kernel_file);
	for (i = 0; i <= MODULES; i++)
		make_file(&module_file[i]);
}

/* ---- good kernels ------------------------------------------------------- */

static u64 make_bzimage(void)
{
	struct setup_header *hdr = bzimage_make(kernel);

	hdr->setup_sects = 1;
	hdr->syssize = 0x100;
	hdr->kernel_alignment = 0x1000;
	hdr->pref_address = MIB(1);
	hdr->init_size = 0x3000;
	memset(kernel + 0x400, 0xc3, 0x1000);
	return 0x1400;
}

static u64 make_elf(bool is_64bit)
{
	static struct elf_make elf;

	elf_make_start(&elf, is_64bit, MIB(1));
	elf_make_segment(&elf, PT_LOAD, CODE, MIB(1), MIB(1), 0x800, 0x1800);
	elf_make_segment(&elf, PT_LOAD, 0, 0x7c00, 0x7c00, 0x100, 0x200);
	elf_make_segment(&elf, PT_NOTE, CODE + 0x800, 0, 0, 20, 20);
	memcpy(kernel, elf.file, sizeof(elf.file));
	memset(kernel + CODE, 0xc3, 0x800);
	return CODE + 0x900;
}

static u64 make_pvh(bool is_64bit)
{
	static const u32 note[] = { 4, 4, 18, 0x006e6558, MIB(1) };
	u64 size = make_elf(is_64bit);

	memcpy(kernel + CODE + 0x800, note, sizeof(note));
	return size;
}

static u64 make_multiboot(bool is_elf)
{
	static const u32 plain[] = {
		0x1badb002, 3, -(0x1badb002 + 3),
	};
	static const u32 with_addresses[] = {
		0x1badb002, 0x10003, -(0x1badb002 + 0x10003), MIB(1) + 0x400, MIB(1),
		MIB(1) + 0x900, MIB(1) + 0x2000, MIB(1) + 0x500,
	};
	u64 size = 0x1000;

	if (is_elf) {
		size = make_elf(false);
		memcpy(kernel + CODE + 0x400, plain, sizeof(plain));
	} else {
		memcpy(kernel + 0x400, with_addresses, sizeof(with_addresses));
	}
	return size;
}

static u64 make_kernel(unsigned int format)
{
	memset(kernel, 0, sizeof(kernel));
	switch (format) {
	case 0:
		return make_bzimage();
	case 1:
	case 2:
		return make_pvh(format == 1);
	case 3:
	case 4:
		return make_multiboot(format == 3);
	default:
		return 0;
	}
}

/* Changes to the good kernel's headers, up to the end of the input. */
static u64 change_kernel(struct fuzz *f, u64 size)
{
	static const u16 headers[] = {
		0, 0x40, 0x1f1, 0x230, 0x400, CODE, CODE + 0x400, CODE + 0x800,
	};

	while (f->left) {
		u8 choice = fuzz_u8(f);
		u16 at = headers[choice >> 4 & 7] + (fuzz_u8(f) & 0x7f);

		if (choice & 0x80)
			size = fuzz_u16(f) % sizeof(kernel);
		else
			fuzz_bytes(f, kernel + at, choice & 15);
	}
	return size;
}

static u64 raw_kernel(struct fuzz *f)
{
	u64 size = min_u64(f->left, sizeof(kernel));

	fuzz_bytes(f, kernel, size);
	return size;
}

/* ---- what comes with it ------------------------------------------------- */

static void fill_file(const struct file *file, const u8 *data, u64 size)
{
	MUST(!ftruncate(file->fd, 0));
	MUST(pwrite(file->fd, data, size, 0) == (ssize_t)size);
}

static void fill_module(unsigned int module, u64 size)
{
	u8 data[MODULE_MOST];
	u64 at;

	for (at = 0; at < size; at++)
		data[at] = module_byte(module, at);
	fill_file(&module_file[module], data, size);
}

static void choose_files(struct fuzz *f, struct boot_files *files)
{
	u8 choice = fuzz_u8(f);
	u16 len = fuzz_u16(f);
	unsigned int i;

	/* Mostly as short as command lines are */
	if (choice & 0x0f)
		len %= 0x80;
	memset(cmdline, 'x', len);
	cmdline[len] = 0;
	*files = (struct boot_files){ .kernel = kernel_file.path, .cmdline = cmdline };
	files->module_count = (choice >> 4 & 7) % (MODULES + 1);
	for (i = 0; i <= files->module_count; i++) {
		fill_module(i, fuzz_u16(f) % (MODULE_MOST + 1));
		if (i)
			files->modules[i - 1] = module_file[i].path;
	}
	if (choice & 0x80)
		files->initrd = module_file[0].path;
}

/* ---- what must be true when a kernel was loaded -------------------------- */

static u64 get(const struct guest_memory *mem, u64 gpa, unsigned int size)
{
	const void *at = memory_at(mem, gpa, size);
	u64 value = 0;

	MUST(at);
	memcpy(&value, at, size);
	return value;
}

/* All of the file is there, so nothing was put over it. */
static void check_module(const struct guest_memory *mem, unsigned int module, u64 gpa, u64 size)
{
	const u8 *at = memory_at(mem, gpa, size);
	u64 i;

	MUST(size == (u64)lseek(module_file[module].fd, 0, SEEK_END));
	MUST(at || !size);
	MUST(gpa >= MIB(1));
	for (i = 0; i < size; i++)
		MUST(at[i] == module_byte(module, i));
}

static void check_string(const struct guest_memory *mem, u64 gpa, const char *text)
{
	u64 len = strlen(text) + 1;
	const char *at = memory_at(mem, gpa, len);

	MUST(at && !memcmp(at, text, len));
}

/* Each loaded segment is as in the file, and zero behind that. */
static void check_elf(const struct guest_memory *mem, u64 size)
{
	const struct image img = { kernel_file.path, kernel_file.fd, size };
	struct elf_image elf;
	unsigned int i;
	u64 n;

	MUST(!elf_read(&img, &elf));
	for (i = 0; i < elf.count; i++) {
		const struct elf_segment *seg = &elf.segment[i];
		const u8 *at;

		if (seg->type != PT_LOAD || !seg->memsz)
			continue;
		at = memory_at(mem, seg->paddr, seg->memsz);
		MUST(at && seg->filesz <= size && seg->offset <= size - seg->filesz);
		MUST(!memcmp(at, kernel + seg->offset, seg->filesz));
		for (n = seg->filesz; n < seg->memsz; n++)
			MUST(!at[n]);
	}
}

static void check_bzimage(const struct guest_memory *mem, const struct boot_files *files,
			  const struct boot_entry *entry)
{
	const struct boot_params *params = memory_at(mem, entry->rsi, sizeof(*params));
	const struct setup_header *hdr = bzimage_header(kernel);
	u64 setup = ((hdr->setup_sects ? hdr->setup_sects : 4) + 1) * 512;
	u64 start = entry->rip - 0x200;

	MUST(params && params->hdr.header == 0x53726448);
	MUST(start >= MIB(1) && params->hdr.code32_start == start);
	MUST(memory_at(mem, start, max_u64(hdr->init_size, hdr->syssize * 16ULL)));
	MUST(!memcmp(memory_at(mem, start, 1), kernel + setup, hdr->syssize * 16));
	check_string(mem, params->hdr.cmd_line_ptr, files->cmdline);
	if (files->initrd)
		check_module(mem, 0, params->hdr.ramdisk_image, params->hdr.ramdisk_size);
	MUST(!files->module_count);
	/* The page tables map the kernel where it is. */
	MUST((get(mem, entry->cr3, 8) & 0xfff) == 3);
	MUST(get(mem, entry->gdt_base + 0x10, 8) == 0x00af9b000000ffffULL);
}

/* Modules are numbered from 0 for the initrd. */
static void check_list(const struct guest_memory *mem, const struct boot_files *files,
		       u64 list, u32 count, bool is_pvh)
{
	unsigned int i, first = files->initrd ? 0 : 1;

	MUST(count == files->module_count + !first);
	for (i = 0; i < count; i++) {
		u64 at = list + i * (is_pvh ? 32 : 16);
		u64 start = is_pvh ? get(mem, at, 8) : get(mem, at, 4);
		u64 size = is_pvh ? get(mem, at + 8, 8) : get(mem, at + 4, 4) - start;
		u64 name = is_pvh ? get(mem, at + 16, 8) : get(mem, at + 8, 4);

		check_module(mem, first + i, start, size);
		check_string(mem, name, module_file[first + i].path);
	}
}

static void check_pvh(const struct guest_memory *mem, const struct boot_files *files, u64 info)
{
	check_string(mem, get(mem, info + 24, 8), files->cmdline);
	MUST(get(mem, info + 32, 8) == ACPI_TABLES_START);
	MUST(get(mem, get(mem, info + 40, 8), 8) == 0 && get(mem, info + 48, 4) == 3);
	check_list(mem, files, get(mem, info + 16, 8), get(mem, info + 12, 4), true);
}

static void check_multiboot(const struct guest_memory *mem, const struct boot_files *files,
			    u64 info)
{
	u64 text = get(mem, info + 16, 4) + strlen(files->kernel);

	if (*files->cmdline)
		text++;
	check_string(mem, text, files->cmdline);
	MUST(get(mem, info + 44, 4) == 3 * 24);
	check_list(mem, files, get(mem, info + 24, 4), get(mem, info + 20, 4), false);
}

static void check_boot(const struct guest_memory *mem, const struct boot_files *files,
		       const struct boot_entry *entry, u64 size)
{
	MUST(entry->rip < GIB(4) && memory_at(mem, entry->rip, 1));
	if (entry->mode == BOOT_LONG) {
		check_bzimage(mem, files, entry);
		return;
	}
	if (entry->rax == MULTIBOOT_MAGIC) {
		check_multiboot(mem, files, entry->rbx);
		return;
	}
	MUST(get(mem, entry->rbx, 4) == PVH_MAGIC);
	check_pvh(mem, files, entry->rbx);
	check_elf(mem, size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct guest_memory mem = { 0 };
	struct boot_files files;
	struct boot_entry entry;
	u8 choice;
	u64 len;

	if (!memory_end)
		make_all();
	choice = fuzz_u8(&f);
	mem.low = MIB(2) + (choice >> 4) % 4 * MIB(2);
	mem.host = memory_end - mem.low;
	MUST(!mprotect(memory_end - MEMORY_MOST, MEMORY_MOST - mem.low, PROT_NONE));
	MUST(!mprotect(mem.host, mem.low, PROT_READ | PROT_WRITE));

	choose_files(&f, &files);
	len = make_kernel(choice & 7);
	len = len ? change_kernel(&f, len) : raw_kernel(&f);
	fill_file(&kernel_file, kernel, len);

	fail_say("%s", "");
	if (boot_load(&files, &mem, ACPI_TABLES_START, &entry))
		MUST(*fail_text());
	else
		check_boot(&mem, &files, &entry, len);
	MUST(!memory_clear(&mem));
	return 0;
}
