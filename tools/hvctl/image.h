/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that goes into the guest: kernel, initrd, module. It is read by
 * position, straight to where it is wanted, so nothing is copied twice.
 */
#ifndef HVCTL_IMAGE_H
#define HVCTL_IMAGE_H

#include "types.h"

struct image {
	const char *path;
	int fd;
	u64 size;
};

/* Open @path; @what ("kernel image", "initrd") names it in errors. */
int image_open(struct image *img, const char *path, const char *what);
void image_close(struct image *img);

/*
 * Read all of @len bytes at @offset. Beyond the end of the file fails with
 * "truncated", so that @offset and @len may come unchecked from the file.
 */
int image_read(const struct image *img, u64 offset, void *buf, u64 len);

#endif
