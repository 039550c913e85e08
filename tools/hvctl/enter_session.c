// SPDX-License-Identifier: GPL-2.0-only
#include "enter_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_client.h"
#include "clock.h"
#include "console.h"
#include "enter_filter.h"
#include "enter_watch.h"
#include "error.h"
#include "signals.h"

#define BEGIN_SECONDS	60	/* for the guest to have a shell on the port */
#define BLOCK		4096

struct session {
	struct console console;
	struct enter_filter filter;
	struct enter_watch watch;
	int port_fd, signal_fd;
	u16 rows, columns;	/* of the terminal, as the guest was told at first */
	bool left;		/* by the user's keys */
	bool hung_up;		/* the machine */
	bool lost;		/* the script has ended, without a word by the port */
	int signal;		/* that ends hvctl; 0: none */
	u64 begin_by;		/* clock_ms() */
};

/* ---- this terminal -------------------------------------------------------------- */

static void measure(u16 *rows, u16 *columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	*rows = size.ws_row;
	*columns = size.ws_col;
}

static void handle_signal(struct session *s)
{
	struct signalfd_siginfo info;
	u16 rows, columns;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		console_suspend(&s->console);
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		console_resume(&s->console);
		break;
	case SIGWINCH:
		measure(&rows, &columns);
		enter_watch_resize(&s->watch, rows, columns);
		break;
	default:
		s->signal = info.ssi_signo;
	}
}

static int write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&fd, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return fail_errno("what the guest shows can't be written");
		} else if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return 0;
}

/* ---- both ways ------------------------------------------------------------------ */

/* A shell has begun: what is typed is its own from now on. */
static void begin(struct session *s)
{
	u16 rows, columns;

	enter_watch_begun(&s->watch, s->filter.tty);
	measure(&rows, &columns);
	if (rows && columns && (rows != s->rows || columns != s->columns))
		enter_watch_resize(&s->watch, rows, columns);
	if (*s->filter.tty)
		return;
	console_suspend(&s->console);
	s->console.raw = false;
	say("the guest has no script(1), so there is no terminal: lines go to the shell as they are, 'exit' ends it, and Ctrl-C leaves");
}

static int show(struct session *s)
{
	char in[BLOCK], out[BLOCK + ENTER_HELD_MAX];
	ssize_t n = recv(s->port_fd, in, sizeof(in), MSG_DONTWAIT);
	bool started = s->filter.started;
	size_t len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		s->hung_up = true;
		return 0;
	}
	len = enter_filter_pass(&s->filter, in, n, out);
	if (!started && s->filter.started)
		begin(s);
	return write_all(out, len);
}

static void send_input(struct session *s)
{
	struct console *c = &s->console;
	ssize_t n = send(s->port_fd, c->input, c->input_used, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		console_consume(c, n);
}

static bool is_over(const struct session *s)
{
	return s->filter.ended || s->left || s->hung_up || s->signal || s->lost ||
	       (!s->filter.started && clock_ms() >= s->begin_by);
}

/* What the script said last may still be on its way when it has ended. */
static int drain(struct session *s)
{
	struct pollfd fd = { .fd = s->port_fd, .events = POLLIN };

	while (!s->hung_up && !s->filter.ended && poll(&fd, 1, 0) > 0) {
		if (show(s))
			return -1;
	}
	return 0;
}

static int serve(struct session *s)
{
	struct console *c = &s->console;

	while (!is_over(s)) {
		bool sends = c->input_used && s->filter.started;
		struct pollfd fds[] = {
			{ .fd = s->port_fd, .events = POLLIN | (sends ? POLLOUT : 0) },
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = console_wants_input(c) ? c->in_fd : -1, .events = POLLIN },
			{ .fd = s->watch.ended_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), s->filter.started ? -1 : 1000) < 0)
			continue;
		if (fds[1].revents)
			handle_signal(s);
		if (fds[2].revents && console_read(c))
			s->left = true;
		if (fds[0].revents & POLLOUT)
			send_input(s);
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR) && show(s))
			return -1;
		s->lost = fds[3].revents;
	}
	return s->lost ? drain(s) : 0;
}

/* ---- beginning and end ---------------------------------------------------------- */

static int conclude(const struct session *s)
{
	if (s->signal)
		return 128 + s->signal;
	if (s->left)
		return 0;
	if (s->filter.ended && s->filter.status >= 0)
		return s->filter.status;
	if (s->filter.ended)
		fail("the guest's shell was ended by something else");
	else if (s->hung_up)
		fail("the machine has ended");
	else if (s->lost && *s->watch.sentence)
		fail("%s", s->watch.sentence);
	else if (s->lost)
		fail("the guest's shell has ended without a word; its agent's log may tell why");
	else
		fail("the guest has had no shell on its port within %u seconds; it may be stopped or very busy",
		     BEGIN_SECONDS);
	return -1;
}

static int make_token(char token[static ENTER_TOKEN_SIZE])
{
	u8 random[(ENTER_TOKEN_SIZE - 1) / 2];
	unsigned int i;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_errno("cannot get random numbers");
	for (i = 0; i < sizeof(random); i++)
		sprintf(token + 2 * i, "%02x", random[i]);
	return 0;
}

static int start(struct session *s, const char *agent, struct enter_command *command,
		 bool *silent)
{
	const char *argv[ENTER_ARGV_MAX];
	char *text;
	int ret;

	command->terminal = getenv("TERM");
	measure(&s->rows, &s->columns);
	command->rows = s->rows;
	command->columns = s->columns;
	if (make_token(command->token) || enter_script_make(command, argv, &text))
		return -1;
	enter_filter_init(&s->filter, command->token);
	ret = enter_watch_start(&s->watch, agent, argv, silent);
	free(text);
	return ret;
}

/*
 * The terminal is raw from the start, so that nothing that is typed is shown twice, and
 * Ctrl-] works; what is typed before there is a shell waits for it.
 */
static int run(struct session *s, const char *agent, struct enter_command *command, bool *silent)
{
	int ret;

	if (console_open(&s->console, "", "stdio"))
		return -1;
	s->begin_by = clock_ms() + 1000 * BEGIN_SECONDS;
	if (s->console.raw)
		ret = start(s, agent, command, silent);
	else
		ret = fail("there is no terminal to have a shell on; 'hvctl exec NAME -- COMMAND' needs none");
	if (!ret) {
		ret = serve(s);
		enter_watch_stop(&s->watch);
		if (!ret)
			ret = conclude(s);
	}
	console_close(&s->console);
	return ret;
}

int enter_session(const char *agent, const char *port, struct enter_command *command,
		  bool *silent)
{
	static const int taken[] = { SIGTSTP, SIGCONT, SIGWINCH, SIGTERM, SIGINT, SIGHUP };
	static struct session s;
	int ret = -1;

	*silent = false;
	s = (struct session){
		.signal_fd = signals_open(taken, ARRAY_SIZE(taken), NULL), .port_fd = -1,
	};
	if (s.signal_fd < 0)
		return -1;
	s.port_fd = agent_dial(port);
	if (s.port_fd >= 0) {
		ret = run(&s, agent, command, silent);
		close(s.port_fd);
	}
	close(s.signal_fd);
	return ret;
}
