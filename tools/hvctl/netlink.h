/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the kernel's network configuration, rtnetlink(7): one message, and its answer. */
#ifndef HVCTL_NETLINK_H
#define HVCTL_NETLINK_H

#include <linux/rtnetlink.h>

#include "types.h"

struct netlink_request {
	union {
		struct nlmsghdr header;
		u8 bytes[2048];
	};
	bool overflow;		/* it didn't fit, and can't be sent */
};

/* A message of @type, RTM_*, with @flags, NLM_F_*; @body is what all of that type begin with. */
void netlink_begin(struct netlink_request *request, u16 type, u16 flags, const void *body,
		   size_t size);

/* Attributes */
void netlink_put(struct netlink_request *request, u16 type, const void *data, size_t size);
void netlink_put_text(struct netlink_request *request, u16 type, const char *text);

/* One that holds those that are put between the two. */
size_t netlink_open(struct netlink_request *request, u16 type);
void netlink_close(struct netlink_request *request, size_t opened);

/* Have the kernel do it. Returns -1 with errno. */
int netlink_do(const struct netlink_request *request);

#endif
