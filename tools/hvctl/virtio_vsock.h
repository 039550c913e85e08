/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket device (virtio 1.2, 5.10). The host's kernel serves its queues. */
#ifndef HVCTL_VIRTIO_VSOCK_H
#define HVCTL_VIRTIO_VSOCK_H

#include <linux/vm_sockets.h>

#include "virtio.h"

/* Context IDs of machines (vsock(7)); those below are the host's. */
#define VSOCK_CID_MIN	(VMADDR_CID_HOST + 1)
#define VSOCK_CID_MAX	(VMADDR_CID_ANY - 1)

/*
 * Open /dev/vhost-vsock for the context ID @cid, and make a new device for it; its class has
 * destroy(). NULL with a sentence for what vhost_open() refuses, or if another machine has
 * @cid.
 */
struct virtio_device *virtio_vsock_create(u32 cid, const struct guest_memory *mem);

#endif
