/* SPDX-License-Identifier: GPL-2.0-only */
/* What network devices (virtio 1.2, 5.1) have in common, whoever serves their queues. */
#ifndef HVCTL_VIRTIO_NET_CONFIG_H
#define HVCTL_VIRTIO_NET_CONFIG_H

#include <linux/virtio_net.h>
#include <stdatomic.h>

#include "counter.h"
#include "net.h"

#define NET_PCI_CLASS	0x020000
#define NET_CONFIG_SIZE	offsetof(struct virtio_net_config, speed)
#define NET_QUEUE_SIZE	256

/* What the guest receives, and what it sends (5.1.2) */
enum { NET_RECEIVE, NET_SEND, NET_QUEUES };

/* Of the configuration space's fields that virtio_net_read_config() fills */
#define NET_CONFIG_FEATURES	(BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_STATUS) | \
				 BIT_ULL(VIRTIO_NET_F_MTU))

/* What the guest received and sent since hvctl made the interface, by NET_RECEIVE and NET_SEND. */
struct net_counts {
	u64 packets[NET_QUEUES];
	u64 bytes[NET_QUEUES];
	u64 dropped[NET_QUEUES];	/* packets that the guest, or the other end, didn't get */
};

/* For devices whose queues hvctl serves: a queue's thread counts its packets. */
struct net_counters {
	struct {
		counter packets, bytes, dropped;
	} queue[NET_QUEUES];
};

static inline void net_passed(struct net_counters *counters, unsigned int queue, u32 bytes)
{
	counter_add(&counters->queue[queue].packets, 1);
	counter_add(&counters->queue[queue].bytes, bytes);
}

static inline void net_dropped(struct net_counters *counters, unsigned int queue)
{
	counter_add(&counters->queue[queue].dropped, 1);
}

void net_count(const struct net_counters *counters, struct net_counts *counts);

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
