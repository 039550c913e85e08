// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty_run ROWS COLUMNS COMMAND [ARGUMENT]...: runs the command on a terminal of its own, types
 * stdin, and prints what it shows; ends with the command, and with its status.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

/* The command's side: the terminal is its controlling one. */
static void run(const char *name, char **argv)
{
	int i, fd;

	setsid();
	fd = open(name, O_RDWR);
	if (fd < 0)
		fail(name);
	for (i = 0; i < 3; i++)
		dup2(fd, i);
	close(fd);
	execvp(argv[0], argv);
	fail(argv[0]);
}

/* Returns 0 when there is no more. */
static int copy(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	return n > 0 && write(to, buf, n) == n;
}

int main(int argc, char **argv)
{
	struct pollfd fds[] = { { .events = POLLIN }, { .events = POLLIN } };
	struct winsize size = { 0 };
	int master, status;
	pid_t child;

	if (argc < 4)
		return 125;
	size.ws_row = atoi(argv[1]);
	size.ws_col = atoi(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ioctl(master, TIOCSWINSZ, &size))
		fail("pseudo-terminal");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		run(ptsname(master), argv + 3);
	fds[0].fd = STDIN_FILENO;
	fds[1].fd = master;
	/* The terminal hangs up when its last user is gone. */
	while (poll(fds, 2, -1) >= 0) {
		if (fds[0].revents && !copy(STDIN_FILENO, master))
			fds[0].fd = -1;
		if (fds[1].revents && !copy(master, STDOUT_FILENO))
			break;
	}
	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
