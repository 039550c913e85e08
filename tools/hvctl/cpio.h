/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes an initial RAM disk: a cpio archive, "newc" (the kernel's initramfs format). */
#ifndef HVCTL_CPIO_H
#define HVCTL_CPIO_H

#include <stdio.h>

#include "types.h"

struct cpio {
	FILE *file;		/* its errors are seen in cpio_end() */
	u32 inode;
};

void cpio_start(struct cpio *c, FILE *file);

/* A folder, or a file with @size bytes at @data. @name is relative to the root. */
void cpio_add_folder(struct cpio *c, const char *name);
void cpio_add(struct cpio *c, const char *name, unsigned int mode, const void *data, size_t size);

/* A file with what is in @path. -1 with a sentence if that can't be read. */
int cpio_add_file(struct cpio *c, const char *name, unsigned int mode, const char *path);

/* -1 with a sentence if anything of it couldn't be written. */
int cpio_end(struct cpio *c);

#endif
