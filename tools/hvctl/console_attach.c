// SPDX-License-Identifier: GPL-2.0-only
/* hvctl console */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console.h"
#include "error.h"
#include "machine_dir.h"
#include "machine_names.h"
#include "signals.h"
#include "verb.h"

static const char help[] =
"Usage: hvctl console NAME\n"
"Show what the console of a machine that was started says, from its last 64 KiB on, and let the\n"
"guest have what is typed. Others may look at it, too. On a terminal, Ctrl-] and then d or q\n"
"detaches, and Ctrl-] twice sends one Ctrl-].\n"
"\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static int fail_connect(const char *name)
{
	if (errno != ENOENT && errno != ECONNREFUSED)
		return fail_errno("cannot connect to the console of the machine %s", name);
	if (machine_dir_is_alive(name))
		return fail("the machine %s has its console where 'hvctl run' runs it, or it starts or ends just now",
			    name);
	return fail_no_machine(name);
}

static int connect_to(const char *name)
{
	struct sockaddr_un address;
	int fd;

	if (machine_dir_console(name, &address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno("cannot create a socket");
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	fail_connect(name);
	close(fd);
	return -1;
}

/* false: the machine has hung up */
static bool take_output(int fd)
{
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text)), done = 0;

	if (n < 0 && errno == EINTR)
		return true;
	while (done < n) {
		ssize_t m = write(STDOUT_FILENO, text + done, n - done);

		if (m < 0 && errno != EINTR)
			return false;
		done += m > 0 ? m : 0;
	}
	return n > 0;
}

/* What was typed, as far as the machine takes it now. */
static void give_input(struct console *c, int fd)
{
	ssize_t n = send(fd, c->input, c->input_used, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		console_consume(c, n);
}

/* Until the user detaches or the machine hangs up. */
static void talk(struct console *c, int fd, int signals)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = fd, .events = POLLIN | (c->input_used ? POLLOUT : 0) },
			{ .fd = console_wants_input(c) ? c->in_fd : -1, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR) && !take_output(fd))
			return;
		if ((fds[1].revents && console_read(c)) || fds[2].revents)
			return;
		if (c->input_used)
			give_input(c, fd);
	}
}

/* Signals that end this are taken where the terminal can be given back. */
static int attach(const char *name)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP };
	static struct console console;
	int fd, signals = signals_open(taken, ARRAY_SIZE(taken), NULL);

	if (signals < 0)
		return -1;
	fd = connect_to(name);
	if (fd >= 0 && !console_open(&console, "console", "stdio")) {
		console.detaches = true;
		talk(&console, fd, signals);
		console_close(&console);
	}
	if (fd >= 0)
		close(fd);
	close(signals);
	return fd < 0 ? -1 : 0;
}

int verb_console(int argc, char **argv)
{
	const char *name;
	int status = verb_take_name(argc, argv, help, &name);

	if (status != VERB_GOES_ON)
		return status;
	return attach(name) ? verb_failed() : STATUS_OK;
}
