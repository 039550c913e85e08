/* SPDX-License-Identifier: GPL-2.0-only */
/* The entropy device (virtio 1.2, 5.4): the host's random numbers. */
#ifndef HVCTL_VIRTIO_RNG_H
#define HVCTL_VIRTIO_RNG_H

#include "virtio.h"

/* A new device, or NULL with a sentence; its class has destroy(). */
struct virtio_device *virtio_rng_create(const struct guest_memory *mem);

#endif
