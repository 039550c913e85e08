/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What machines that boot the same file have in common: a copy of its parts, of which each
 * maps the pages. The file itself isn't mapped, as whoever writes to it, or makes it shorter,
 * would do that to the guests. The copies are in a folder of the user's, on a file system in
 * memory; the last machine that uses one removes it.
 */
#ifndef HVCTL_IMAGE_COPY_H
#define HVCTL_IMAGE_COPY_H

#include <limits.h>

#include "image.h"
#include "types.h"

/* A part of the file, and where it is in the copy; the rest of that is zero. */
struct image_part {
	u64 from;
	u64 to;
	u64 len;
};

struct image_copy {
	char path[PATH_MAX];	/* "": there is none */
	int fd;			/* for reading; locked while the machine uses it */
};

/*
 * Have the copy of @img's @parts, which are the same for the same file, in @folder, which is
 * made if need be; one that is there is used. Returns -1 if there can't be one: the machine
 * has to do without. There is no sentence, as nothing failed.
 */
int image_copy_open(struct image_copy *copy, const char *folder, const struct image *img,
		    const struct image_part *parts, unsigned int count);

/* Does nothing if there is none; then there is none. */
void image_copy_close(struct image_copy *copy);

/* Remove the copies in @folder that nobody uses, as those of killed machines. */
void image_copy_sweep(const char *folder);

#endif
