/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a boot loader wants of an ELF executable for x86, of either class: its
 * entry point and program headers, in one form.
 */
#ifndef HVCTL_ELF_IMAGE_H
#define HVCTL_ELF_IMAGE_H

#include "boot.h"
#include "image.h"
#include "types.h"

#define ELF_SEGMENTS_MAX	64

struct elf_segment {
	u32 type;		/* PT_* */
	u32 flags;		/* PF_* */
	u64 offset;
	u64 vaddr;
	u64 paddr;
	u64 filesz;
	u64 memsz;
};

struct elf_image {
	bool is_64bit;
	u64 entry;
	unsigned int count;
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* Does the file start as an ELF does? 1, 0, or -1 on a read error. */
int elf_probe(const struct image *img);

/* Read the headers. Fails if the file isn't an ELF executable for x86. */
int elf_read(const struct image *img, struct elf_image *elf);

/*
 * Load all PT_LOAD segments to their physical addresses. Whole pages of those that aren't
 * written to are shared with other machines that load the same file, where that can be.
 */
int elf_load(struct boot *boot, const struct elf_image *elf);

/* The physical address at which @vaddr is loaded, or @vaddr itself if nowhere. */
u64 elf_physical(const struct elf_image *elf, u64 vaddr);

#endif
