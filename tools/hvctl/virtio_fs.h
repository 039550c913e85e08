/* SPDX-License-Identifier: GPL-2.0-only */
/* The file system device (virtio 1.2, 5.11): a folder of the host's, served by virtiofsd. */
#ifndef HVCTL_VIRTIO_FS_H
#define HVCTL_VIRTIO_FS_H

#include "share.h"
#include "virtio.h"

/*
 * Start virtiofsd for @config, which must stay, and make a new device; its class has
 * destroy(). @mem is shared. NULL with a sentence.
 */
struct virtio_device *virtio_fs_create(const struct share_config *config,
				       const struct guest_memory *mem);

#endif
