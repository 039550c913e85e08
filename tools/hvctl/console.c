// SPDX-License-Identifier: GPL-2.0-only
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "console_viewers.h"
#include "error.h"
#include "terminal.h"

#define KEY_ESCAPE	0x1d	/* Ctrl-] */
#define KEY_QUIT	'q'
#define KEY_DETACH	'd'
#define KEY_END		0x04	/* Ctrl-D */

#define WAIT_MS		100
#define LAST_WAIT_MS	2000

static void init(struct console *c)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	c->in_fd = -1;
	c->out_fd = -1;
	c->waiting = true;
	/* A reader that goes away must not take the machine with it. */
	signal(SIGPIPE, SIG_IGN);
}

void console_open_viewers(struct console *c, struct console_viewers *viewers)
{
	init(c);
	c->viewers = viewers;
}

int console_open(struct console *c, const char *option, const char *where)
{
	init(c);

	if (!strcmp(where, "none"))
		return 0;
	if (strcmp(where, "stdio")) {
		c->out_fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (c->out_fd < 0)
			return fail_errno("%s: cannot write to %s", option, where);
		return 0;
	}
	c->out_fd = STDOUT_FILENO;
	if (terminal_is_own()) {
		terminal_take(NULL);
		c->raw = true;
		terminal_set_raw();
	} else if (isatty(STDIN_FILENO)) {
		return 0;
	}
	c->in_fd = STDIN_FILENO;
	return 0;
}

static bool writable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, timeout_ms) > 0;
}

void console_close(struct console *c)
{
	/* The last words: wait for a reader, but not for ever. */
	if (c->used && (c->viewers || (c->out_fd >= 0 && writable(c->out_fd, LAST_WAIT_MS))))
		console_flush(c);
	if (c->raw)
		terminal_restore();
	if (c->out_fd > STDERR_FILENO)
		close(c->out_fd);
	pthread_mutex_destroy(&c->lock);
}

void console_suspend(struct console *c)
{
	console_flush(c);
	if (c->raw)
		terminal_restore();
}

void console_resume(struct console *c)
{
	if (c->raw)
		terminal_set_raw();
}

/*
 * Write the buffer, waiting for a slow reader if @wait. Returns false if it is
 * too slow. Output that can never be written is dropped: the guest runs on.
 */
static bool write_out(struct console *c, bool wait)
{
	unsigned int done = 0;

	if (c->viewers)
		console_viewers_put(c->viewers, c->buffer, c->used);
	while (c->out_fd >= 0 && done < c->used) {
		ssize_t n;

		if (!writable(c->out_fd, wait ? WAIT_MS : 0)) {
			if (wait && c->waiting)
				continue;
			memmove(c->buffer, c->buffer + done, c->used - done);
			c->used -= done;
			return false;
		}
		n = write(c->out_fd, c->buffer + done, c->used - done);
		if (n > 0)
			done += n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			break;
	}
	c->used = 0;
	return true;
}

bool console_put(struct console *c, u8 byte)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	if (c->used < sizeof(c->buffer) || write_out(c, true))
		c->buffer[c->used++] = byte;
	wake = !c->active;
	c->active = true;
	pthread_mutex_unlock(&c->lock);
	return wake;
}

unsigned int console_write(struct console *c, const u8 *data, unsigned int len, bool *wake)
{
	unsigned int done = 0;

	pthread_mutex_lock(&c->lock);
	while (done < len && (c->used < sizeof(c->buffer) || write_out(c, false))) {
		unsigned int n = min_u64(sizeof(c->buffer) - c->used, len - done);

		memcpy(c->buffer + c->used, data + done, n);
		c->used += n;
		done += n;
	}
	c->starved = done < len;
	*wake = !c->active;
	c->active = true;
	pthread_mutex_unlock(&c->lock);
	return done;
}

bool console_has_room(struct console *c)
{
	bool room;

	/* Whoever holds it sees for itself, and wakes the main thread. */
	if (pthread_mutex_trylock(&c->lock))
		return false;
	room = c->starved && c->used < sizeof(c->buffer);
	if (room)
		c->starved = false;
	pthread_mutex_unlock(&c->lock);
	return room;
}

bool console_flush(struct console *c)
{
	bool any;

	/* Whoever holds it may be waiting for a slow reader. */
	if (pthread_mutex_trylock(&c->lock))
		return true;
	any = c->used;
	if (any)
		write_out(c, false);
	c->active = any;
	pthread_mutex_unlock(&c->lock);
	return any;
}

void console_set_waiting(struct console *c, bool waiting)
{
	c->waiting = waiting;
}

bool console_wants_input(const struct console *c)
{
	return c->in_fd >= 0 && (c->raw || !c->input_used);
}

/* A byte too many is lost, as on any terminal. */
static void input_put(struct console *c, u8 byte)
{
	if (c->input_used < sizeof(c->input))
		c->input[c->input_used++] = byte;
}

int console_filter(struct console *c, const u8 *typed, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		if (!c->escaped && typed[i] == KEY_ESCAPE) {
			c->escaped = true;
			continue;
		}
		if (c->escaped) {
			c->escaped = false;
			if (typed[i] == KEY_QUIT || (c->detaches && typed[i] == KEY_DETACH))
				return -1;
			input_put(c, KEY_ESCAPE);
			if (typed[i] == KEY_ESCAPE)
				continue;
		}
		input_put(c, typed[i]);
	}
	return 0;
}

int console_viewers_poll(const struct console *c)
{
	return c->viewers ? console_viewers_fd(c->viewers) : -1;
}

void console_serve(struct console *c, bool ready)
{
	if (!c->viewers || (!ready && !c->was_full))
		return;
	c->input_used += console_viewers_serve(c->viewers, c->input + c->input_used,
					       sizeof(c->input) - c->input_used);
	c->was_full = c->input_used == sizeof(c->input);
}

bool console_has_input_room(const struct console *c)
{
	return c->was_full && c->input_used < sizeof(c->input);
}

int console_read(struct console *c)
{
	u8 typed[CONSOLE_INPUT];
	ssize_t n;

	n = read(c->in_fd, typed, sizeof(typed));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		c->in_fd = -1;
		/* The first one ends a line, if it has no newline; the other one is the end. */
		if (c->tells_end) {
			input_put(c, KEY_END);
			input_put(c, KEY_END);
		}
		return 0;
	}
	if (c->raw)
		return console_filter(c, typed, n);
	memcpy(c->input, typed, n);
	c->input_used = n;
	return 0;
}

void console_consume(struct console *c, unsigned int count)
{
	c->input_used -= count;
	memmove(c->input, c->input + count, c->input_used);
}
