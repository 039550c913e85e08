// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pass_fd.h"

/* A message of one byte, with room for one fd. */
struct fd_message {
	struct msghdr header;
	struct iovec data;
	char byte;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
};

static void message_init(struct fd_message *message)
{
	memset(message, 0, sizeof(*message));
	message->data = (struct iovec){ .iov_base = &message->byte, .iov_len = 1 };
	message->header = (struct msghdr){
		.msg_iov = &message->data, .msg_iovlen = 1,
		.msg_control = &message->control, .msg_controllen = sizeof(message->control),
	};
}

int send_fd(int socket, int fd)
{
	struct fd_message message;

	message_init(&message);
	message.control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&message.control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message.header, 0) < 0 ? -errno : 0;
}

int receive_fd(int socket)
{
	struct fd_message message;
	struct cmsghdr *control;
	int fd;

	message_init(&message);
	if (recvmsg(socket, &message.header, 0) < 0)
		return -errno;
	control = CMSG_FIRSTHDR(&message.header);
	if (!control || control->cmsg_type != SCM_RIGHTS)
		return -ENODATA;
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}
