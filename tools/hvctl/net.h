/* SPDX-License-Identifier: GPL-2.0-only */
/* What a machine's network interface is connected to. */
#ifndef HVCTL_NET_H
#define HVCTL_NET_H

#include <linux/if_ether.h>
#include <net/if.h>

#include "types.h"

#define GROUP_ADDRESS		0x01	/* in a MAC's first byte */

/* At less, a packet of 64 KiB would take minutes. */
#define NET_BPS_MIN		KIB(1)

#define NET_NETWORK_MAX		0xffffff	/* as many as VXLAN has */

enum net_kind {
	NET_NONE,
	NET_TAP,		/* the tap of that name; made if there is none */
	NET_BRIDGE,		/* a tap at the bridge of that name */
	NET_NETWORK,		/* a tap at the bridge of the network of that number */
	NET_PASST,		/* the host's own sockets, by passt */
};

/* What the user asked for. */
struct net_config {
	enum net_kind kind;
	char name[IFNAMSIZ];
	u64 network;
	u8 mac[ETH_ALEN];	/* zeros: one that is made up */
	u64 bps;		/* bytes a second, each way; 0: no limit */
};

#endif
