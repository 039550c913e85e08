/* SPDX-License-Identifier: GPL-2.0-only */
/* The value of --memory: SIZE, and what goes with it. All return -1 with a sentence. */
#ifndef HVCTL_MEMORY_OPTIONS_H
#define HVCTL_MEMORY_OPTIONS_H

#include "types.h"

/* hvctl run: SIZE[,max=SIZE]; without max= it's the size. */
struct run_memory {
	u64 size;
	u64 max;
};

int run_memory_parse(struct run_memory *memory, const char *text);

/* hvctl set: SIZE[,overcommit] */
struct set_memory {
	u64 size;
	bool overcommit;
};

int set_memory_parse(struct set_memory *memory, const char *text);

#endif
