/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's end of a guest's network interface: a tap, and the bridge that it is at. */
#ifndef HVCTL_TAP_H
#define HVCTL_TAP_H

#include "net.h"

struct tap {
	int fd;
	char name[IFNAMSIZ];
	unsigned int mtu;
	char network[IFNAMSIZ];	/* the bridge that goes with its last tap; "": none does */
	bool made;		/* by this, and goes with @fd */
	unsigned int limited;	/* its index, if its limit has to be taken away; 0: no */
};

/*
 * Get the tap that @config asks for. Frames on @fd begin with a virtio header of virtio 1's
 * size. A tap, and a network's bridge, that this made are gone after tap_close(), and when
 * hvctl dies at any time; but for a bridge, which the network's next user finds. The limit of a
 * tap that was there is gone after tap_close(); one that a hvctl which died has left is replaced
 * by the next.
 */
int tap_open(struct tap *tap, const struct net_config *config);
void tap_close(struct tap *tap);

/* Which offloads the guest takes: TUN_F_* (linux/if_tun.h). */
int tap_set_offload(struct tap *tap, unsigned int offload);

/* One of the files in statistics/ of the tap's in sysfs; 0 if it can't be read. */
u64 tap_statistic(const struct tap *tap, const char *file);

#endif
