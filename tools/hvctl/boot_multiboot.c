// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multiboot 1 kernels (Multiboot Specification 0.6.96): ELF files of either
 * class, and any file whose header has the address fields.
 */
#include "boot.h"

#include <string.h>

#include "elf_image.h"
#include "error.h"

#define HEADER_SEARCH		8192
#define HEADER_MAGIC		0x1badb002
#define LOADER_MAGIC		0x2badb002

/* Header flags. A loader must refuse what it doesn't know of bits 0 to 15. */
#define HEADER_PAGE_ALIGN	BIT(0)
#define HEADER_MEMORY_INFO	BIT(1)
#define HEADER_VIDEO_MODE	BIT(2)	/* a wish; we have no video, and say so */
#define HEADER_ADDRESSES	BIT(16)
#define HEADER_MUST_KNOW	0xffff
#define HEADER_KNOWN		(HEADER_PAGE_ALIGN | HEADER_MEMORY_INFO | HEADER_VIDEO_MODE)

#define INFO_MEMORY		BIT(0)
#define INFO_CMDLINE		BIT(2)
#define INFO_MODULES		BIT(3)
#define INFO_MMAP		BIT(6)
#define INFO_LOADER_NAME	BIT(9)

#define MMAP_TYPE_RAM		1
#define MMAP_TYPE_RESERVED	2

struct mb_header {
	u32 magic;
	u32 flags;
	u32 checksum;
	u32 header_addr;
	u32 load_addr;
	u32 load_end_addr;
	u32 bss_end_addr;
	u32 entry_addr;
};

#define HEADER_SHORT	offsetof(struct mb_header, header_addr)

struct mb_info {
	u32 flags;
	u32 mem_lower;
	u32 mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 video[11];
};

struct mb_module {
	u32 start;
	u32 end;
	u32 string;
	u32 reserved;
};

struct mb_mmap {
	u32 size;		/* of what follows */
	u64 addr;
	u64 len;
	u32 type;
} __packed;

/* 1 with @hdr and its @offset in the file, 0 if there is none, -1 on error. */
static int find_header(const struct image *kernel, struct mb_header *hdr, u32 *offset)
{
	static u8 start[HEADER_SEARCH];
	u64 len = min_u64(kernel->size, sizeof(start));
	u64 at;

	if (image_read(kernel, 0, start, len))
		return -1;
	for (at = 0; at + HEADER_SHORT <= len; at += 4) {
		memcpy(hdr, start + at, HEADER_SHORT);
		if (hdr->magic != HEADER_MAGIC || hdr->magic + hdr->flags + hdr->checksum)
			continue;
		*offset = at;
		if (!(hdr->flags & HEADER_ADDRESSES))
			return 1;
		return image_read(kernel, at, hdr, sizeof(*hdr)) ? -1 : 1;
	}
	return 0;
}

static int multiboot_probe(const struct image *kernel)
{
	struct mb_header hdr;
	u32 offset;

	return find_header(kernel, &hdr, &offset);
}

/* Load by the header's address fields; @offset is the header's in the file. */
static int load_by_addresses(struct boot *boot, const struct mb_header *hdr, u32 offset)
{
	const struct image *kernel = boot->kernel;
	u64 start, len, end;
	void *host;

	if (hdr->header_addr < hdr->load_addr || hdr->header_addr - hdr->load_addr > offset)
		goto damaged;
	start = offset - (hdr->header_addr - hdr->load_addr);
	if (hdr->load_end_addr && hdr->load_end_addr <= hdr->load_addr)
		goto damaged;
	len = hdr->load_end_addr ? hdr->load_end_addr - hdr->load_addr : kernel->size - start;
	end = max_u64(hdr->bss_end_addr, hdr->load_addr + len);

	if (boot_claim(boot, hdr->load_addr, end - hdr->load_addr, &host))
		return -1;
	return image_read(kernel, start, host, len);

damaged:
	return fail("%s is damaged: the addresses in its Multiboot header make no sense",
		    kernel->path);
}

static int load_kernel(struct boot *boot, const struct mb_header *hdr, u32 offset, u64 *entry)
{
	struct elf_image elf;
	int is_elf;

	if (hdr->flags & HEADER_ADDRESSES) {
		*entry = hdr->entry_addr;
		return load_by_addresses(boot, hdr, offset);
	}
	is_elf = elf_probe(boot->kernel);
	if (is_elf < 0)
		return -1;
	if (!is_elf)
		return fail("%s has a Multiboot header without addresses, and is no ELF file",
			    boot->kernel->path);
	if (elf_read(boot->kernel, &elf) || elf_load(boot, &elf))
		return -1;
	*entry = elf_physical(&elf, elf.entry);
	return 0;
}

static void build_modules(struct boot_arena *arena, struct mb_info *info,
			  const struct boot_module *modules, int n)
{
	struct mb_module *list;
	u64 gpa;
	int i;

	list = boot_arena_take(arena, n * sizeof(*list), &gpa);
	for (i = 0; i < n; i++) {
		list[i].start = modules[i].start;
		list[i].end = modules[i].start + modules[i].size;
		list[i].string = boot_arena_string(arena, modules[i].path);
	}
	info->flags |= INFO_MODULES;
	info->mods_count = n;
	info->mods_addr = gpa;
}

static void build_mmap(struct boot_arena *arena, struct mb_info *info,
		       const struct guest_memory *mem)
{
	struct memory_range map[MEMORY_MAP_MAX];
	unsigned int n = memory_map(mem, map);
	struct mb_mmap *list;
	unsigned int i;
	u64 gpa;

	list = boot_arena_take(arena, n * sizeof(*list), &gpa);
	for (i = 0; i < n; i++) {
		list[i].size = sizeof(*list) - sizeof(list->size);
		list[i].addr = map[i].start;
		list[i].len = map[i].size;
		list[i].type = map[i].ram ? MMAP_TYPE_RAM : MMAP_TYPE_RESERVED;
	}
	info->flags |= INFO_MMAP;
	info->mmap_addr = gpa;
	info->mmap_length = n * sizeof(*list);
}

/* The command line starts with the kernel's own name, as from other loaders. */
static u32 build_cmdline(struct boot_arena *arena, const struct boot_files *files)
{
	size_t path = strlen(files->kernel), args = strlen(files->cmdline);
	char *text;
	u64 gpa;

	text = boot_arena_take(arena, path + args + 2, &gpa);
	memcpy(text, files->kernel, path);
	if (args) {
		text[path] = ' ';
		memcpy(text + path + 1, files->cmdline, args);
	}
	return gpa;
}

static int build_info(struct boot *boot, const struct boot_module *modules, int n)
{
	const struct boot_files *files = boot->files;
	u64 size = KIB(4) + strlen(files->kernel) + strlen(files->cmdline);
	struct boot_arena arena;
	struct mb_info *info;
	int i;

	for (i = 0; i < n; i++)
		size += sizeof(struct mb_module) + strlen(modules[i].path) + 32;
	if (boot_arena_create(boot, &arena, size, GIB(4)))
		return -1;

	info = boot_arena_take(&arena, sizeof(*info), &boot->entry->rbx);
	info->flags = INFO_MEMORY | INFO_CMDLINE | INFO_LOADER_NAME;
	info->mem_lower = EBDA_START >> 10;
	info->mem_upper = (boot->mem->low - MIB(1)) >> 10;
	info->cmdline = build_cmdline(&arena, files);
	info->boot_loader_name = boot_arena_string(&arena, "hvctl");
	build_mmap(&arena, info, boot->mem);
	if (n)
		build_modules(&arena, info, modules, n);
	return 0;
}

static int multiboot_load(struct boot *boot)
{
	struct boot_module modules[BOOT_MODULES_MAX + 1];
	struct mb_header hdr;
	u64 entry = 0;
	u32 offset = 0;
	int found, n;

	found = find_header(boot->kernel, &hdr, &offset);
	if (found <= 0)
		return found ? -1 : boot_changed(boot);
	if (hdr.flags & HEADER_MUST_KNOW & ~HEADER_KNOWN)
		return fail("%s asks for Multiboot features that hvctl does not have (flags 0x%x)",
			    boot->kernel->path, hdr.flags);
	if (load_kernel(boot, &hdr, offset, &entry))
		return -1;
	if (entry >= GIB(4) || !memory_at(boot->mem, entry, 1))
		return fail("%s is damaged: its entry point 0x%llx is not in memory",
			    boot->kernel->path, (unsigned long long)entry);
	n = boot_load_modules(boot, GIB(4), modules);
	if (n < 0 || build_info(boot, modules, n))
		return -1;

	boot->entry->mode = BOOT_PROTECTED;
	boot->entry->rip = entry;
	boot->entry->rax = LOADER_MAGIC;
	return 0;
}

const struct boot_format boot_multiboot = {
	.probe = multiboot_probe,
	.load = multiboot_load,
};
