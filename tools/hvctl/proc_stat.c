// SPDX-License-Identifier: GPL-2.0-only
#include "proc_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the fields in proc(5), which counts from 1; the second is the last with blanks in it. */
#define FIELD_STARTED	22
#define FIELD_GUEST	43

/* All that is there fits, or what is wanted of it; returns false if it can't be read. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A thread may call itself anything, with blanks, brackets and new lines in it. */
bool proc_stat_parse(const char *text, u64 hz, struct proc_stat *stat)
{
	const char *at = strrchr(text, ')');
	u64 started, guest;
	int field;

	*stat = (struct proc_stat){ 0 };
	for (field = 2; at && field < FIELD_STARTED; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%" SCNu64, &started) != 1)
		return false;
	for (; at && field < FIELD_GUEST; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%" SCNu64, &guest) != 1)
		return false;
	stat->started = started * (NS_PER_SECOND / hz);
	stat->guest = guest * (NS_PER_SECOND / hz);
	return true;
}

bool proc_stat_read(pid_t tid, struct proc_stat *stat)
{
	char path[64] = "/proc/self/stat", text[1024];

	if (tid)
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	*stat = (struct proc_stat){ 0 };
	return read_text(path, text, sizeof(text)) &&
	       proc_stat_parse(text, sysconf(_SC_CLK_TCK), stat);
}

u64 proc_resident(void)
{
	char text[128];
	u64 pages;

	if (!read_text("/proc/self/statm", text, sizeof(text)) ||
	    sscanf(text, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

u64 proc_share(pid_t pid)
{
	char path[64], text[2048];
	const char *line;
	u64 kib;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if (!read_text(path, text, sizeof(text)))
		return 0;
	line = strstr(text, "\nPss:");
	return line && sscanf(line, "\nPss: %" SCNu64 " kB", &kib) == 1 ? KIB(kib) : 0;
}
