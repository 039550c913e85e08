/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot loaders: put a kernel and what comes with it into guest memory, and say
 * in which state the boot processor enters it. Image files are not trusted:
 * every offset, length and address that comes from one is checked.
 */
#ifndef HVCTL_BOOT_H
#define HVCTL_BOOT_H

#include "image.h"
#include "memory.h"
#include "types.h"

#define BOOT_MODULES_MAX	32
#define BOOT_CMDLINE_MAX	65535

/* What the user wants booted. */
struct boot_files {
	const char *kernel;
	const char *initrd;		/* or NULL */
	const char *modules[BOOT_MODULES_MAX];
	unsigned int module_count;
	const char *cmdline;		/* never NULL */
	const char *copies;		/* the folder of copies that machines share; NULL: none */
};

enum boot_mode {
	BOOT_PROTECTED,		/* flat 32-bit segments, paging off */
	BOOT_LONG,		/* 64-bit, paging on with @cr3 */
};

/* The boot processor's state at the kernel's entry point; the rest is 0. */
struct boot_entry {
	enum boot_mode mode;
	u64 rip;
	u64 rax;
	u64 rbx;
	u64 rsi;
	u64 cr3;		/* BOOT_LONG only, as are the next two */
	u64 gdt_base;
	u32 gdt_limit;
};

/* Load @files into @mem. The ACPI tables' RSDP is at @rsdp. */
int boot_load(const struct boot_files *files, struct guest_memory *mem,
	      u64 rsdp, struct boot_entry *entry);

/* ---- for the loaders --------------------------------------------------- */

#define BOOT_USED_MAX	(BOOT_MODULES_MAX + 96)

/* One boot in the making. */
struct boot {
	const struct boot_files *files;
	struct guest_memory *mem;
	const struct image *kernel;
	u64 rsdp;
	struct boot_entry *entry;

	/* Guest-physical ranges that are taken, in no order. */
	struct { u64 start, end; } used[BOOT_USED_MAX];
	unsigned int used_count;
};

/* A file in guest memory. */
struct boot_module {
	const char *path;
	u64 start;
	u64 size;
};

/*
 * A format: probe() looks at the kernel image and says 1 for its own, 0 for
 * another's, -1 for its own but broken. load() does all the rest.
 */
struct boot_format {
	int (*probe)(const struct image *kernel);
	int (*load)(struct boot *boot);
};

extern const struct boot_format boot_bzimage;
extern const struct boot_format boot_pvh;
extern const struct boot_format boot_multiboot;

/* load() does not find what probe() saw: someone writes to the file. */
int boot_changed(const struct boot *boot);

/*
 * Take [start, start + size) for the kernel. Fails if that is not free RAM;
 * the host's view of it is returned in @host.
 */
int boot_claim(struct boot *boot, u64 start, u64 size, void **host);

/*
 * Find free RAM for @size bytes as high as possible, 4 KiB aligned and below
 * @limit, and take it. @what names it in the error.
 */
int boot_place(struct boot *boot, u64 size, u64 limit, const char *what,
	       u64 *start, void **host);

/* Load the file at @path to a place below @limit. */
int boot_load_file(struct boot *boot, const char *path, const char *what,
		   u64 limit, struct boot_module *module);

/*
 * Load the initrd, if any, and the modules, in this order. @modules has room
 * for BOOT_MODULES_MAX + 1; returns how many there are, or -1.
 */
int boot_load_modules(struct boot *boot, u64 limit, struct boot_module *modules);

/*
 * A bump allocator for the small structs that a boot protocol hands over: a
 * piece of guest memory that boot_place() found.
 */
struct boot_arena {
	u8 *host;
	u64 gpa;
	u64 used;
	u64 size;
};

int boot_arena_create(struct boot *boot, struct boot_arena *arena, u64 size, u64 limit);

/* @size bytes, 16-byte aligned and zero; the arena was made large enough. */
void *boot_arena_take(struct boot_arena *arena, u64 size, u64 *gpa);

/* Copy a string; returns its guest-physical address. */
u64 boot_arena_string(struct boot_arena *arena, const char *text);

#endif
