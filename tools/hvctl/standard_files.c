// SPDX-License-Identifier: GPL-2.0-only
#include "standard_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"

int standard_files_fill(void)
{
	int fd;

	/* The lowest number that is free is what open() gives. */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return fail_errno("standard input, output or error output is closed, and cannot be /dev/null");
	}
	return 0;
}

int standard_output_flush(void)
{
	if (fflush(stdout))
		return fail_errno("cannot write to the standard output");
	if (ferror(stdout))
		return fail("the standard output lacks some of what was written to it");
	return 0;
}
