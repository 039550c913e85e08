// SPDX-License-Identifier: GPL-2.0-only
#include "elf_make.h"

#include <string.h>

void elf_make_start(struct elf_make *elf, bool is_64bit, u64 entry)
{
	Elf32_Ehdr *e32 = (Elf32_Ehdr *)elf->file;
	Elf64_Ehdr *e64 = (Elf64_Ehdr *)elf->file;

	memset(elf, 0, sizeof(*elf));
	elf->is_64bit = is_64bit;
	memcpy(elf->file, ELFMAG, SELFMAG);
	elf->file[EI_CLASS] = is_64bit ? ELFCLASS64 : ELFCLASS32;
	elf->file[EI_DATA] = ELFDATA2LSB;
	elf->file[EI_VERSION] = EV_CURRENT;
	e32->e_type = ET_EXEC;
	e32->e_machine = is_64bit ? EM_X86_64 : EM_386;
	if (is_64bit) {
		e64->e_entry = entry;
		e64->e_phoff = sizeof(*e64);
		e64->e_phentsize = sizeof(Elf64_Phdr);
	} else {
		e32->e_entry = entry;
		e32->e_phoff = sizeof(*e32);
		e32->e_phentsize = sizeof(Elf32_Phdr);
	}
}

void elf_make_segment(struct elf_make *elf, u32 type, u64 offset, u64 vaddr, u64 paddr,
		      u64 filesz, u64 memsz)
{
	unsigned int n = elf->phnum++;

	if (elf->is_64bit) {
		Elf64_Phdr *ph = (Elf64_Phdr *)(elf->file + sizeof(Elf64_Ehdr)) + n;

		*ph = (Elf64_Phdr){ .p_type = type, .p_offset = offset, .p_vaddr = vaddr,
				    .p_paddr = paddr, .p_filesz = filesz, .p_memsz = memsz };
		((Elf64_Ehdr *)elf->file)->e_phnum = elf->phnum;
	} else {
		Elf32_Phdr *ph = (Elf32_Phdr *)(elf->file + sizeof(Elf32_Ehdr)) + n;

		*ph = (Elf32_Phdr){ .p_type = type, .p_offset = offset, .p_vaddr = vaddr,
				    .p_paddr = paddr, .p_filesz = filesz, .p_memsz = memsz };
		((Elf32_Ehdr *)elf->file)->e_phnum = elf->phnum;
	}
}
