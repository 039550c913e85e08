/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection for one thread ("fail-nth"): its N-th allocation or
 * copy from or to userspace fails.
 */
#ifndef LHV_TEST_FAULT_H
#define LHV_TEST_FAULT_H

#include "types.h"

/* Whether the host can. */
bool fault_injection(void);

/* All allocations may fail, and without a word in the log. */
void fault_prepare_host(void);

/* What the thread's faults are asked of. */
int fault_open(void);

/* The @n-th from now on fails; 0: none. */
void fault_arm(int fd, u32 n);

/* How far off it still is; 0 if it came. */
u32 fault_left(int fd);

/* Did it come? If asking that is what failed, it didn't before. None is armed now. */
bool fault_disarm(int fd);

#endif /* LHV_TEST_FAULT_H */
