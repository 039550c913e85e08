/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_SAME_FILE_H
#define HVCTL_SAME_FILE_H

#include <sys/stat.h>

#include "types.h"

/* Are these one file, by whatever names, or one block device, by whatever nodes? */
static inline bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
		return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

#endif
