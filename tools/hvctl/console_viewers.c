// SPDX-License-Identifier: GPL-2.0-only
#include "console_viewers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "error.h"
#include "listen.h"

#define BACKLOG		16

struct viewer {
	int fd;			/* -1: there is none */
	u64 seen;		/* bytes of the output, from the start on */
	bool behind;		/* he couldn't take all */
	u32 events;		/* that are polled for */
};

struct console_viewers {
	int listen_fd;
	int epoll_fd;
	struct machine_log *log;
	u64 logged;
	struct viewer viewer[VIEWERS_MAX];

	pthread_mutex_t lock;
	u64 total;		/* bytes that were put; the last ones are in @buffer */
	u8 buffer[VIEWERS_BUFFER];
};

/* ---- output --------------------------------------------------------------------- */

void console_viewers_put(struct console_viewers *v, const u8 *data, size_t len)
{
	pthread_mutex_lock(&v->lock);
	if (len > VIEWERS_BUFFER) {
		v->total += len - VIEWERS_BUFFER;
		data += len - VIEWERS_BUFFER;
		len = VIEWERS_BUFFER;
	}
	while (len) {
		size_t at = v->total % VIEWERS_BUFFER, n = min_u64(len, VIEWERS_BUFFER - at);

		memcpy(v->buffer + at, data, n);
		v->total += n;
		data += n;
		len -= n;
	}
	pthread_mutex_unlock(&v->lock);
}

/* With the lock held: what @seen hasn't, in up to two parts. Returns how many. */
static int unseen(struct console_viewers *v, u64 *seen, struct iovec iov[static 2])
{
	size_t len, at, n;

	if (v->total - *seen > VIEWERS_BUFFER)
		*seen = v->total - VIEWERS_BUFFER;
	len = v->total - *seen;
	at = *seen % VIEWERS_BUFFER;
	n = min_u64(len, VIEWERS_BUFFER - at);
	iov[0] = (struct iovec){ v->buffer + at, n };
	iov[1] = (struct iovec){ v->buffer, len - n };
	return !len ? 0 : len > n ? 2 : 1;
}

/* The disk may take its time, so it gets a copy; the guest's output goes on. */
static void write_log(struct console_viewers *v)
{
	u8 copy[KIB(8)];
	size_t n;

	while (v->log) {
		struct iovec iov[2];

		pthread_mutex_lock(&v->lock);
		n = unseen(v, &v->logged, iov) ? min_u64(iov[0].iov_len, sizeof(copy)) : 0;
		memcpy(copy, iov[0].iov_base, n);
		pthread_mutex_unlock(&v->lock);
		if (!n)
			break;
		v->logged += n;
		machine_log_write(v->log, copy, n);
	}
}

/* -1: he is gone */
static int send_output(struct console_viewers *v, struct viewer *viewer)
{
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov };
	ssize_t n = 0;

	pthread_mutex_lock(&v->lock);
	message.msg_iovlen = unseen(v, &viewer->seen, iov);
	if (message.msg_iovlen)
		n = sendmsg(viewer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		viewer->seen += n;
	viewer->behind = viewer->seen < v->total;
	pthread_mutex_unlock(&v->lock);
	return n < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

/* ---- clients -------------------------------------------------------------------- */

static void hang_up(struct viewer *viewer)
{
	close(viewer->fd);
	viewer->fd = -1;
}

static int watch(struct console_viewers *v, int operation, int fd, u32 events, u32 number)
{
	struct epoll_event event = { .events = events, .data.u32 = number };

	return epoll_ctl(v->epoll_fd, operation, fd, &event);
}

/* The listening socket's number is VIEWERS_MAX. */
static void take_viewer(struct console_viewers *v)
{
	struct viewer *viewer = v->viewer, *end = v->viewer + VIEWERS_MAX;
	int fd = accept4(v->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	while (viewer < end && viewer->fd >= 0)
		viewer++;
	if (viewer == end || watch(v, EPOLL_CTL_ADD, fd, 0, viewer - v->viewer)) {
		close(fd);
		return;
	}
	*viewer = (struct viewer){ .fd = fd };
}

/* Returns how many bytes came; -1: he is gone */
static ssize_t take_input(const struct viewer *viewer, u8 *input, size_t room)
{
	ssize_t n;

	if (!room)
		return 0;
	n = recv(viewer->fd, input, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? n : -1;
}

/* Wait only for what can be done: for his input when there is room for it. */
static void poll_for(struct console_viewers *v, struct viewer *viewer, bool room)
{
	u32 events = (room ? EPOLLIN : 0) | (viewer->behind ? EPOLLOUT : 0);

	if (events == viewer->events)
		return;
	if (!watch(v, EPOLL_CTL_MOD, viewer->fd, events, viewer - v->viewer))
		viewer->events = events;
}

static void take_events(struct console_viewers *v)
{
	struct epoll_event event[VIEWERS_MAX + 1];
	int i, count = epoll_wait(v->epoll_fd, event, ARRAY_SIZE(event), 0);

	for (i = 0; i < count; i++) {
		if (event[i].data.u32 == VIEWERS_MAX)
			take_viewer(v);
		else if (event[i].events & (EPOLLHUP | EPOLLERR))
			hang_up(&v->viewer[event[i].data.u32]);
	}
}

size_t console_viewers_serve(struct console_viewers *v, u8 *input, size_t room)
{
	struct viewer *viewer;
	size_t used = 0;
	ssize_t n;

	take_events(v);
	write_log(v);
	for (viewer = v->viewer; viewer < v->viewer + VIEWERS_MAX; viewer++) {
		if (viewer->fd < 0)
			continue;
		n = take_input(viewer, input + used, room - used);
		if (n < 0 || send_output(v, viewer)) {
			hang_up(viewer);
			continue;
		}
		used += n;
		poll_for(v, viewer, used < room);
	}
	return used;
}

int console_viewers_fd(const struct console_viewers *v)
{
	return v->epoll_fd;
}

/* ---- the socket ----------------------------------------------------------------- */

struct console_viewers *console_viewers_create(const struct sockaddr_un *address,
					       struct machine_log *log)
{
	struct console_viewers *v = calloc(1, sizeof(*v));
	unsigned int i;

	if (!v) {
		fail("out of memory");
		return NULL;
	}
	v->log = log;
	for (i = 0; i < VIEWERS_MAX; i++)
		v->viewer[i].fd = -1;
	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (v->epoll_fd < 0) {
		fail_errno("cannot create an epoll");
		goto err_free;
	}
	v->listen_fd = listen_at(address, "console socket", BACKLOG);
	if (v->listen_fd < 0)
		goto err_epoll;
	if (watch(v, EPOLL_CTL_ADD, v->listen_fd, EPOLLIN, VIEWERS_MAX)) {
		fail_errno("cannot watch the console socket");
		goto err_listen;
	}
	pthread_mutex_init(&v->lock, NULL);
	return v;

err_listen:
	close(v->listen_fd);
err_epoll:
	close(v->epoll_fd);
err_free:
	free(v);
	return NULL;
}

void console_viewers_destroy(struct console_viewers *v)
{
	struct viewer *viewer;

	write_log(v);
	for (viewer = v->viewer; viewer < v->viewer + VIEWERS_MAX; viewer++) {
		if (viewer->fd < 0)
			continue;
		send_output(v, viewer);
		hang_up(viewer);
	}
	pthread_mutex_destroy(&v->lock);
	close(v->listen_fd);
	close(v->epoll_fd);
	free(v);
}
