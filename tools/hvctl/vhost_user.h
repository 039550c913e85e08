/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues that another process serves, the back-end, to which hvctl talks vhost-user. It has
 * the guest's memory, waits for queues' notifications and signals their interrupts.
 *
 * A connection lasts from vhost_user_open(), or a start, to the next stop, so that a
 * back-end begins with nothing each time. Where it can be had again, and it is known which
 * requests are to be done again, the device stays when the back-end goes: requests wait.
 */
#ifndef HVCTL_VHOST_USER_H
#define HVCTL_VHOST_USER_H

#include <pthread.h>

#include "vhost_user_session.h"

#define VHOST_USER_QUEUES_MAX	8

/* Tests have less time. */
extern struct vhost_user_times {
	unsigned int timeout_ms;	/* for a start, a stop and so on, as a whole */
	unsigned int retry_ms;
} vhost_user_times;

struct vhost_user;

/* What a kind of device has to do. With the lock of struct vhost_user, which is internal. */
struct vhost_user_ops {
	/* A new connection: a stream socket. -1 with fail(): there is none now */
	int (*connect)(struct vhost_user *vu);
	/* It's over. May be NULL. */
	void (*disconnected)(struct vhost_user *vu);
	/*
	 * In the beginning of each connection: is the back-end fit for the device? The first
	 * time it isn't made yet, and vu->device is NULL. -1 by vu_misbehaved() or of vu_*().
	 */
	int (*check)(struct vhost_user *vu);
	/* Before its queues start. May be NULL. -1 of vu_*() */
	int (*prepare)(struct vhost_user *vu);
	/* The watcher: the back-end says so. NULL without configuration by the back-end. */
	void (*config_changed)(struct vhost_user *vu);
	bool reconnects;	/* connect() is of use while the device runs */
};

struct vhost_user {
	const struct vhost_user_ops *ops;
	struct vu_session session;
	pthread_mutex_t lock;	/* the session */
	struct virtio_device *device;
	int error_fd;		/* eventfd: the back-end found a queue broken */
	pthread_t watcher;	/* from start to stop, and as long: */
	bool began;		/* the back-end may have taken requests */
	bool given_up;		/* on the back-end */
	unsigned int losses;	/* of connections that didn't last */
	u64 connected_at;	/* when it was given the queues: vu_deadline(0) then */
	u16 base[VHOST_USER_QUEUES_MAX];	/* what it was told was taken and done */
	struct vu_inflight inflight;
	int inflight_fd;	/* where the back-end notes them; -1: it doesn't */
};

/* Connect. Sentences call the back-end @name, which must stay, as must @ops. */
int vhost_user_open(struct vhost_user *vu, const struct vhost_user_ops *ops, const char *name);
void vhost_user_close(struct vhost_user *vu);

/*
 * The device is made: its queues, VHOST_USER_QUEUES_MAX at most, are foreign, and it offers
 * what the back-end can.
 */
void vhost_user_attach(struct vhost_user *vu, struct virtio_device *dev);

/* In virtio_class.start(), .stop() and .call_changed() */
int vhost_user_start(struct vhost_user *vu);
void vhost_user_stop(struct vhost_user *vu);
void vhost_user_set_call(struct vhost_user *vu, const struct virtio_queue *q);

#endif
