/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device as a PCI function (virtio 1.2, 4.1): no legacy interface, interrupts by
 * MSI-X alone. Each queue has a notification port of its own: what the port is tells all,
 * so that no instruction has to be looked at. Who has no ports may write to memory.
 */
#ifndef HVCTL_VIRTIO_PCI_H
#define HVCTL_VIRTIO_PCI_H

#include "bus.h"
#include "msix.h"
#include "pci.h"
#include "virtio.h"

/* What the machine does for the transport. @fd is an eventfd; see lhv.h. */
struct virtio_pci_host {
	struct msix_host msix;
	/* A guest's OUT to @port signals @fd. Without it, hvctl sees the OUT. */
	int (*bind_notify)(void *opaque, int fd, u16 port);
	void (*unbind_notify)(void *opaque, int fd, u16 port);
	void *opaque;
};

struct virtio_pci {
	struct pci_device pci;
	struct msix msix;
	struct virtio_device *device;
	const struct virtio_pci_host *host;
	struct bus registers;		/* of the memory BAR */
	unsigned int config_access;	/* offset of the capability of that name */
	pthread_mutex_t lock;		/* the common configuration, and what follows */
	u32 device_feature_select;
	u32 driver_feature_select;
	u16 queue_select;
	u16 notify_port;		/* where notifications are bound; 0: nowhere */
};

/* @device becomes a function of @bus. Both live as long as @vp. */
int virtio_pci_create(struct virtio_pci *vp, struct virtio_device *device, struct pci_host *bus,
		      const struct virtio_pci_host *host);
void virtio_pci_destroy(struct virtio_pci *vp);

/* As after power-on. To be called before @host loses what it binds to, too. */
void virtio_pci_reset(struct virtio_pci *vp);

#endif
