// SPDX-License-Identifier: GPL-2.0-only
/* How much memory the host has free. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "free_memory.h"

#define SETTLE_USEC	300000

unsigned long long free_memory(void)
{
	unsigned long long pages = 0, count;
	char line[128];
	FILE *file;

	usleep(SETTLE_USEC);
	file = fopen("/proc/zoneinfo", "re");
	if (!file)
		err(2, "/proc/zoneinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " pages free %llu", &count) == 1 ||
		    sscanf(line, " count: %llu", &count) == 1)
			pages += count;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}
