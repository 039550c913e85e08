/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_CLOCK_H
#define HVCTL_CLOCK_H

#include <time.h>

#include "types.h"

/* CLOCK_MONOTONIC in milliseconds, for timeouts. */
static inline u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

#endif
