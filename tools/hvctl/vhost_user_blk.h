/* SPDX-License-Identifier: GPL-2.0-only */
/* The block device (virtio 1.2, 5.2), served by a vhost-user back-end. */
#ifndef HVCTL_VHOST_USER_BLK_H
#define HVCTL_VHOST_USER_BLK_H

#include "virtio.h"

/*
 * Connect to the socket @path, which must stay, and make a new device of up to @queues
 * queues; its class has destroy(). @mem is shared. NULL with a sentence.
 */
struct virtio_device *vhost_user_blk_create(const char *path, unsigned int queues,
					    const struct guest_memory *mem);

#endif
