/* SPDX-License-Identifier: GPL-2.0-only */
/* The network device (virtio 1.2, 5.1), at a tap. The host's kernel serves its queues. */
#ifndef HVCTL_VIRTIO_NET_H
#define HVCTL_VIRTIO_NET_H

#include "net.h"
#include "virtio.h"
#include "virtio_net_config.h"

/*
 * Get the tap and /dev/vhost-net, and make a new device for them; its class has destroy().
 * NULL with a sentence for what tap_open() and vhost_open() refuse.
 */
struct virtio_device *virtio_net_create(const struct net_config *config,
					const struct guest_memory *mem);

/*
 * By what the tap has counted, for others before, too, if it was there. Returns its name. Any
 * thread.
 */
const char *virtio_net_count(struct virtio_device *dev, struct net_counts *counts);

#endif
