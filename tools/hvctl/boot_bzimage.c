// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux' bzImage by the 64-bit boot protocol
 * (Documentation/x86/boot.rst, "64-bit Boot Protocol").
 */
#include "boot.h"

#include <asm/bootparam.h>
#include <inttypes.h>
#include <string.h>

#include "error.h"
#include "size.h"
#include "x86_bits.h"

/* Fixed places below 1 MiB, which the kernel leaves alone until it has read them. */
#define BOOT_GDT		0x500
#define BOOT_PARAMS		0x7000
#define BOOT_PAGE_TABLES	0x9000
#define BOOT_CMDLINE		0x20000

#define SETUP_HEADER		offsetof(struct boot_params, hdr)
#define SECTOR			512
#define HDRS_MAGIC		0x53726448	/* "HdrS" */
#define PROTOCOL_2_12		0x020c		/* the first with xloadflags */
#define PROTOCOL_2_14		0x020e		/* the first with acpi_rsdp_addr */
#define ENTRY_64		0x200
#define LOADER_UNDEFINED	0xff
#define VIDEO_NORMAL		0xffff

static int bzimage_probe(const struct image *kernel)
{
	struct {
		u16 boot_flag;
		u16 jump;
		u32 header;
	} __packed id;

	if (kernel->size < 0x1fe + sizeof(id))
		return 0;
	if (image_read(kernel, 0x1fe, &id, sizeof(id)))
		return -1;
	return id.boot_flag == 0xaa55 && id.header == HDRS_MAGIC;
}

/* The header's length is in its jump instruction: its target ends it. */
static int read_setup_header(const struct image *kernel, struct setup_header *hdr)
{
	u8 raw[0x290 - SETUP_HEADER] = { 0 };
	u64 length;
	u8 jump;

	if (image_read(kernel, 0x201, &jump, 1))
		return -1;
	length = min_u64(0x202 + jump - SETUP_HEADER, sizeof(*hdr));
	if (image_read(kernel, SETUP_HEADER, raw, length))
		return -1;
	memcpy(hdr, raw, sizeof(*hdr));

	if (hdr->version < PROTOCOL_2_12 || !(hdr->xloadflags & XLF_KERNEL_64) ||
	    !(hdr->loadflags & LOADED_HIGH))
		return fail("%s has no 64-bit entry point; hvctl boots x86-64 kernels from Linux 3.8 on",
			    kernel->path);
	return 0;
}

/*
 * Where the protected-mode part goes: where the kernel would like it, else, if
 * it can be moved and the machine is small, as low as its alignment allows.
 */
static int choose_address(const struct boot *boot, const struct setup_header *hdr,
			  u64 span, u64 *address)
{
	u64 align = hdr->kernel_alignment;
	u64 low = boot->mem->low;
	char text[32];

	*address = hdr->pref_address;
	if (hdr->pref_address >= MIB(1) && hdr->pref_address < low &&
	    span <= low - hdr->pref_address)
		return 0;
	if (!hdr->relocatable_kernel) {
		/* There is what the kernel is given, boot_params above all. */
		if (hdr->pref_address < MIB(1))
			return fail("%s is damaged: it wants to be loaded below 1 MiB",
				    boot->kernel->path);
		return 0;		/* boot_claim() says what is wrong */
	}
	if (!align || align & (align - 1))
		return fail("%s is damaged: its alignment is 0x%x", boot->kernel->path,
			    hdr->kernel_alignment);
	*address = align_up(MIB(1), align);
	if (*address > low || span > low - *address)
		return fail("memory too small: %s needs at least %s; give more with --memory",
			    boot->kernel->path,
			    format_size(align_up(*address + span, MIB(1)), text, sizeof(text)));
	return 0;
}

static int load_kernel(struct boot *boot, const struct setup_header *hdr, u64 *address)
{
	u64 setup = ((hdr->setup_sects ? hdr->setup_sects : 4) + 1) * SECTOR;
	u64 payload = (u64)hdr->syssize * 16;
	u64 span = max_u64(hdr->init_size, payload);
	void *host;

	if (payload <= ENTRY_64)
		return fail("%s is damaged: it has no code", boot->kernel->path);
	if (choose_address(boot, hdr, span, address))
		return -1;
	if (boot_claim(boot, *address, span, &host))
		return -1;
	return image_read(boot->kernel, setup, host, payload);
}

static int load_cmdline(struct boot *boot, const struct setup_header *hdr)
{
	size_t len = strlen(boot->files->cmdline);
	u32 room = min_u64(hdr->cmdline_size, BOOT_CMDLINE_MAX);

	if (len > room)
		return fail("--cmdline: %zu characters are more than the %u that %s takes",
			    len, room, boot->kernel->path);
	memcpy(memory_at(boot->mem, BOOT_CMDLINE, len + 1), boot->files->cmdline, len + 1);
	return 0;
}

static int load_initrd(struct boot *boot, struct boot_params *params)
{
	const struct setup_header *hdr = &params->hdr;
	struct boot_module initrd;

	if (!boot->files->initrd)
		return 0;
	if (boot_load_file(boot, boot->files->initrd, "initrd",
			   (u64)hdr->initrd_addr_max + 1, &initrd))
		return -1;
	params->hdr.ramdisk_image = initrd.start;
	params->hdr.ramdisk_size = initrd.size;
	return 0;
}

static void fill_e820(const struct guest_memory *mem, struct boot_params *params)
{
	struct memory_range map[MEMORY_MAP_MAX];
	unsigned int n = memory_map(mem, map);
	unsigned int i;

	for (i = 0; i < n; i++) {
		params->e820_table[i].addr = map[i].start;
		params->e820_table[i].size = map[i].size;
		params->e820_table[i].type = map[i].ram ? 1 : 2;
	}
	params->e820_entries = n;
}

/* Identity map of the first 4 GiB with 2 MiB pages: PML4, PDPT, four PDs. */
static void build_page_tables(const struct guest_memory *mem)
{
	u64 *table = memory_at(mem, BOOT_PAGE_TABLES, 6 * KIB(4));
	u64 *pdpt = table + 512;
	u64 *pd = table + 1024;
	unsigned int i;

	table[0] = (BOOT_PAGE_TABLES + KIB(4)) | PTE_PRESENT | PTE_WRITABLE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PAGE_TABLES + (2 + i) * KIB(4)) | PTE_PRESENT | PTE_WRITABLE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * MIB(2) | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE;
}

/* __BOOT_CS is 0x10 and __BOOT_DS is 0x18: flat, 64-bit code and data. */
static void build_gdt(const struct guest_memory *mem, struct boot_entry *entry)
{
	static const u64 gdt[] = {
		0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL,
	};

	memcpy(memory_at(mem, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	entry->gdt_base = BOOT_GDT;
	entry->gdt_limit = sizeof(gdt) - 1;
}

static int bzimage_load(struct boot *boot)
{
	struct boot_params *params = memory_at(boot->mem, BOOT_PARAMS, sizeof(*params));
	struct setup_header *hdr = &params->hdr;
	u64 address;

	if (boot->files->module_count)
		return fail("--module: %s is a bzImage, which takes none; Multiboot and PVH kernels do",
			    boot->kernel->path);
	memset(params, 0, sizeof(*params));
	if (read_setup_header(boot->kernel, hdr) ||
	    load_kernel(boot, hdr, &address) ||
	    load_cmdline(boot, hdr) ||
	    load_initrd(boot, params))
		return -1;

	hdr->type_of_loader = LOADER_UNDEFINED;
	hdr->vid_mode = VIDEO_NORMAL;
	hdr->code32_start = address;
	hdr->cmd_line_ptr = BOOT_CMDLINE;
	hdr->setup_data = 0;
	if (hdr->version >= PROTOCOL_2_14)
		params->acpi_rsdp_addr = boot->rsdp;
	fill_e820(boot->mem, params);
	build_page_tables(boot->mem);
	build_gdt(boot->mem, boot->entry);

	boot->entry->mode = BOOT_LONG;
	boot->entry->rip = address + ENTRY_64;
	boot->entry->rsi = BOOT_PARAMS;
	boot->entry->cr3 = BOOT_PAGE_TABLES;
	return 0;
}

const struct boot_format boot_bzimage = {
	.probe = bzimage_probe,
	.load = bzimage_load,
};
