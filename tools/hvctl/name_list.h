/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of machines' names: in order, ending with NULL; free() takes all of a list. */
#ifndef HVCTL_NAME_LIST_H
#define HVCTL_NAME_LIST_H

#include "types.h"

/*
 * What in the folder @path is a machine's name, and @keep, which may be NULL, says yes to.
 * Where there is no such folder, there are no names. NULL with a sentence.
 */
char **name_list_read(const char *path, bool (*keep)(const char *name));

/* What is in @a or @b, each once; both lists are given up. NULL with a sentence */
char **name_list_join(char **a, char **b);

#endif
