// SPDX-License-Identifier: GPL-2.0-only
#include "host_mm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"

#define PFN_MASK	(BIT(55) - 1)
#define PAGEMAP_PRESENT	BIT(63)

/* As much as there is room for. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, length = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + length, size - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	return length;
}

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

u64 read_number(const char *path)
{
	char text[64];

	return read_file(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* The counter's value as text; NULL: there is none of that name. */
static const char *find_counter(const char *name)
{
	static char text[KIB(16)];
	char line[64], *at;

	REQUIRE(read_file("/proc/vmstat", text, sizeof(text)) > 0);
	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	return at ? at + strlen(line) : NULL;
}

u64 vmstat(const char *name)
{
	const char *value = find_counter(name);

	return value ? strtoull(value, NULL, 10) : 0;
}

bool counts_events(void)
{
	return find_counter("pgfault");
}

u64 smaps(const void *address, const char *line)
{
	static char text[KIB(256)];
	char start[32], *at;

	REQUIRE(read_file("/proc/self/smaps", text, sizeof(text)) > 0);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)address);
	at = strstr(text, start);
	if (!at)
		FAIL("no mapping begins at %p", address);
	snprintf(start, sizeof(start), "\n%s:", line);
	at = strstr(at, start);
	if (!at)
		FAIL("smaps has no %s", line);
	return KIB(strtoull(at + strlen(start), NULL, 10));
}

void frames_of(const void *address, u64 *frames, u64 pages)
{
	int fd = REQUIRE_SYS(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	ssize_t bytes = pages * sizeof(*frames);

	REQUIRE(pread(fd, frames, bytes, (uintptr_t)address / GUEST_PAGE * sizeof(*frames)) == bytes);
	close(fd);
	for (; pages; pages--, frames++)
		*frames = *frames & PAGEMAP_PRESENT ? *frames & PFN_MASK : 0;
}

bool ksm_write(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	return write_file(path, text);
}

u64 ksm_read(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	return read_number(path);
}

bool huge_pages_enabled(void)
{
	char text[64];

	return read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)) > 0 &&
	       !strstr(text, "[never]");
}

void leave_split(void *area, u64 bytes)
{
	REQUIRE_SYS(madvise(area, bytes, MADV_NOHUGEPAGE));
}

#define KHUGEPAGED	"/sys/kernel/mm/transparent_hugepage/khugepaged/"

bool khugepaged_hurry(bool on)
{
	return write_file(KHUGEPAGED "pages_to_scan", on ? "100000" : "4096") &&
	       write_file(KHUGEPAGED "scan_sleep_millisecs", on ? "1" : "10000");
}
