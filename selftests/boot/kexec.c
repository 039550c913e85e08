// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec -l VMLINUX INITRD CMDLINE	loads the kernel that
 * kexec -e				goes to
 * kexec -p VMLINUX INITRD CMDLINE	loads the kernel for a crash
 *
 * VMLINUX is an ELF file, so that nothing is to be decompressed, and nothing is
 * summed up: both would take the emulator minutes.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BOOT_PARAMS	"/sys/kernel/boot_params/data"	/* of the kernel that runs */
#define KERNEL_START	0x1000000			/* where it is linked to run */
#define KERNEL_ALIGN	0x200000ULL
#define HIGH_MEMORY	0x100000
#define INITRD_OFFSET	0x8000000			/* from the kernel's start */
#define CODE_SIZE	64

struct file {
	void *data;
	size_t size;
};

static struct kexec_segment segments[KEXEC_SEGMENT_MAX];
static unsigned int segment_count;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct file map_file(const char *path)
{
	struct file file;
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		fail(path);
	file.size = st.st_size;
	file.data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.data == MAP_FAILED)
		fail(path);
	return file;
}

static void add_segment(const void *data, size_t size, uint64_t address, size_t room)
{
	segments[segment_count++] = (struct kexec_segment) {
		.buf = data, .bufsz = size, .mem = (void *)address,
		.memsz = (room + 4095) & ~4095ULL,
	};
}

/* What crashkernel= set aside; the last byte is in @end. */
static void find_crash_region(uint64_t *start, uint64_t *end)
{
	char line[256];
	FILE *iomem = fopen("/proc/iomem", "r");

	while (iomem && fgets(line, sizeof(line), iomem))
		if (strstr(line, "Crash kernel") &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, start, end) == 2)
			return;
	fprintf(stderr, "kexec: no memory is set aside for a crash\n");
	exit(1);
}

/* A kernel for a crash has low memory, to start processors, and what was set aside. */
static void restrict_memory(struct boot_params *params, uint64_t start, uint64_t end)
{
	int i;

	for (i = 0; i < params->e820_entries; i++) {
		struct boot_e820_entry *entry = &params->e820_table[i];

		if (entry->type == 1 && entry->addr >= HIGH_MEMORY)
			*entry = (struct boot_e820_entry){ start, end + 1 - start, 1 };
	}
}

static uint64_t add_kernel(const char *path, uint64_t offset)
{
	const Elf64_Ehdr *elf = map_file(path).data;
	const Elf64_Phdr *segment = (const void *)elf + elf->e_phoff;
	int i;

	for (i = 0; i < elf->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD)
			add_segment((const void *)elf + segment[i].p_offset, segment[i].p_filesz,
				    segment[i].p_paddr + offset, segment[i].p_memsz);
	return elf->e_entry + offset;
}

/* 64-bit code: RSI is to point to the boot parameters (Documentation/x86/boot.rst). */
static void *make_code(uint64_t entry, uint64_t params)
{
	uint8_t *code = calloc(1, CODE_SIZE);

	memcpy(code, (uint8_t[]){ 0x48, 0xbe }, 2);		/* mov $params, %rsi */
	memcpy(code + 2, &params, 8);
	memcpy(code + 10, (uint8_t[]){ 0x48, 0xb8 }, 2);	/* mov $entry, %rax */
	memcpy(code + 12, &entry, 8);
	memcpy(code + 20, (uint8_t[]){ 0xff, 0xe0 }, 2);	/* jmp *%rax */
	return code;
}

static int load(char **args, unsigned long flags)
{
	static struct boot_params params;
	uint64_t start = KERNEL_START, end = 0, base, code;
	struct file initrd = map_file(args[1]);
	int fd = open(BOOT_PARAMS, O_RDONLY);

	if (read(fd, &params, sizeof(params)) != sizeof(params))
		fail(BOOT_PARAMS);
	if (flags & KEXEC_ON_CRASH) {
		find_crash_region(&start, &end);
		restrict_memory(&params, start, end);
	}
	base = (start + KERNEL_ALIGN - 1) & -KERNEL_ALIGN;
	code = base + INITRD_OFFSET + ((initrd.size + 4095) & ~4095ULL);
	params.hdr.ramdisk_image = base + INITRD_OFFSET;
	params.hdr.ramdisk_size = initrd.size;
	params.hdr.cmd_line_ptr = code + 2 * 4096;

	add_segment(make_code(add_kernel(args[0], base - KERNEL_START), code + 4096), CODE_SIZE,
		    code, CODE_SIZE);
	add_segment(&params, sizeof(params), code + 4096, sizeof(params));
	add_segment(args[2], strlen(args[2]) + 1, code + 2 * 4096, strlen(args[2]) + 1);
	add_segment(initrd.data, initrd.size, base + INITRD_OFFSET, initrd.size);
	if (syscall(SYS_kexec_load, code, (unsigned long)segment_count, segments,
		    flags | KEXEC_ARCH_DEFAULT))
		fail("kexec_load");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "-l"))
		return load(argv + 2, 0);
	if (argc == 5 && !strcmp(argv[1], "-p"))
		return load(argv + 2, KEXEC_ON_CRASH);
	if (argc != 2 || strcmp(argv[1], "-e"))
		return 2;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, 0);
	fail("reboot");
}
