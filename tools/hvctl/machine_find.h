/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_FIND_H
#define HVCTL_MACHINE_FIND_H

#include <sys/stat.h>

#include "types.h"

/*
 * Which of this user's machines has the image @st for a drive, in @name, which has room for
 * NAME_MAX_LENGTH characters and an end? false if none says so.
 */
bool machine_find_image(const struct stat *st, char *name);

#endif
