// SPDX-License-Identifier: GPL-2.0-only
#include "devices.h"

#include <stdlib.h>
#include <sys/eventfd.h>

#include "error.h"
#include "passt.h"
#include "virtio_balloon.h"
#include "vhost_user_blk.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_fs.h"
#include "virtio_net.h"
#include "virtio_net_stream.h"
#include "virtio_rng.h"
#include "virtio_vsock.h"

/* Of one disk: each has a thread and a ring of its own. */
#define DISK_QUEUES_MAX	8

bool devices_share_memory(const struct devices_config *config)
{
	unsigned int i;

	for (i = 0; i < config->disk_count; i++) {
		if (config->disk[i].vhost_user)
			return true;
	}
	return config->share_count;
}

/* ---- what transports are bound to ------------------------------------------------ */

static int bind_interrupt(void *opaque, int fd, u64 address, u32 data)
{
	struct devices *d = opaque;

	return lhv_bind_interrupt(d->vm_fd, fd, address, data);
}

static void unbind_interrupt(void *opaque, int fd)
{
	struct devices *d = opaque;

	lhv_unbind_interrupt(d->vm_fd, fd);
}

static int bind_notify(void *opaque, int fd, u16 port)
{
	struct devices *d = opaque;

	return lhv_bind_port(d->vm_fd, fd, port);
}

static void unbind_notify(void *opaque, int fd, u16 port)
{
	struct devices *d = opaque;

	lhv_unbind_port(d->vm_fd, fd, port);
}

/* ---- creation ------------------------------------------------------------------- */

/* @virtio, which may be NULL if it couldn't be made, is the machine's from here on. */
static int plug(struct devices *d, struct virtio_device *virtio)
{
	struct device *device;

	if (!virtio)
		return -1;
	device = calloc(1, sizeof(*device));
	if (!device) {
		fail("out of memory");
		goto err_virtio;
	}
	device->virtio = virtio;
	if (virtio_pci_create(&device->transport, virtio, &d->pci, &d->host))
		goto err_free;
	device->next = d->list;
	d->list = device;
	return 0;

err_free:
	free(device);
err_virtio:
	virtio->class->destroy(virtio);
	return -1;
}

static struct virtio_device *create_disk(const struct disk_config *config, unsigned int queues,
					 const struct guest_memory *mem)
{
	if (config->vhost_user)
		return vhost_user_blk_create(config->path, queues, mem);
	return virtio_blk_create(config, queues, mem);
}

static struct virtio_device *create_net(const struct net_config *config,
					const struct guest_memory *mem)
{
	if (config->kind == NET_PASST)
		return virtio_net_stream_create(config, passt_create(), mem);
	return virtio_net_create(config, mem);
}

/* The order of disks and interfaces is that of their slots, so that the guest numbers them so. */
static int plug_all(struct devices *d, const struct devices_config *config, unsigned int cpus,
		    const struct guest_memory *mem, struct port *hvc)
{
	unsigned int i, queues = min_u64(cpus, DISK_QUEUES_MAX);

	for (i = 0; i < config->disk_count; i++) {
		d->disk[i] = create_disk(&config->disk[i], queues, mem);
		if (plug(d, d->disk[i]))
			return -1;
	}
	for (i = 0; i < config->net_count; i++) {
		d->net[i] = create_net(&config->net[i], mem);
		if (plug(d, d->net[i]))
			return -1;
	}
	for (i = 0; i < config->share_count; i++) {
		if (plug(d, virtio_fs_create(&config->share[i], mem)))
			return -1;
	}
	if (config->vsock_cid && plug(d, virtio_vsock_create(config->vsock_cid, mem)))
		return -1;
	if (hvc || config->ports.count) {
		d->console = virtio_console_create(config->ports.port, config->ports.count, hvc,
						   mem);
		if (plug(d, d->console))
			return -1;
	}
	if (config->rng && plug(d, virtio_rng_create(mem)))
		return -1;
	if (!config->balloon)
		return 0;
	d->balloon = virtio_balloon_create(mem, config->balloon_size);
	return plug(d, d->balloon);
}

int devices_create(struct devices *d, const struct devices_config *config, unsigned int cpus,
		   const struct lhv_dev *dev, const struct guest_memory *mem, struct port *hvc)
{
	*d = (struct devices){ .vm_fd = -1 };
	d->host = (struct virtio_pci_host){
		.msix = { bind_interrupt, unbind_interrupt, d },
		.bind_notify = bind_notify,
		.unbind_notify = unbind_notify,
		.opaque = d,
	};
	pci_init(&d->pci);
	if (devices_wanted(config) && !lhv_has(dev, LHV_CAP_EVENTFD)) {
		fail("this lhv.ko knows no eventfds, which devices need; load the one that came with this hvctl");
		goto err;
	}
	if (plug_all(d, config, cpus, mem, hvc))
		goto err;
	return 0;
err:
	devices_destroy(d);
	return -1;
}

static int map_block(void *opaque, unsigned int block, bool map)
{
	struct devices *d = opaque;

	return lhv_map_block(d->vm_fd, d->memory, block, map);
}

static void mem_changed(void *opaque)
{
	struct devices *d = opaque;

	eventfd_write(d->wake_fd, 1);
}

int devices_add_mem(struct devices *d, struct guest_memory *mem, int wake_fd)
{
	d->memory = mem;
	d->wake_fd = wake_fd;
	d->mem_host = (struct virtio_mem_host){ map_block, mem_changed, d };
	d->mem = virtio_mem_create(mem, &d->mem_host);
	return plug(d, d->mem);
}

void devices_destroy(struct devices *d)
{
	while (d->list) {
		struct device *device = d->list;

		d->list = device->next;
		virtio_pci_destroy(&device->transport);
		device->virtio->class->destroy(device->virtio);
		free(device);
	}
	pci_destroy(&d->pci);
}

int devices_add_to(struct devices *d, struct bus *mmio, struct bus *ports)
{
	return d->list ? pci_add_to(&d->pci, mmio, ports) : 0;
}

/* ---- power ---------------------------------------------------------------------- */

void devices_power_on(struct devices *d, int vm_fd)
{
	d->vm_fd = vm_fd;
	pci_reset(&d->pci);
}

void devices_power_off(struct devices *d)
{
	struct device *device;

	for (device = d->list; device; device = device->next)
		virtio_pci_reset(&device->transport);
	if (d->mem)
		virtio_mem_power_off(d->mem);
}
