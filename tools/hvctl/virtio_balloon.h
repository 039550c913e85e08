/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The traditional memory balloon (virtio 1.2, 5.5): the guest is asked to give up some of
 * its memory, which is the host's at once. Beside that, it reports pages that are free
 * (5.5.6.7), whatever the balloon's size.
 */
#ifndef HVCTL_VIRTIO_BALLOON_H
#define HVCTL_VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>

#include "virtio.h"

/* What a driver said of its memory (5.5.6.4), by VIRTIO_BALLOON_S_*: bytes, or how often. */
struct balloon_statistics {
	u64 value[VIRTIO_BALLOON_S_NR];
	u32 given;		/* a bit for each; the others are 0 */
};

/*
 * A new balloon which is to hold @bytes of @mem; its class has destroy(). NULL with a
 * sentence; @bytes are what virtio_balloon_resize() takes.
 */
struct virtio_device *virtio_balloon_create(const struct guest_memory *mem, u64 bytes);

/* Would virtio_balloon_resize() take @bytes? -1 with a sentence. */
int virtio_balloon_check(const struct virtio_device *dev, u64 bytes);

/*
 * Have the driver inflate or deflate it until it holds @bytes, a multiple of 4K that is
 * less than the memory that the guest has. Returns at once; how far the driver gets is up to it. Any
 * thread. -1 with a sentence if @bytes are not that.
 */
int virtio_balloon_resize(struct virtio_device *dev, u64 bytes);

/* The bytes that the driver says the balloon holds; any thread. */
u64 virtio_balloon_actual(struct virtio_device *dev);

/* What it is to hold; any thread. */
u64 virtio_balloon_target(struct virtio_device *dev);

/* The bytes that it gave back by reports of free pages so far; any thread. */
u64 virtio_balloon_reported(struct virtio_device *dev);

/*
 * The last statistics that the driver gave since it started, if any; and have it make new
 * ones, which a later call gets. Any thread.
 */
void virtio_balloon_statistics(struct virtio_device *dev, struct balloon_statistics *s);

#endif
