/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of a port of the console device (virtio_console.h). Two threads use it:
 * one receives for the guest, one transmits what the guest sends. None of the functions
 * waits.
 */
#ifndef HVCTL_PORT_H
#define HVCTL_PORT_H

#include <sys/uio.h>

#include "types.h"

#define PORT_NAME_MAX	63

struct port;

struct port_ops {
	/*
	 * The receiving thread: receive_fd is ready, or one of these has changed. @wanted:
	 * the guest has its end open. @next: after one who has left, another may come.
	 * Returns whether there is somebody at this end. Who leaves is followed by the next
	 * one in another call at the earliest.
	 */
	bool (*attend)(struct port *port, bool wanted, bool next);
	/*
	 * The receiving thread: read into @count segments, whose number is 1 or more.
	 * Returns the number of bytes, or 0: there are none until receive_fd is ready.
	 */
	size_t (*read)(struct port *port, const struct iovec *iov, unsigned int count);
	/*
	 * The transmitting thread: take some of the @len bytes in @count segments, all if
	 * there is nobody to read them. Returns how many, or 0: try again when transmit_fd
	 * is ready, or attend() said that somebody has left.
	 */
	size_t (*write)(struct port *port, const struct iovec *iov, unsigned int count,
			size_t len);
};

struct port {
	const struct port_ops *ops;
	/*
	 * epoll instances with edge-triggered entries: attend() makes the one not ready
	 * again, port_settle() the other.
	 */
	int receive_fd, transmit_fd;
	/*
	 * The receiving thread: read() came to the end of what somebody sends, which attend()
	 * is to look at, though receive_fd isn't ready.
	 */
	bool ended;
	/* A terminal's: columns in the low half, rows in the other; 0: not known. */
	_Atomic u32 size;
	/* To be called when @size has changed, by any thread. May be NULL. */
	void (*resized)(void *opaque);
	void *opaque;
};

/* For ends: open and close the epoll instances. */
int port_init(struct port *port, const struct port_ops *ops);
void port_destroy(struct port *port);

/* For ends: have @fd in one of the instances; @events are level-triggered ones. */
int port_watch(int epoll_fd, int fd, u32 events);

/* The transmitting thread, before it tries to write: transmit_fd isn't ready any more. */
void port_settle(struct port *port);

#endif
