// SPDX-License-Identifier: GPL-2.0-only
#include "elf_image.h"

#include <elf.h>
#include <string.h>

#include "error.h"

int elf_probe(const struct image *img)
{
	u8 magic[SELFMAG];

	if (img->size < sizeof(magic))
		return 0;
	if (image_read(img, 0, magic, sizeof(magic)))
		return -1;
	return memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* The header fields that the two classes place differently. */
struct elf_table {
	u64 phoff;
	unsigned int phentsize;
	unsigned int phnum;
};

static int read_header(const struct image *img, struct elf_image *elf,
		       struct elf_table *table)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} hdr;

	if (image_read(img, 0, &hdr, sizeof(hdr.e32)))
		return -1;
	elf->is_64bit = hdr.ident[EI_CLASS] == ELFCLASS64;
	if (elf->is_64bit && image_read(img, 0, &hdr, sizeof(hdr.e64)))
		return -1;

	/* Both classes have e_type and e_machine in the same place. */
	if ((hdr.ident[EI_CLASS] != ELFCLASS32 && !elf->is_64bit) ||
	    hdr.ident[EI_DATA] != ELFDATA2LSB || hdr.e32.e_type != ET_EXEC ||
	    (hdr.e32.e_machine != EM_386 && hdr.e32.e_machine != EM_X86_64))
		return fail("%s is an ELF file, but not an x86 kernel", img->path);

	if (elf->is_64bit) {
		elf->entry = hdr.e64.e_entry;
		*table = (struct elf_table){
			hdr.e64.e_phoff, hdr.e64.e_phentsize, hdr.e64.e_phnum };
	} else {
		elf->entry = hdr.e32.e_entry;
		*table = (struct elf_table){
			hdr.e32.e_phoff, hdr.e32.e_phentsize, hdr.e32.e_phnum };
	}
	return 0;
}

static int read_segment(const struct image *img, bool is_64bit, u64 offset,
			struct elf_segment *seg)
{
	Elf32_Phdr p32;
	Elf64_Phdr p64;

	if (is_64bit) {
		if (image_read(img, offset, &p64, sizeof(p64)))
			return -1;
		*seg = (struct elf_segment){
			p64.p_type, p64.p_flags, p64.p_offset, p64.p_vaddr,
			p64.p_paddr, p64.p_filesz, p64.p_memsz };
	} else {
		if (image_read(img, offset, &p32, sizeof(p32)))
			return -1;
		*seg = (struct elf_segment){
			p32.p_type, p32.p_flags, p32.p_offset, p32.p_vaddr,
			p32.p_paddr, p32.p_filesz, p32.p_memsz };
	}
	if (seg->type == PT_LOAD && seg->filesz > seg->memsz)
		return fail("%s is damaged: a segment has more bytes in the file than in memory",
			    img->path);
	return 0;
}

int elf_read(const struct image *img, struct elf_image *elf)
{
	struct elf_table table;
	unsigned int i;

	if (read_header(img, elf, &table))
		return -1;
	if (table.phentsize < (elf->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return fail("%s is damaged: its program headers are too short", img->path);
	if (!table.phnum)
		return fail("%s has no program headers, so it cannot be booted", img->path);
	if (table.phnum > ELF_SEGMENTS_MAX)
		return fail("%s has %u program headers, more than the %u that hvctl takes",
			    img->path, table.phnum, ELF_SEGMENTS_MAX);
	if (table.phoff > img->size)
		return fail("%s is truncated: its program headers are beyond its end", img->path);

	for (i = 0; i < table.phnum; i++) {
		if (read_segment(img, elf->is_64bit, table.phoff + (u64)i * table.phentsize,
				 &elf->segment[i]))
			return -1;
	}
	elf->count = table.phnum;
	return 0;
}

/* ---- loading -------------------------------------------------------------------- */

/* The whole pages of a segment that the guest is not to write to, as a part of a copy. */
static struct image_part shared_pages(const struct elf_segment *seg)
{
	u64 skip = align_up(seg->paddr, MEMORY_PAGE) - seg->paddr;

	if (seg->type != PT_LOAD || seg->flags & PF_W || seg->filesz < skip + MEMORY_PAGE)
		return (struct image_part){ 0 };
	return (struct image_part){
		.from = seg->offset + skip,
		.len = align_down(seg->filesz - skip, MEMORY_PAGE),
	};
}

/* The segments' pages are one after the other in the copy. */
static void find_copy(struct boot *boot, const struct elf_image *elf)
{
	struct image_part part[ELF_SEGMENTS_MAX];
	unsigned int i, count = 0;
	struct image_copy copy;
	u64 to = 0;

	if (!boot->files->copies || boot->mem->shared)
		return;
	for (i = 0; i < elf->count; i++) {
		part[count] = shared_pages(&elf->segment[i]);
		if (!part[count].len)
			continue;
		if (part[count].len > min_u64(boot->kernel->size, LOW_MEMORY_END))
			return;		/* it is damaged, which is told elsewhere */
		part[count].to = to;
		to += part[count++].len;
	}
	if (count && !image_copy_open(&copy, boot->files->copies, boot->kernel, part, count))
		memory_files_begin(&boot->mem->files, &copy);
}

/* @to is where the segment's pages are in the copy, if there is one; it goes on. */
static int load_segment(struct boot *boot, const struct elf_segment *seg, u64 *to)
{
	struct image_part part = shared_pages(seg);
	u64 before = part.from - seg->offset, after = before + part.len;
	u64 offset = *to;
	void *host;
	u8 *at;

	if (boot_claim(boot, seg->paddr, seg->memsz, &host))
		return -1;
	*to += part.len;
	/* What memsz has beyond filesz is zero: guest memory starts so. */
	if (!part.len || !*boot->mem->files.copy.path ||
	    memory_map_file(boot->mem, seg->paddr + before, part.len, offset))
		return image_read(boot->kernel, seg->offset, host, seg->filesz);
	if (image_read(boot->kernel, seg->offset, host, before))
		return -1;
	at = host;
	return image_read(boot->kernel, seg->offset + after, at + after, seg->filesz - after);
}

int elf_load(struct boot *boot, const struct elf_image *elf)
{
	bool any = false;
	unsigned int i;
	u64 to = 0;

	find_copy(boot, elf);

	for (i = 0; i < elf->count; i++) {
		const struct elf_segment *seg = &elf->segment[i];

		if (seg->type != PT_LOAD || !seg->memsz)
			continue;
		if (load_segment(boot, seg, &to))
			return -1;
		any = true;
	}
	if (!any)
		return fail("%s is damaged: there is nothing in it to load", boot->kernel->path);
	return 0;
}

u64 elf_physical(const struct elf_image *elf, u64 vaddr)
{
	unsigned int i;

	for (i = 0; i < elf->count; i++) {
		const struct elf_segment *seg = &elf->segment[i];

		if (seg->type == PT_LOAD && vaddr >= seg->vaddr &&
		    vaddr - seg->vaddr < seg->memsz)
			return seg->paddr + (vaddr - seg->vaddr);
	}
	return vaddr;
}
