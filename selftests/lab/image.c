// SPDX-License-Identifier: GPL-2.0-only
/*
 * image payload VMLINUZ                      writes the compressed kernel in it
 * image boot VMLINUZ VMLINUX INITRD ARGUMENTS  writes a boot image (image.h)
 * image rom ROM                              pads and checksums the boot ROM
 *
 * All write to stdout, which must be a file. VMLINUX is the ELF that the
 * payload of VMLINUZ decompresses to. Going without a boot loader and without
 * decompression in the emulator saves most of the time before the kernel.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

#define PAGE		4096
#define LARGE_PAGE	0x200000
#define PTE_PRESENT	0x1
#define PTE_WRITE	0x2
#define PTE_LARGE	0x80

struct file {
	const uint8_t *data;
	size_t size;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("image: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static struct file map(const char *path)
{
	struct file file;
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stat))
		die("%s: %s", path, strerror(errno));
	file.size = stat.st_size;
	file.data = NULL;
	if (file.size) {
		file.data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file.data == MAP_FAILED)
			die("%s: %s", path, strerror(errno));
	}
	close(fd);
	return file;
}

static void put(size_t offset, const void *data, size_t size)
{
	while (size) {
		ssize_t written = pwrite(1, data, size, offset);

		if (written <= 0)
			die("stdout: %s", strerror(errno));
		data = (const char *)data + written;
		offset += written;
		size -= written;
	}
}

static const struct setup_header *setup_header(const struct file *file, const char *path)
{
	const struct setup_header *header = (const void *)(file->data +
					    offsetof(struct boot_params, hdr));

	if (file->size < sizeof(struct boot_params) || header->header != 0x53726448)
		die("%s: not a bzImage", path);
	return header;
}

/* The last four bytes of the payload are its decompressed size. */
static void write_payload(const char *path)
{
	struct file file = map(path);
	const struct setup_header *header = setup_header(&file, path);
	size_t offset = (header->setup_sects + 1) * 512 + header->payload_offset;

	if (offset > file.size || header->payload_length > file.size - offset)
		die("%s: truncated", path);
	put(0, file.data + offset, header->payload_length - 4);
}

/* Where in the boot image a guest-physical address from KERNEL_BASE on lies. */
static size_t image_offset(uint64_t address)
{
	return address - KERNEL_BASE + (1 + SPARE_BLOCKS) * (size_t)BLOCK_SIZE;
}

/* Returns where the kernel ends in memory. */
static uint64_t put_kernel(const struct file *file, const char *path, uint32_t *entry)
{
	const Elf64_Ehdr *elf = (const void *)file->data;
	const Elf64_Phdr *segment;
	uint64_t end = 0;

	if (file->size < sizeof(*elf) || memcmp(elf->e_ident, ELFMAG, SELFMAG) ||
	    elf->e_machine != EM_X86_64)
		die("%s: not an x86-64 ELF", path);
	segment = (const void *)(file->data + elf->e_phoff);
	for (int i = 0; i < elf->e_phnum; i++, segment++) {
		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_paddr < KERNEL_BASE)
			die("%s: a segment lies below 16 MiB", path);
		if (segment->p_offset + segment->p_filesz > file->size)
			die("%s: truncated", path);
		put(image_offset(segment->p_paddr), file->data + segment->p_offset,
		    segment->p_filesz);
		if (segment->p_paddr + segment->p_memsz > end)
			end = segment->p_paddr + segment->p_memsz;
	}
	*entry = elf->e_entry;
	return end;
}

static void put_boot_params(const struct setup_header *header, uint64_t initrd, size_t size)
{
	struct boot_params params = { 0 };
	size_t length = 0x11 + ((const uint8_t *)header)[0x10];

	memcpy(&params.hdr, header, length < sizeof(*header) ? length : sizeof(*header));
	params.hdr.type_of_loader = 0xff;
	params.hdr.loadflags |= LOADED_HIGH;
	params.hdr.vid_mode = 0xffff;
	params.hdr.cmd_line_ptr = COMMAND_LINE;
	params.hdr.ramdisk_image = initrd;
	params.hdr.ramdisk_size = size;
	put(BOOT_PARAMS - IMAGE_BASE, &params, sizeof(params));
}

/* The first 4 GiB, one to one: a table of each upper level, four of 2 MiB pages. */
static void put_page_tables(void)
{
	static uint64_t tables[6][512];

	tables[0][0] = (PAGE_TABLES + PAGE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < 4; i++)
		tables[1][i] = (PAGE_TABLES + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t i = 0; i < 4 * 512; i++)
		tables[2 + i / 512][i % 512] = i * LARGE_PAGE |
					       PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	put(PAGE_TABLES - IMAGE_BASE, tables, sizeof(tables));
}

static void write_boot(char **argv)
{
	struct file vmlinuz = map(argv[0]), vmlinux = map(argv[1]), initrd = map(argv[2]);
	const char *arguments = argv[3];
	uint32_t header[] = { IMAGE_MAGIC, 0, 0 }, magic = IMAGE_MAGIC;
	uint64_t initrd_at, end;

	if (strlen(arguments) > COMMAND_LINE_MAX)
		die("the kernel's arguments are longer than %d", COMMAND_LINE_MAX);
	end = put_kernel(&vmlinux, argv[1], &header[HEADER_ENTRY / 4]);
	initrd_at = (end + LARGE_PAGE - 1) & -(uint64_t)LARGE_PAGE;
	put(image_offset(initrd_at), initrd.data, initrd.size);
	end = initrd_at + initrd.size + sizeof(magic);
	end = (end + BLOCK_SIZE - 1) & -(uint64_t)BLOCK_SIZE;
	put(image_offset(end) - sizeof(magic), &magic, sizeof(magic));
	header[HEADER_BLOCKS / 4] = (end - KERNEL_BASE) / BLOCK_SIZE;

	put(0, header, sizeof(header));
	put_boot_params(setup_header(&vmlinuz, argv[0]), initrd_at, initrd.size);
	put(COMMAND_LINE - IMAGE_BASE, arguments, strlen(arguments));
	put_page_tables();
	for (uint32_t i = 1; i <= SPARE_BLOCKS; i++) {
		magic = SPARE_MAGIC + i;
		put(i * (size_t)BLOCK_SIZE, &magic, sizeof(magic));
	}
}

static void write_rom(const char *path)
{
	struct file file = map(path);
	uint8_t rom[ROM_SIZE] = { 0 };

	if (file.size >= sizeof(rom))
		die("%s: longer than %d", path, ROM_SIZE);
	memcpy(rom, file.data, file.size);
	for (size_t i = 0; i < sizeof(rom) - 1; i++)
		rom[sizeof(rom) - 1] -= rom[i];
	put(0, rom, sizeof(rom));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "payload"))
		write_payload(argv[2]);
	else if (argc == 6 && !strcmp(argv[1], "boot"))
		write_boot(argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "rom"))
		write_rom(argv[2]);
	else
		die("see the top of image.c for its usage");
	return 0;
}
