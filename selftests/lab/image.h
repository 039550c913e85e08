/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot image: what the emulator loads into its memory, and the boot ROM
 * (boot.S) starts. In guest-physical order:
 *
 *   IMAGE_BASE    one block: header, boot_params, command line, page tables
 *   (no address)  SPARE_BLOCKS that the BIOS and the ROM may consume
 *   KERNEL_BASE   the kernel's segments, then the initramfs, then IMAGE_MAGIC
 *                 in the last word of the last block
 *
 * Bochs 2.7 reads such a file (optramimage) into its memory as a whole, but
 * only the first block of 128 KiB gets its address at once; the other blocks get
 * theirs in the order in which they are touched, see boot.S.
 */
#ifndef LAB_IMAGE_H
#define LAB_IMAGE_H

#define ROM_SIZE	2048

#define BLOCK_SIZE	0x20000
#define IMAGE_BASE	0xf00000
#define KERNEL_BASE	0x1000000
#define SPARE_BLOCKS	32
#define IMAGE_MAGIC	0x1e56484c
#define SPARE_MAGIC	0x1e560000	/* + the spare block's number, from 1 */

/* In the header, all 32 bits wide. */
#define HEADER_MAGIC	0
#define HEADER_BLOCKS	4	/* from KERNEL_BASE on */
#define HEADER_ENTRY	8	/* the kernel's startup_64 */

#define BOOT_PARAMS	(IMAGE_BASE + 0x1000)
#define COMMAND_LINE	(IMAGE_BASE + 0x2000)
#define PAGE_TABLES	(IMAGE_BASE + 0x4000)
#define COMMAND_LINE_MAX	2047

/* Of struct boot_params, Documentation/x86/zero-page.rst. */
#define BOOT_E820_ENTRIES	0x1e8
#define BOOT_E820_TABLE		0x2d0
#define E820_ENTRY_SIZE		20

#endif /* LAB_IMAGE_H */
