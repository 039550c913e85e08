/* SPDX-License-Identifier: GPL-2.0-only */
/* What network devices (virtio 1.2, 5.1) have in common, whoever serves their queues. */
#ifndef HVCTL_VIRTIO_NET_CONFIG_H
#define HVCTL_VIRTIO_NET_CONFIG_H

#include <linux/virtio_net.h>
#include <stdatomic.h>

#include "net.h"

#define NET_PCI_CLASS	0x020000
#define NET_CONFIG_SIZE	offsetof(struct virtio_net_config, speed)
#define NET_QUEUE_SIZE	256

/* What the guest receives, and what it sends (5.1.2) */
enum { NET_RECEIVE, NET_SEND, NET_QUEUES };

/* Of the configuration space's fields that virtio_net_read_config() fills */
#define NET_CONFIG_FEATURES	(BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_STATUS) | \
				 BIT_ULL(VIRTIO_NET_F_MTU))

struct virtio_net_settings {
	u8 mac[ETH_ALEN];
	u16 mtu;
	atomic_bool link_up;
};

/* The address that the user gave, or one that is made up. Returns -1 with a sentence. */
int virtio_net_choose_mac(struct virtio_net_settings *settings, const struct net_config *config);

/* For virtio_class.read_config() (5.1.4), any thread */
void virtio_net_read_config(const struct virtio_net_settings *settings, unsigned int offset,
			    void *data, unsigned int size);

#endif
