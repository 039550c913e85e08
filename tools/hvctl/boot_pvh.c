// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF kernels with a PVH entry point: Xen's x86/HVM direct boot ABI
 * (docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h there).
 */
#include "boot.h"

#include <elf.h>
#include <string.h>

#include "elf_image.h"
#include "error.h"

#define XEN_ELFNOTE_PHYS32_ENTRY	18
#define NOTES_MAX			KIB(64)

#define START_INFO_MAGIC		0x336ec578
#define START_INFO_VERSION		1
#define MEMMAP_TYPE_RAM			1
#define MEMMAP_TYPE_RESERVED		2

struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};

struct modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

struct memmap_entry {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

/*
 * Walk the notes in @data. Each has name and descriptor padded to 4 bytes.
 * Returns 1 with @entry set if the wanted one is there.
 */
static int find_entry_note(const u8 *data, u64 len, u64 *entry)
{
	u64 at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		u64 name, desc, next;

		memcpy(&note, data + at, sizeof(note));
		name = at + sizeof(note);
		desc = name + align_up(note.n_namesz, 4);
		next = desc + align_up(note.n_descsz, 4);
		if (next > len)
			return 0;
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    !memcmp(data + name, "Xen", 4) &&
		    (note.n_descsz == 4 || note.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, data + desc, note.n_descsz);
			return 1;
		}
		at = next;
	}
	return 0;
}

/* 1 and @entry if the kernel has the note, 0 if not, -1 on error. */
static int find_entry(const struct image *kernel, const struct elf_image *elf, u64 *entry)
{
	static u8 notes[NOTES_MAX];
	unsigned int i;

	for (i = 0; i < elf->count; i++) {
		const struct elf_segment *seg = &elf->segment[i];

		if (seg->type != PT_NOTE || seg->filesz > sizeof(notes))
			continue;
		if (image_read(kernel, seg->offset, notes, seg->filesz))
			return -1;
		if (find_entry_note(notes, seg->filesz, entry))
			return 1;
	}
	return 0;
}

static int pvh_probe(const struct image *kernel)
{
	struct elf_image elf;
	int ret = elf_probe(kernel);
	u64 entry;

	if (ret <= 0)
		return ret;
	if (elf_read(kernel, &elf))
		return -1;
	return find_entry(kernel, &elf, &entry);
}

static u64 build_modlist(struct boot_arena *arena, const struct boot_module *modules, int n)
{
	struct modlist_entry *list;
	u64 gpa;
	int i;

	list = boot_arena_take(arena, n * sizeof(*list), &gpa);
	for (i = 0; i < n; i++) {
		list[i].paddr = modules[i].start;
		list[i].size = modules[i].size;
		list[i].cmdline_paddr = boot_arena_string(arena, modules[i].path);
	}
	return n ? gpa : 0;
}

static u64 build_memmap(struct boot_arena *arena, const struct guest_memory *mem, u32 *count)
{
	struct memory_range map[MEMORY_MAP_MAX];
	unsigned int n = memory_map(mem, map);
	struct memmap_entry *list;
	unsigned int i;
	u64 gpa;

	list = boot_arena_take(arena, n * sizeof(*list), &gpa);
	for (i = 0; i < n; i++) {
		list[i].addr = map[i].start;
		list[i].size = map[i].size;
		list[i].type = map[i].ram ? MEMMAP_TYPE_RAM : MEMMAP_TYPE_RESERVED;
	}
	*count = n;
	return gpa;
}

static int build_start_info(struct boot *boot, const struct boot_module *modules, int n)
{
	u64 size = KIB(4) + strlen(boot->files->cmdline);
	struct start_info *info;
	struct boot_arena arena;
	int i;

	for (i = 0; i < n; i++)
		size += sizeof(struct modlist_entry) + strlen(modules[i].path) + 32;
	if (boot_arena_create(boot, &arena, size, GIB(4)))
		return -1;

	info = boot_arena_take(&arena, sizeof(*info), &boot->entry->rbx);
	info->magic = START_INFO_MAGIC;
	info->version = START_INFO_VERSION;
	info->nr_modules = n;
	info->modlist_paddr = build_modlist(&arena, modules, n);
	info->cmdline_paddr = boot_arena_string(&arena, boot->files->cmdline);
	info->rsdp_paddr = boot->rsdp;
	info->memmap_paddr = build_memmap(&arena, boot->mem, &info->memmap_entries);
	return 0;
}

static int pvh_load(struct boot *boot)
{
	struct boot_module modules[BOOT_MODULES_MAX + 1];
	struct elf_image elf;
	u64 entry = 0;
	int found, n;

	if (elf_read(boot->kernel, &elf))
		return -1;
	found = find_entry(boot->kernel, &elf, &entry);
	if (found <= 0)
		return found ? -1 : boot_changed(boot);
	if (elf_load(boot, &elf))
		return -1;
	if (!memory_at(boot->mem, entry, 1) || entry >= GIB(4))
		return fail("%s is damaged: its PVH entry point 0x%llx is not in memory",
			    boot->kernel->path, (unsigned long long)entry);
	n = boot_load_modules(boot, GIB(4), modules);
	if (n < 0 || build_start_info(boot, modules, n))
		return -1;

	boot->entry->mode = BOOT_PROTECTED;
	boot->entry->rip = entry;
	return 0;
}

const struct boot_format boot_pvh = {
	.probe = pvh_probe,
	.load = pvh_load,
};
