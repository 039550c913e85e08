// SPDX-License-Identifier: GPL-2.0-only
#include "vhost_user_message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	u8 space[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
};

static u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

u64 vu_deadline(unsigned int timeout_ms)
{
	return now() + timeout_ms;
}

static int error(int number)
{
	errno = number;
	return -1;
}

/* Until @fd has @events. One that was cancelled doesn't go on as long as it could. */
static int wait_for(int fd, short events, u64 deadline, int cancel_fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	u64 time;

	do {
		time = now();
		if (time >= deadline)
			return error(ETIMEDOUT);
		if (poll(fds, ARRAY_SIZE(fds), deadline - time) < 0 && errno != EINTR)
			return -1;
		if (fds[1].revents)
			return error(ECANCELED);
	} while (!fds[0].revents);
	return 0;
}

/* ---- sending --------------------------------------------------------------------- */

static void put_fds(struct msghdr *msg, union control *control, const struct vu_message *message)
{
	size_t bytes = message->fd_count * sizeof(int);
	struct cmsghdr *cmsg;

	if (!message->fd_count)
		return;
	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(bytes);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(cmsg), message->fds, bytes);
}

int vu_send(int fd, const struct vu_message *message, u64 deadline, int cancel_fd)
{
	size_t done = 0, size = sizeof(message->header) + message->header.size;
	u8 bytes[sizeof(message->header) + sizeof(message->payload)];
	union control control;

	memcpy(bytes, &message->header, sizeof(message->header));
	memcpy(bytes + sizeof(message->header), &message->payload, message->header.size);
	while (done < size) {
		struct iovec iov = { bytes + done, size - done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t sent;

		if (wait_for(fd, POLLOUT, deadline, cancel_fd))
			return -1;
		/* They go with the first byte. */
		if (!done)
			put_fds(&msg, &control, message);
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EPIPE)
			return error(ECONNRESET);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		done += sent > 0 ? sent : 0;
	}
	return 0;
}

/* ---- receiving ------------------------------------------------------------------- */

void vu_close_fds(struct vu_message *message)
{
	while (message->fd_count)
		close(message->fds[--message->fd_count]);
}

/* Those that are too many are closed. */
static int take_fds(struct msghdr *msg, struct vu_message *message)
{
	bool lost = msg->msg_flags & MSG_CTRUNC;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t i, count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (message->fd_count < VU_FDS_MAX) {
				message->fds[message->fd_count++] = fd;
			} else {
				close(fd);
				lost = true;
			}
		}
	}
	return lost ? error(EPROTO) : 0;
}

/* All @size bytes of it, and what fds come with them. */
static int receive_bytes(int fd, void *buf, size_t size, struct vu_message *message, u64 deadline,
			 int cancel_fd)
{
	size_t done = 0;

	while (done < size) {
		struct iovec iov = { (u8 *)buf + done, size - done };
		union control control;
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t got;

		if (wait_for(fd, POLLIN, deadline, cancel_fd))
			return -1;
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (!got)
			return error(ECONNRESET);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (got < 0)
			continue;
		if (take_fds(&msg, message))
			return -1;
		done += got;
	}
	return 0;
}

static int receive_parts(int fd, struct vu_message *message, u64 deadline, int cancel_fd)
{
	struct vu_header *header = &message->header;

	if (receive_bytes(fd, header, sizeof(*header), message, deadline, cancel_fd))
		return -1;
	if ((header->flags & VU_VERSION_MASK) != VU_VERSION ||
	    header->size > sizeof(message->payload))
		return error(EPROTO);
	return receive_bytes(fd, &message->payload, header->size, message, deadline, cancel_fd);
}

int vu_receive(int fd, struct vu_message *message, u64 deadline, int cancel_fd)
{
	memset(message, 0, sizeof(*message));
	if (!receive_parts(fd, message, deadline, cancel_fd))
		return 0;
	vu_close_fds(message);
	return -1;
}
