/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host's kernel has counted for this process and its threads. */
#ifndef HVCTL_PROC_STAT_H
#define HVCTL_PROC_STAT_H

#include <sys/types.h>

#include "types.h"

#define NS_PER_SECOND	1000000000ULL

/* All in ns, as the kernel's clock ticks, of which there are some 100 in a second, allow. */
struct proc_stat {
	u64 guest;		/* CPU time in the guest, also of threads that have ended */
	u64 started;		/* by CLOCK_BOOTTIME */
};

/*
 * From the text of /proc/PID/stat or /proc/PID/task/TID/stat, with @hz ticks in a second. Returns
 * false if it isn't one.
 */
bool proc_stat_parse(const char *text, u64 hz, struct proc_stat *stat);

/* Of the thread @tid; 0: of the process. Returns false, and zeros, if there is none. */
bool proc_stat_read(pid_t tid, struct proc_stat *stat);

/* Bytes of this process that are in memory; 0 if nobody knows. */
u64 proc_resident(void);

/*
 * Bytes of the process @pid that are in memory, each page by its share if others have it, too:
 * Linux walks all its page tables for this. 0 if it may not be asked, or isn't there.
 */
u64 proc_share(pid_t pid);

#endif
