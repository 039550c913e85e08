/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine's devices on PCI. A machine without any has no PCI either. */
#ifndef HVCTL_DEVICES_H
#define HVCTL_DEVICES_H

#include "bus.h"
#include "disk.h"
#include "lhv_dev.h"
#include "memory.h"
#include "net.h"
#include "pci.h"
#include "port_options.h"
#include "share.h"
#include "virtio_mem.h"
#include "virtio_pci.h"

#define DISKS_MAX	16
#define NETS_MAX	8
#define SHARES_MAX	8

/* What the user asked for. */
struct devices_config {
	bool rng;
	bool balloon;
	u64 balloon_size;	/* what it is to hold at the start */
	struct disk_config disk[DISKS_MAX];
	unsigned int disk_count;
	struct net_config net[NETS_MAX];
	unsigned int net_count;
	struct share_config share[SHARES_MAX];
	unsigned int share_count;
	u32 vsock_cid;		/* 0: no such device */
	bool mem;		/* the memory has a region */
	struct port_options ports;
};

struct device {
	struct device *next;
	struct virtio_device *virtio;
	struct virtio_pci transport;
};

struct devices {
	struct pci_host pci;
	struct virtio_pci_host host;
	struct device *list;
	struct virtio_device *disk[DISKS_MAX];	/* as they were asked for */
	struct virtio_device *net[NETS_MAX];	/* likewise */
	struct virtio_device *balloon;		/* NULL: there is none */
	struct virtio_device *mem;		/* the same */
	struct virtio_mem_host mem_host;
	const struct guest_memory *memory;
	int wake_fd;		/* signalled when @mem has plugged or unplugged something */
	struct virtio_device *console;		/* the same */
	int vm_fd;		/* while the machine is powered on */
};

static inline bool devices_wanted(const struct devices_config *config)
{
	return config->rng || config->balloon || config->disk_count || config->net_count ||
	       config->share_count || config->vsock_cid || config->mem || config->ports.count ||
	       config->ports.hvc;
}

/* Whether the guest's memory must be shared, as other processes serve some of them. */
bool devices_share_memory(const struct devices_config *config);

/*
 * Make them, with up to @cpus queues each where several are of use; what they open stays
 * open until devices_destroy(). @hvc, which outlives them, is where their console ends;
 * NULL: they have none.
 */
int devices_create(struct devices *d, const struct devices_config *config, unsigned int cpus,
		   const struct lhv_dev *dev, const struct guest_memory *mem,
		   struct port *hvc);
void devices_destroy(struct devices *d);

/*
 * To be called after that, if there is to be one: the device for the region of the same @mem.
 * @wake_fd is an eventfd, which is signalled when something was plugged or unplugged.
 */
int devices_add_mem(struct devices *d, struct guest_memory *mem, int wake_fd);

/* Put PCI on the machine's buses, if there are devices. */
int devices_add_to(struct devices *d, struct bus *mmio, struct bus *ports);

/* Off: no thread of theirs is left, and nothing of theirs is bound to the VM. */
void devices_power_on(struct devices *d, int vm_fd);
void devices_power_off(struct devices *d);

#endif
