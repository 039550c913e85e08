/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of a kernel's modules have to be loaded, and in which order. */
#ifndef HVCTL_KERNEL_MODULES_H
#define HVCTL_KERNEL_MODULES_H

#include "types.h"

#define KERNEL_MODULES_MAX	64

struct kernel_modules {
	char *path[KERNEL_MODULES_MAX];	/* relative to the folder; each after what it needs */
	unsigned int count;
};

/*
 * Add @name, and first what it needs, to @list; @folder is /lib/modules/RELEASE, whose
 * modules.dep and modules.builtin tell (modules.dep(5)). What is there already, or built in,
 * isn't added. -1 with a sentence, also if there is no such module.
 */
int kernel_modules_add(struct kernel_modules *list, const char *folder, const char *name);
void kernel_modules_free(struct kernel_modules *list);

#endif
