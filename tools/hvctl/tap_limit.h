/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many bytes a second a tap lets through, each way: the host's kernel counts them, for
 * whoever moves the packets. What goes to the guest waits in a token bucket filter, which is
 * the tap's root queueing discipline; what comes from it, and is too much, is dropped (policed)
 * where the host takes it, at the tap's ingress.
 */
#ifndef HVCTL_TAP_LIMIT_H
#define HVCTL_TAP_LIMIT_H

#include "netlink.h"

/*
 * Limit the tap with that @index, called @name, in place of whatever traffic control it has.
 * Returns -1 with a sentence, and it has none. Needs CAP_NET_ADMIN, whoever owns the tap.
 */
int tap_limit_set(unsigned int index, const char *name, u64 bps);

/* Take the limit away. The tap may be gone. */
void tap_limit_clear(unsigned int index);

/* ---- for tests: what the kernel is asked for -------------------------------------- */

void tap_limit_shape(struct netlink_request *request, unsigned int index, u64 bps);
void tap_limit_add_ingress(struct netlink_request *request, unsigned int index);
void tap_limit_police(struct netlink_request *request, unsigned int index, u64 bps);

#endif
