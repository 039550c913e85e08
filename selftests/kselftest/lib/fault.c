// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "fault.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

bool fault_injection(void)
{
	return !access(FAIL_NTH, W_OK);
}

static void write_knob(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	REQUIRE(write(fd, text, strlen(text)) > 0);
	close(fd);
}

void fault_prepare_host(void)
{
	write_knob(DEBUGFS "failslab/verbose", "0");
	write_knob(DEBUGFS "failslab/ignore-gfp-wait", "N");
	write_knob(DEBUGFS "fail_page_alloc/verbose", "0");
	write_knob(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	write_knob(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_knob(DEBUGFS "fail_page_alloc/min-order", "0");
	write_knob(DEBUGFS "fail_usercopy/verbose", "0");
}

int fault_open(void)
{
	return REQUIRE_SYS(open(FAIL_NTH, O_RDWR | O_CLOEXEC));
}

void fault_arm(int fd, u32 n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	/* A fault that is still armed can hit this, too. */
	while (pwrite(fd, text, length, 0) != length)
		REQUIRE(errno == EFAULT || errno == ENOMEM);
}

/* -1 if it comes to this very reading. */
static int read_left(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : -1;
}

u32 fault_left(int fd)
{
	return abs(read_left(fd));
}

bool fault_disarm(int fd)
{
	bool came = !read_left(fd);

	fault_arm(fd, 0);
	return came;
}
