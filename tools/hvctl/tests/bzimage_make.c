// SPDX-License-Identifier: GPL-2.0-only
#include "bzimage_make.h"

struct setup_header *bzimage_header(u8 *image)
{
	return (struct setup_header *)(image + 0x1f1);
}

struct setup_header *bzimage_make(u8 *image)
{
	struct setup_header *hdr = bzimage_header(image);

	hdr->boot_flag = 0xaa55;
	hdr->jump = 0x6aeb;
	hdr->header = 0x53726448;
	hdr->version = 0x20f;
	hdr->loadflags = LOADED_HIGH;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->relocatable_kernel = 1;
	hdr->xloadflags = XLF_KERNEL_64;
	hdr->cmdline_size = 2047;
	return hdr;
}
