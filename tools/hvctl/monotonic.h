/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MONOTONIC_H
#define HVCTL_MONOTONIC_H

#include <time.h>

#include "types.h"

/* Milliseconds of a clock that nobody sets. */
static inline u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

#endif
