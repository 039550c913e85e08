/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters that any thread may read while others count. They only rise; one doesn't tell
 * anything about another.
 */
#ifndef HVCTL_COUNTER_H
#define HVCTL_COUNTER_H

#include <stdatomic.h>

#include "types.h"

typedef _Atomic u64 counter;

static inline void counter_add(counter *c, u64 n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static inline u64 counter_read(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
