// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_net_config.h"

#include <string.h>
#include <sys/random.h>

#include "error.h"

/* Of a MAC's first byte: it was not bought from the IEEE. */
#define LOCAL_ADDRESS		0x02

int virtio_net_choose_mac(struct virtio_net_settings *settings, const struct net_config *config)
{
	static const u8 none[ETH_ALEN];
	u8 *mac = settings->mac;

	memcpy(mac, config->mac, ETH_ALEN);
	if (memcmp(mac, none, sizeof(none)))
		return 0;
	if (getrandom(mac, ETH_ALEN, 0) != ETH_ALEN)
		return fail_errno("cannot make up a MAC address");
	mac[0] = (mac[0] & ~GROUP_ADDRESS) | LOCAL_ADDRESS;
	return 0;
}

void virtio_net_read_config(const struct virtio_net_settings *settings, unsigned int offset,
			    void *data, unsigned int size)
{
	struct virtio_net_config config = {
		.status = settings->link_up ? VIRTIO_NET_S_LINK_UP : 0,
		.mtu = settings->mtu,
	};

	memcpy(config.mac, settings->mac, sizeof(config.mac));
	memcpy(data, (u8 *)&config + offset, size);
}

void net_count(const struct net_counters *counters, struct net_counts *counts)
{
	unsigned int i;

	for (i = 0; i < NET_QUEUES; i++) {
		counts->packets[i] = counter_read(&counters->queue[i].packets);
		counts->bytes[i] = counter_read(&counters->queue[i].bytes);
		counts->dropped[i] = counter_read(&counters->queue[i].dropped);
	}
}
