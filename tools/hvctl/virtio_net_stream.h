/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network device (virtio 1.2, 5.1), whose frames hvctl carries to and from a stream
 * socket; see frame_stream.h.
 */
#ifndef HVCTL_VIRTIO_NET_STREAM_H
#define HVCTL_VIRTIO_NET_STREAM_H

#include "net.h"
#include "virtio.h"
#include "virtio_net_config.h"

/* How large packets may be, which whoever is at the other end should know, too. */
#define NET_STREAM_MTU	65520

/* The socket's other end. One thread at a time calls these. */
struct net_peer {
	const char *name;
	/*
	 * Make a new one, and an end of whatever there was; returns its socket, which is the
	 * device's to close, or -1 with fail(). Must not wait for it to be ready: that it is when
	 * it takes the first frame.
	 */
	int (*start)(struct net_peer *peer);
	/* It hung up before that: fail() with the reason. */
	void (*tell_end)(struct net_peer *peer);
	void (*destroy)(struct net_peer *peer);
};

/*
 * Start @peer, wait until it is ready, and make a new device for it; its class has destroy().
 * Whenever the peer hangs up, or sends what isn't frames, the guest's link is down, and the
 * peer is started again a second later. What @config's limit doesn't let through waits where it
 * comes from. NULL with a sentence, and @peer, which may be NULL if it couldn't be made, is
 * destroyed.
 */
struct virtio_device *virtio_net_stream_create(const struct net_config *config,
					       struct net_peer *peer,
					       const struct guest_memory *mem);

/* Any thread may ask. */
void virtio_net_stream_count(struct virtio_device *dev, struct net_counts *counts);

#endif
