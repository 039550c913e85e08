/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes small ELF kernels of either class, for the PVH and Multiboot tests. */
#ifndef HVCTL_ELF_MAKE_H
#define HVCTL_ELF_MAKE_H

#include <elf.h>

#include "types.h"

#define ELF_MAKE_SIZE	8192

struct elf_make {
	bool is_64bit;
	unsigned int phnum;
	u8 file[ELF_MAKE_SIZE];
};

/* An ELF executable without segments. */
void elf_make_start(struct elf_make *elf, bool is_64bit, u64 entry);

/* Add a program header; values are cut to the class' width. */
void elf_make_segment(struct elf_make *elf, u32 type, u64 offset, u64 vaddr, u64 paddr,
		      u64 filesz, u64 memsz);

#endif
