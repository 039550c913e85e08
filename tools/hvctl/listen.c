// SPDX-License-Identifier: GPL-2.0-only
#include "listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

int listen_at(const struct sockaddr_un *address, const char *what, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail_errno("cannot create a %s", what);
	/* Linux makes the file with the socket's mode. */
	if (!fchmod(fd, 0600) &&
	    !bind(fd, (const struct sockaddr *)address, sizeof(*address)) && !listen(fd, backlog))
		return fd;
	fail_errno("cannot listen at the %s %s", what, address->sun_path);
	close(fd);
	return -1;
}
