/* SPDX-License-Identifier: GPL-2.0-only */
/* The block device (virtio 1.2, 5.2): a disk's image as the guest's drive. */
#ifndef HVCTL_VIRTIO_BLK_H
#define HVCTL_VIRTIO_BLK_H

#include "disk.h"
#include "virtio.h"

/*
 * Open the image, and make a new device of @queues queues for it; its class has destroy().
 * NULL with a sentence for what disk_open() refuses, or if the host has no io_uring.
 */
struct virtio_device *virtio_blk_create(const struct disk_config *config, unsigned int queues,
					const struct guest_memory *mem);

/* Its image: what is to be known of it, and disk_check_growth(). */
const struct disk *virtio_blk_disk(struct virtio_device *dev);

/* disk_grow(); the driver is told. */
int virtio_blk_grow(struct virtio_device *dev, u64 size);

#endif
