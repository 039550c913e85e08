/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the vhost-user protocol (QEMU's docs/interop/vhost-user.rst), by which a
 * front-end, hvctl, has another process, the back-end, serve a device's queues.
 *
 * The back-end is not trusted: what it sends is checked, and waited for until a deadline.
 */
#ifndef HVCTL_VHOST_USER_MESSAGE_H
#define HVCTL_VHOST_USER_MESSAGE_H

#include <linux/vhost_types.h>

#include "types.h"

enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_GET_CONFIG = 24,
	VU_SET_CONFIG = 25,
	VU_GET_INFLIGHT_FD = 31,
	VU_SET_INFLIGHT_FD = 32,
};

/* What a back-end asks for, on the socket of VU_SET_BACKEND_REQ_FD */
enum vu_backend_request {
	VU_BACKEND_CONFIG_CHANGED = 2,
};

/* A feature that drivers never see: there are protocol features. */
#define VU_F_PROTOCOL		30

enum vu_protocol_feature {
	VU_PROTOCOL_MQ = 0,
	VU_PROTOCOL_REPLY_ACK = 3,
	VU_PROTOCOL_BACKEND_REQ = 5,
	VU_PROTOCOL_CONFIG = 9,
	VU_PROTOCOL_INFLIGHT_SHMFD = 12,
};

/* Of a header */
#define VU_VERSION		1
#define VU_VERSION_MASK		3
#define VU_REPLY		BIT(2)
#define VU_NEED_REPLY		BIT(3)

/* Of the u64 that goes with a queue's fd: there is none. */
#define VU_NO_FD		BIT(8)

#define VU_REGIONS_MAX		3
#define VU_CONFIG_MAX		256
#define VU_FDS_MAX		VU_REGIONS_MAX

struct vu_header {
	u32 request;
	u32 flags;
	u32 size;		/* of the payload */
} __attribute__((packed));

struct vu_region {
	u64 guest_address;
	u64 size;
	u64 user_address;	/* the front-end's */
	u64 offset;		/* in the file */
};

struct vu_memory {
	u32 count;
	u32 padding;
	struct vu_region region[VU_REGIONS_MAX];
};

struct vu_config {
	u32 offset;
	u32 size;
	u32 flags;
	u8 data[VU_CONFIG_MAX];
};

struct vu_inflight {
	u64 size;
	u64 offset;
	u16 queues;
	u16 queue_size;
} __attribute__((packed));

union vu_payload {
	u64 number;
	struct vhost_vring_state state;
	struct vhost_vring_addr address;
	struct vu_memory memory;
	struct vu_config config;
	struct vu_inflight inflight;
};

struct vu_message {
	struct vu_header header;
	union vu_payload payload;
	int fds[VU_FDS_MAX];	/* who receives them closes them */
	unsigned int fd_count;
};

/* Until when something is waited for: of CLOCK_MONOTONIC, in ms. */
u64 vu_deadline(unsigned int timeout_ms);

/*
 * Send and receive on the non-blocking stream socket @fd. Return 0, or -1 with errno:
 *   ECONNRESET	the other side hung up
 *   ETIMEDOUT	the deadline is over
 *   ECANCELED	@cancel_fd, if it isn't -1, is readable
 *   EPROTO	what comes is no message, is longer than any, or has too many fds
 * The connection is of no more use then. No fds are left of what failed.
 */
int vu_send(int fd, const struct vu_message *message, u64 deadline, int cancel_fd);
int vu_receive(int fd, struct vu_message *message, u64 deadline, int cancel_fd);

void vu_close_fds(struct vu_message *message);

#endif
