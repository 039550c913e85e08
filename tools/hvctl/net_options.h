/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_NET_OPTIONS_H
#define HVCTL_NET_OPTIONS_H

#include "net.h"

/*
 * Parse the value of --net: one of tap=NAME, bridge=NAME, network=ID and passt, and [mac=MAC]
 * and [bps=SIZE], in any order. The host isn't asked about any. Returns -1 with a sentence.
 */
int net_options_parse(struct net_config *config, const char *text);

#endif
