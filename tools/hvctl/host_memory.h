/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host has of memory. */
#ifndef HVCTL_HOST_MEMORY_H
#define HVCTL_HOST_MEMORY_H

#include "types.h"

/* Bytes that programs may still have without swapping. -1 with a sentence. */
int host_memory_available(u64 *bytes);

/* The same, of what /proc/meminfo says; -1 without a sentence if it doesn't. */
int host_memory_parse(const char *meminfo, u64 *bytes);

#endif
