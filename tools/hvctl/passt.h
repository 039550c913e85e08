/* SPDX-License-Identifier: GPL-2.0-only */
/* passt, which carries frames to the host's own sockets, as any user. */
#ifndef HVCTL_PASST_H
#define HVCTL_PASST_H

#include "virtio_net_stream.h"

/*
 * A peer that is a process of passt's. It ends when its socket is closed, which it is when
 * hvctl dies, however that happens. NULL with a sentence if there is no memory.
 */
struct net_peer *passt_create(void);

#endif
