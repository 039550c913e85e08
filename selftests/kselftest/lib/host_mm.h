/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's memory management, through its files
 */
#ifndef LHV_TEST_HOST_MM_H
#define LHV_TEST_HOST_MM_H

#include "types.h"

/* False if there is no such file, or it refuses. */
bool write_file(const char *path, const char *text);
/* The number that the file holds; 0 if there is none. */
u64 read_number(const char *path);

/* A counter of /proc/vmstat; 0 if this host doesn't count that. */
u64 vmstat(const char *name);
/* Does it count events at all? The lab's debug host doesn't (CONFIG_VM_EVENT_COUNTERS). */
bool counts_events(void);
/* Counters say that so much happened; where there are counters. */
#define EXPECT_COUNTED(least, counted)			\
	do {						\
		if (counts_events())			\
			EXPECT_LE(least, counted);	\
	} while (0)
/* Of the mapping that begins at @address, a line of /proc/self/smaps ("Rss"), bytes. */
u64 smaps(const void *address, const char *line);
/* The page frames that are mapped from @address on; 0 where there is none. Needs root. */
void frames_of(const void *address, u64 *frames, u64 pages);

/* A setting of same-page merging. */
bool ksm_write(const char *name, const char *text);
u64 ksm_read(const char *name);

/* Does /sys/kernel/mm/transparent_hugepage/enabled allow them where they are asked for? */
bool huge_pages_enabled(void);
/* khugepaged makes no more of them here, and what is taken apart stays so. */
void leave_split(void *area, u64 bytes);
/* khugepaged looks for work all the time, or as seldom as by default; false: there is none. */
bool khugepaged_hurry(bool on);

#endif /* LHV_TEST_HOST_MM_H */
