/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that the guest plugs and unplugs (virtio 1.2, 5.15): the device says how much there
 * should be, and the driver chooses which blocks of the region these are. An unplugged block
 * is the host's at once, and is not mapped in the guest.
 */
#ifndef HVCTL_VIRTIO_MEM_H
#define HVCTL_VIRTIO_MEM_H

#include <linux/virtio_mem.h>

#include "virtio.h"

/* What the machine does for the device, in the thread of its queue. */
struct virtio_mem_host {
	/* Show the guest a block, or hide it; -1 with a sentence, and nothing has changed. */
	int (*map)(void *opaque, unsigned int block, bool map);
	/* There is less or more plugged than before; the device's lock is held. */
	void (*changed)(void *opaque);
	void *opaque;
};

/*
 * A new device for the region of @mem, which there is; its class has destroy(). Nothing is
 * asked for yet. NULL with a sentence. @host outlives it.
 */
struct virtio_device *virtio_mem_create(struct guest_memory *mem,
					const struct virtio_mem_host *host);

/*
 * What should be plugged, in bytes: a multiple of the block size, up to the region's max. The
 * driver begins at once. Any thread.
 */
void virtio_mem_request(struct virtio_device *dev, u64 bytes);

/* What should be, and what is; any thread. */
u64 virtio_mem_requested(struct virtio_device *dev);
u64 virtio_mem_plugged(struct virtio_device *dev);

/*
 * What is plugged is what should be: the driver is to do no more. Returns that. Any thread;
 * waits for a request that is under way.
 */
u64 virtio_mem_settle(struct virtio_device *dev);

/* The machine is off: nothing is plugged; what should be stays. Its memory is given back, too. */
void virtio_mem_power_off(struct virtio_device *dev);

#endif
