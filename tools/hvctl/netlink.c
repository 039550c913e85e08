// SPDX-License-Identifier: GPL-2.0-only
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a message ------------------------------------------------------------------- */

/* Room for @size bytes at its end, which are zeros; NULL if there is none. */
static void *append(struct netlink_request *request, size_t size)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	if (size > sizeof(request->bytes) - at) {
		request->overflow = true;
		return NULL;
	}
	request->header.nlmsg_len = at + size;
	return request->bytes + at;
}

void netlink_begin(struct netlink_request *request, u16 type, u16 flags, const void *body,
		   size_t size)
{
	void *room;

	*request = (struct netlink_request){
		.header = {
			.nlmsg_len = NLMSG_HDRLEN,
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
	};
	room = append(request, size);
	if (room)
		memcpy(room, body, size);
}

void netlink_put(struct netlink_request *request, u16 type, const void *data, size_t size)
{
	struct rtattr *attribute = append(request, RTA_LENGTH(size));

	if (!attribute)
		return;
	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
}

void netlink_put_text(struct netlink_request *request, u16 type, const char *text)
{
	netlink_put(request, type, text, strlen(text) + 1);
}

size_t netlink_open(struct netlink_request *request, u16 type)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	netlink_put(request, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void netlink_close(struct netlink_request *request, size_t opened)
{
	struct rtattr *attribute = (void *)(request->bytes + opened);

	if (!request->overflow)
		attribute->rta_len = request->header.nlmsg_len - opened;
}

/* ---- the kernel ------------------------------------------------------------------ */

/* Nobody else's messages reach a socket that is connected to the kernel. */
static int ask(int fd, const struct netlink_request *request)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		u8 more[256];		/* of the kernel's words, which nobody reads */
	} answer;
	ssize_t len;

	if (connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) ||
	    send(fd, request, request->header.nlmsg_len, 0) < 0)
		return -1;
	do {
		len = recv(fd, &answer, sizeof(answer), 0);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	if ((size_t)len < sizeof(answer.header) + sizeof(answer.error.error) ||
	    answer.header.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -answer.error.error;
	return answer.error.error ? -1 : 0;
}

int netlink_do(const struct netlink_request *request)
{
	int fd, ret, error;

	if (request->overflow) {
		errno = EMSGSIZE;
		return -1;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -1;
	ret = ask(fd, request);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}
