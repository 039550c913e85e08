// SPDX-License-Identifier: GPL-2.0-only
#include "memory_pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/*
 * A tenth of the time, as service managers take for trouble. A window of two seconds is one
 * that kernels give to users without privileges, too.
 */
static const char trigger[] = "some 200000 2000000";

static int fail_open(const char *path, const char *option)
{
	switch (errno) {
	case ENOENT:
	case EOPNOTSUPP:
		return fail("%s: this host's kernel doesn't tell how scarce memory is (no %s); boot it with psi=1, or give a --memory that stays",
			    option, path);
	case EPERM:
	case EACCES:
		return fail("%s: this user may not have %s watched, which older kernels leave to root; give a --memory that stays, or start it as root",
			    option, path);
	default:
		return fail_errno("%s: cannot watch %s", option, path);
	}
}

int memory_pressure_open(const char *path, const char *option)
{
	int error, fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fail_open(path, option);
	/* The end of the text is written, too. */
	if (write(fd, trigger, sizeof(trigger)) >= 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return fail_open(path, option);
}
