// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_net.h"

#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "tap.h"
#include "vhost.h"
#include "virtio_net_config.h"

struct virtio_net {
	struct virtio_device virtio;
	struct tap tap;
	struct vhost vhost;
	struct virtio_net_settings settings;
};

static struct virtio_net *net_of(struct virtio_device *dev)
{
	return (struct virtio_net *)dev;
}

/* ---- what the guest may be given ------------------------------------------------- */

static const struct offload {
	unsigned int feature;	/* of 5.1.3 */
	unsigned int tun;
} offloads[] = {
	{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
	{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
	{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
};

/* The tap takes whole packets, and sums to be filled in, from anyone. */
#define FEATURES	(NET_CONFIG_FEATURES | BIT_ULL(VIRTIO_NET_F_CSUM) | \
			 BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_HOST_TSO6) | \
			 BIT_ULL(VIRTIO_NET_F_HOST_ECN))

static u64 features_of(const struct virtio_net *net)
{
	u64 features = FEATURES | (net->vhost.features & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offloads); i++)
		features |= BIT_ULL(offloads[i].feature);
	return features;
}

/* Without sums to be filled in there are no packets to be cut up either (5.1.3.1). */
static unsigned int accepted_offload(const struct virtio_device *dev)
{
	unsigned int i, offload = 0;

	if (!(dev->accepted & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM)))
		return 0;
	for (i = 0; i < ARRAY_SIZE(offloads); i++) {
		if (dev->accepted & BIT_ULL(offloads[i].feature))
			offload |= offloads[i].tun;
	}
	return offload;
}

/* ---- start and stop -------------------------------------------------------------- */

static int set_backend(struct virtio_net *net, unsigned int queue, int fd)
{
	struct vhost_vring_file file = { .index = queue, .fd = fd };

	return ioctl(net->vhost.fd, VHOST_NET_SET_BACKEND, &file);
}

static void stop(struct virtio_device *dev)
{
	struct virtio_net *net = net_of(dev);
	unsigned int i;

	for (i = 0; i < NET_QUEUES; i++)
		set_backend(net, i, -1);
	vhost_stop(&net->vhost);
}

static int start(struct virtio_device *dev)
{
	struct virtio_net *net = net_of(dev);
	unsigned int i;

	if (tap_set_offload(&net->tap, accepted_offload(dev)))
		return fail_errno("the tap %s refuses offloads", net->tap.name);
	if (vhost_start(&net->vhost, dev))
		return -1;
	for (i = 0; i < NET_QUEUES; i++) {
		if (dev->queue[i].running && set_backend(net, i, net->tap.fd)) {
			fail_errno("vhost refuses the tap %s", net->tap.name);
			stop(dev);
			return -1;
		}
	}
	return 0;
}

static void call_changed(struct virtio_queue *q)
{
	vhost_set_call(&net_of(q->device)->vhost, q);
}

/* ---- the device ----------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	virtio_net_read_config(&net_of(dev)->settings, offset, data, size);
}

/* What the tap receives is what the guest sends. */
const char *virtio_net_count(struct virtio_device *dev, struct net_counts *counts)
{
	const struct tap *tap = &net_of(dev)->tap;

	*counts = (struct net_counts){
		.packets = {
			[NET_RECEIVE] = tap_statistic(tap, "tx_packets"),
			[NET_SEND] = tap_statistic(tap, "rx_packets"),
		},
		.bytes = {
			[NET_RECEIVE] = tap_statistic(tap, "tx_bytes"),
			[NET_SEND] = tap_statistic(tap, "rx_bytes"),
		},
		.dropped = {
			[NET_RECEIVE] = tap_statistic(tap, "tx_dropped"),
			[NET_SEND] = tap_statistic(tap, "rx_dropped"),
		},
	};
	return tap->name;
}

static void destroy(struct virtio_device *dev)
{
	struct virtio_net *net = net_of(dev);

	virtio_destroy(dev);
	vhost_close(&net->vhost);
	tap_close(&net->tap);
	free(net);
}

static const struct virtio_class virtio_net_class = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.pci_class = NET_PCI_CLASS,
	.config_size = NET_CONFIG_SIZE,
	.read_config = read_config,
	.start = start,
	.stop = stop,
	.call_changed = call_changed,
	.destroy = destroy,
};

struct virtio_device *virtio_net_create(const struct net_config *config,
					const struct guest_memory *mem)
{
	struct virtio_net *net = calloc(1, sizeof(*net));
	unsigned int i;

	if (!net) {
		fail("out of memory");
		return NULL;
	}
	if (virtio_net_choose_mac(&net->settings, config) || tap_open(&net->tap, config))
		goto err_free;
	net->settings.mtu = net->tap.mtu;
	net->settings.link_up = true;
	if (vhost_open(&net->vhost, "/dev/vhost-net", "vhost_net"))
		goto err_tap;
	if (virtio_init(&net->virtio, &virtio_net_class, features_of(net), NET_QUEUES,
			NET_QUEUE_SIZE, mem))
		goto err_vhost;
	for (i = 0; i < NET_QUEUES; i++)
		net->virtio.queue[i].foreign = true;
	return &net->virtio;

err_vhost:
	vhost_close(&net->vhost);
err_tap:
	tap_close(&net->tap);
err_free:
	free(net);
	return NULL;
}
