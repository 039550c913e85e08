// SPDX-License-Identifier: GPL-2.0-only
#include "virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

#define ARGS_MAX	8
#define TEMPORARY	"/tmp"

/* The first is written in Rust, and the other, QEMU's, in C. */
static const char rust_program[] = "/usr/libexec/virtiofsd";
static const char c_program[] = "/usr/lib/qemu/virtiofsd";

struct command {
	const char *program;
	char folder[PATH_MAX];		/* without links */
	const char *at;			/* where virtiofsd finds it */
	bool readonly;
	int listener;			/* virtiofsd takes its connection from there */
	int report;			/* errno, of what failed before it ran */
	char fd[32], source[2 * PATH_MAX + 16];
	char *argv[ARGS_MAX];
};

/* ---- what is run ----------------------------------------------------------------- */

static int find_program(struct command *c)
{
	c->program = !access(rust_program, X_OK) ? rust_program : c_program;
	if (access(c->program, X_OK))
		return fail("--share: virtiofsd isn't installed; on Debian 12 it is in the package qemu-system-common");
	return 0;
}

static int find_folder(struct command *c, const struct share_config *config)
{
	struct stat stat_buf;

	if (!realpath(config->path, c->folder) || stat(c->folder, &stat_buf))
		return fail_errno("--share: %s can't be shared", config->path);
	if (!S_ISDIR(stat_buf.st_mode))
		return fail("--share: %s is no folder", config->path);
	/* It can't leave the root for the root. */
	c->at = strcmp(c->folder, "/") ? c->folder : TEMPORARY;
	return 0;
}

/* In a list after -o, a comma and a backslash have a backslash before them. */
static void escape(char *to, const char *from)
{
	while (*from) {
		if (*from == ',' || *from == '\\')
			*to++ = '\\';
		*to++ = *from++;
	}
	*to = 0;
}

static void fill_arguments(struct command *c)
{
	char **arg = c->argv;

	*arg++ = "virtiofsd";
	snprintf(c->fd, sizeof(c->fd), "--fd=%d", c->listener);
	*arg++ = c->fd;
	if (c->program == rust_program) {
		strcpy(stpcpy(c->source, "--shared-dir="), c->at);
		*arg++ = c->source;
		*arg++ = "--log-level=error";
	} else {
		escape(stpcpy(c->source, "source="), c->at);
		*arg++ = "-o";
		*arg++ = c->source;
		*arg++ = "-o";
		*arg++ = "log_level=err";
	}
	*arg = NULL;
}

/* ---- in the new process ------------------------------------------------------------ */

static bool needs_mount(const struct command *c)
{
	return c->readonly || c->at != c->folder;
}

/*
 * In a namespace of its own the folder is mounted, with all that is mounted in it: on itself,
 * or over what virtiofsd has no need of.
 */
static int mount_folder(const struct command *c)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(c->folder, c->at, NULL, MS_BIND | MS_REC, NULL))
		return -1;
	return c->readonly ? mount_setattr(AT_FDCWD, c->at, AT_RECURSIVE, &readonly,
					   sizeof(readonly)) : 0;
}

/* hvctl has threads, so there are only system calls here. */
static void run(const struct command *c)
{
	sigset_t none;
	int null;

	/* The terminal's signals are for hvctl. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	    !fcntl(c->listener, F_SETFD, 0) && (!needs_mount(c) || !mount_folder(c)))
		execv(c->program, c->argv);
	if (write(c->report, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* ---- its socket --------------------------------------------------------------------- */

/* A socket that listens, and one that is connected to it. */
static int open_sockets(const char *path, int *listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	strcpy(address.sun_path, path);
	if (*listener >= 0 && fd >= 0 &&
	    !bind(*listener, (struct sockaddr *)&address, sizeof(address)) &&
	    !listen(*listener, 1) &&
	    !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	fail_errno("--share: cannot create a socket for virtiofsd");
	if (*listener >= 0)
		close(*listener);
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * The name is needed for an instant only, and in a folder that nobody else can enter:
 * nobody else connects to who may read all files.
 */
static int connect_before(int *listener)
{
	char folder[] = TEMPORARY "/hvctl-XXXXXX", path[sizeof(folder) + 2];
	int fd;

	if (!mkdtemp(folder))
		return fail_errno("--share: cannot create a folder in " TEMPORARY);
	snprintf(path, sizeof(path), "%s/s", folder);
	fd = open_sockets(path, listener);
	unlink(path);
	rmdir(folder);
	return fd;
}

/* ---- start and end -------------------------------------------------------------------- */

/* Until it runs; the pipe is closed then. */
static int wait_for_exec(const struct command *c, pid_t pid, int report)
{
	if (read(report, &errno, sizeof(errno)) != sizeof(errno))
		return 0;
	if (needs_mount(c) && errno == EPERM)
		fail("--share: %s is mounted for virtiofsd with root's rights only; run hvctl as root",
		     c->folder);
	else
		fail_errno("--share: cannot start %s", c->program);
	waitpid(pid, NULL, 0);
	return -1;
}

static int start_process(struct command *c, pid_t *pid)
{
	int pipe_fds[2], ret;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return fail_errno("--share: cannot create a pipe");
	c->report = pipe_fds[1];
	*pid = fork();
	if (!*pid)
		run(c);
	close(pipe_fds[1]);
	if (*pid < 0)
		ret = fail_errno("--share: cannot start %s", c->program);
	else
		ret = wait_for_exec(c, *pid, pipe_fds[0]);
	close(pipe_fds[0]);
	return ret;
}

int virtiofsd_start(const struct share_config *config, pid_t *pid)
{
	struct command *c = calloc(1, sizeof(*c));
	int fd = -1;

	if (!c)
		return fail("out of memory");
	c->readonly = config->readonly;
	if (find_folder(c, config) || find_program(c))
		goto out;
	fd = connect_before(&c->listener);
	if (fd < 0)
		goto out;
	fill_arguments(c);
	if (start_process(c, pid)) {
		close(fd);
		fd = -1;
	}
	close(c->listener);
out:
	free(c);
	return fd;
}

void virtiofsd_end(pid_t pid, unsigned int timeout_ms)
{
	struct pollfd fd = { .fd = pidfd_open(pid, 0), .events = POLLIN };

	if (fd.fd < 0 || poll(&fd, 1, timeout_ms) != 1)
		kill(pid, SIGKILL);
	if (fd.fd >= 0)
		close(fd.fd);
	waitpid(pid, NULL, 0);
}
