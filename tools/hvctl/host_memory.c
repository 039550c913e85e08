// SPDX-License-Identifier: GPL-2.0-only
#include "host_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

#define MEMINFO	"/proc/meminfo"

int host_memory_parse(const char *meminfo, u64 *bytes)
{
	static const char key[] = "MemAvailable:";
	const char *line = strstr(meminfo, key);
	unsigned long long kib;

	if (!line || (line != meminfo && line[-1] != '\n') ||
	    sscanf(line + strlen(key), "%llu kB", &kib) != 1)
		return -1;
	*bytes = KIB(kib);
	return 0;
}

int host_memory_available(u64 *bytes)
{
	int fd = open(MEMINFO, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t len;

	if (fd < 0)
		return fail_errno("cannot open " MEMINFO);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return fail_errno("cannot read " MEMINFO);
	text[len] = '\0';
	if (host_memory_parse(text, bytes))
		return fail(MEMINFO " doesn't say how much memory is available");
	return 0;
}
