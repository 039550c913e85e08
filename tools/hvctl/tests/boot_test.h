/* SPDX-License-Identifier: GPL-2.0-only */
/* Booting made-up images. */
#ifndef HVCTL_BOOT_TEST_H
#define HVCTL_BOOT_TEST_H

#include "boot.h"
#include "test.h"

#define TEST_RSDP	0xe0000

/* What the last load_image() left. */
extern struct guest_memory boot_mem;
extern struct boot_entry boot_entry;
extern struct boot_files boot_files;

/* Start with no files, an empty command line, and @size bytes of memory. */
void boot_start(u64 size);
void boot_end(void);

/* Boot an image with boot_files' other members as they are, in cleared memory. */
int load_image(const void *image, u64 size);

/*
 * Boot @image cut short at every length that is a multiple of @step, and with
 * random bytes in its first @head bytes. Whatever comes of it, nothing outside
 * of guest memory may be touched, which the sanitizers watch.
 */
void boot_hostile(const void *image, u64 size, u64 step, u64 head);

/* A guest's view. */
u64 guest_get(u64 gpa, unsigned int size);
const char *guest_string(u64 gpa);

#endif
