// SPDX-License-Identifier: GPL-2.0-only
#include "machine_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "machine_store.h"

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int machine_log_open(struct machine_log *log, const char *name)
{
	if (machine_store_path(name, STORE_LOG, log->path) ||
	    machine_store_path(name, STORE_OLD_LOG, log->old))
		return -1;
	log->fd = open_file(log->path);
	return log->fd < 0 ? fail_errno("cannot write to %s", log->path) : 0;
}

void machine_log_close(struct machine_log *log)
{
	close(log->fd);
}

void machine_log_redirect(const struct machine_log *log)
{
	dup2(log->fd, STDOUT_FILENO);
	dup2(log->fd, STDERR_FILENO);
}

/* Is this process's standard error there? */
static bool is_redirected(const struct machine_log *log)
{
	struct stat a, b;

	return !fstat(log->fd, &a) && !fstat(STDERR_FILENO, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Whatever fails, there is a file to write to. */
static void rotate(struct machine_log *log)
{
	bool redirected = is_redirected(log);
	int fd;

	if (rename(log->path, log->old))
		return;
	fd = open_file(log->path);
	if (fd < 0)
		return;
	dup3(fd, log->fd, O_CLOEXEC);
	close(fd);
	if (redirected)
		machine_log_redirect(log);
}

void machine_log_write(struct machine_log *log, const void *data, size_t len)
{
	const u8 *at = data;
	struct stat st;

	if (!fstat(log->fd, &st) && (u64)st.st_size + len > LOG_MAX)
		rotate(log);
	while (len) {
		ssize_t n = write(log->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
		len -= n;
	}
}
