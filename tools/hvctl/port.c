// SPDX-License-Identifier: GPL-2.0-only
#include "port.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "error.h"

/* An end has few entries, and what is left over is there the next time. */
#define EVENTS	4

int port_init(struct port *port, const struct port_ops *ops)
{
	port->ops = ops;
	port->receive_fd = epoll_create1(EPOLL_CLOEXEC);
	port->transmit_fd = epoll_create1(EPOLL_CLOEXEC);
	if (port->receive_fd >= 0 && port->transmit_fd >= 0)
		return 0;
	fail_errno("cannot create an epoll instance");
	port_destroy(port);
	return -1;
}

void port_destroy(struct port *port)
{
	if (port->receive_fd >= 0)
		close(port->receive_fd);
	if (port->transmit_fd >= 0)
		close(port->transmit_fd);
}

int port_watch(int epoll_fd, int fd, u32 events)
{
	struct epoll_event event = { .events = events | EPOLLET, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ?
	       fail_errno("cannot wait for a port's input or output") : 0;
}

void port_settle(struct port *port)
{
	struct epoll_event events[EVENTS];

	epoll_wait(port->transmit_fd, events, ARRAY_SIZE(events), 0);
}
