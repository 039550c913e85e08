/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_PORT_OPTIONS_H
#define HVCTL_PORT_OPTIONS_H

#include "virtio_console.h"

/* The port on which a guest's qemu-guest-agent listens. */
#define PORT_AGENT_NAME	"org.qemu.guest_agent.0"

/* What the console device is to have. */
struct port_options {
	struct port_config port[PORTS_MAX];
	unsigned int count;
	const char *hvc;	/* where the console is: see console_open(); NULL: nowhere */
};

/*
 * Add what the value of --port describes: name=NAME,socket=PATH, in any order. No file is
 * looked at. Returns -1 with a sentence.
 */
int port_options_add(struct port_options *options, const char *text);

/* The same for --agent PATH: the port PORT_AGENT_NAME. */
int port_options_add_agent(struct port_options *options, const char *path);

#endif
