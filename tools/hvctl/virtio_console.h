/* SPDX-License-Identifier: GPL-2.0-only */
/* The console device (virtio 1.2, 5.3): a console, and ports by name. */
#ifndef HVCTL_VIRTIO_CONSOLE_H
#define HVCTL_VIRTIO_CONSOLE_H

#include "port_socket.h"
#include "virtio.h"

/* Beside port 0, which is the console's */
#define PORTS_MAX	15

/*
 * Listen on the sockets of @count ports, 1 to @count, and make a new device with these;
 * its class has destroy(). Port 0 is a console that ends at @hvc, which outlives the device;
 * NULL: there is none. Returns NULL with a sentence.
 */
struct virtio_device *virtio_console_create(const struct port_config *config, unsigned int count,
					    struct port *hvc, const struct guest_memory *mem);

/* Does the guest have port @number, 1 or more, open? Any thread. */
bool virtio_console_is_open(struct virtio_device *dev, unsigned int number);

#endif
