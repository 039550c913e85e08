/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of the host's CPUs, as Linux writes them: "0-3,8". */
#ifndef HVCTL_CPU_LIST_H
#define HVCTL_CPU_LIST_H

#include "types.h"

/* As many as x86 kernels can be built for. */
#define CPU_LIST_MAX	8192
/* The longest text is that of every other CPU. */
#define CPU_LIST_TEXT	(CPU_LIST_MAX / 2 * 5 + 1)

struct cpu_list {
	u64 bits[CPU_LIST_MAX / 64];
};

/*
 * Read numbers and ranges, in any order, with commas between them, up to the text's end or
 * its line's. false if it isn't that; an empty text is an empty set.
 */
bool cpu_list_parse(struct cpu_list *list, const char *text);

/* Write it in its shortest form; returns @text. */
const char *cpu_list_format(const struct cpu_list *list, char text[static CPU_LIST_TEXT]);

bool cpu_list_is_empty(const struct cpu_list *list);

/* The first CPU of @list that @all doesn't have; -1: none. */
int cpu_list_first_beyond(const struct cpu_list *list, const struct cpu_list *all);

#endif
