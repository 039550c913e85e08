/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues that the host's kernel serves (linux/vhost.h): it takes requests out of the guest's
 * memory, waits for queues' notifications and signals their interrupts, all by itself.
 */
#ifndef HVCTL_VHOST_H
#define HVCTL_VHOST_H

#include <pthread.h>

#include "virtio.h"

struct vhost {
	const char *path;
	int fd;
	u64 features;		/* that it knows: of rings, and of its kind of device */
	int error_fd;		/* eventfd: it found a queue broken */
	struct virtio_device *served;	/* from vhost_start() to vhost_stop() */
	pthread_t watcher;	/* of error_fd, as long */
};

/*
 * Open @path, for instance /dev/vhost-net, which the kernel's module @module makes. The
 * memory is that of the process that opens it.
 */
int vhost_open(struct vhost *vhost, const char *path, const char *module);
void vhost_close(struct vhost *vhost);

/*
 * In virtio_class.start(): tell vhost of the foreign queues that run, which it numbers from
 * 0 as @dev does, and of the accepted features that it knows. The caller then tells it to
 * begin, in its kind of device's way, and in virtio_class.stop() first to end.
 */
int vhost_start(struct vhost *vhost, struct virtio_device *dev);
void vhost_stop(struct vhost *vhost);

/* In virtio_class.call_changed() */
void vhost_set_call(struct vhost *vhost, const struct virtio_queue *q);

#endif
