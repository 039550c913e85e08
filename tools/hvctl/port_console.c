// SPDX-License-Identifier: GPL-2.0-only
#include "port_console.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"

struct port_console {
	struct port port;
	struct console *console;
	int wake_fd;
	int input[2];		/* pipe: from the main thread to the receiving one */
	int room_fd;		/* eventfd: what the console was too slow for fits now */
};

static struct port_console *console_of(struct port *port)
{
	return (struct port_console *)port;
}

/* ---- the queues' threads -------------------------------------------------------- */

static bool attend(struct port *port, bool wanted, bool next)
{
	struct epoll_event event;

	(void)wanted;
	(void)next;
	epoll_wait(port->receive_fd, &event, 1, 0);
	return true;
}

static size_t read_input(struct port *port, const struct iovec *iov, unsigned int count)
{
	ssize_t n = readv(console_of(port)->input[0], iov, count);

	return n > 0 ? n : 0;
}

static size_t write_output(struct port *port, const struct iovec *iov, unsigned int count,
			   size_t len)
{
	struct port_console *pc = console_of(port);
	size_t done = 0;

	for (; count && done < len; count--, iov++) {
		unsigned int want = min_u64(iov->iov_len, CONSOLE_BUFFER), n;
		bool wake;

		n = console_write(pc->console, iov->iov_base, want, &wake);
		if (wake)
			eventfd_write(pc->wake_fd, 1);
		done += n;
		if (n < iov->iov_len)
			break;
	}
	return done;
}

static const struct port_ops console_ops = {
	.attend = attend,
	.read = read_input,
	.write = write_output,
};

/* ---- the main thread ------------------------------------------------------------ */

int port_console_serve(struct port *port)
{
	struct port_console *pc = console_of(port);
	struct console *c = pc->console;

	if (c->input_used) {
		ssize_t n = write(pc->input[1], c->input, c->input_used);

		if (n > 0)
			console_consume(c, n);
	}
	if (console_has_room(c))
		eventfd_write(pc->room_fd, 1);
	return c->input_used ? pc->input[1] : -1;
}

void port_console_measure(struct port *port)
{
	struct winsize size;

	if (ioctl(console_of(port)->console->out_fd, TIOCGWINSZ, &size))
		return;
	port->size = size.ws_col | (u32)size.ws_row << 16;
	if (port->resized)
		port->resized(port->opaque);
}

/* ---- creation ------------------------------------------------------------------- */

/* The pipe keeps as little as it can: what it has is lost when hvctl ends. */
static int open_input(struct port_console *pc)
{
	if (pipe2(pc->input, O_CLOEXEC | O_NONBLOCK))
		return fail_errno("cannot create a pipe");
	fcntl(pc->input[1], F_SETPIPE_SZ, 1);
	return 0;
}

struct port *port_console_create(struct console *console, int wake_fd)
{
	struct port_console *pc = calloc(1, sizeof(*pc));

	if (!pc) {
		fail("out of memory");
		return NULL;
	}
	pc->console = console;
	pc->wake_fd = wake_fd;
	if (open_input(pc))
		goto err_free;
	pc->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pc->room_fd < 0) {
		fail_errno("cannot create an eventfd");
		goto err_input;
	}
	if (port_init(&pc->port, &console_ops))
		goto err_room;
	if (port_watch(pc->port.receive_fd, pc->input[0], EPOLLIN) ||
	    port_watch(pc->port.transmit_fd, pc->room_fd, EPOLLIN)) {
		port_destroy(&pc->port);
		goto err_room;
	}
	return &pc->port;

err_room:
	close(pc->room_fd);
err_input:
	close(pc->input[0]);
	close(pc->input[1]);
err_free:
	free(pc);
	return NULL;
}

void port_console_destroy(struct port *port)
{
	struct port_console *pc = console_of(port);

	port_destroy(port);
	close(pc->room_fd);
	close(pc->input[0]);
	close(pc->input[1]);
	free(pc);
}
