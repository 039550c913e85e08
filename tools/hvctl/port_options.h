/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_PORT_OPTIONS_H
#define HVCTL_PORT_OPTIONS_H

#include "virtio_console.h"

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

/* In the guest: where qemu-guest-agent listens, and where hvctl enter finds its terminal. */
#define AGENT_PORT	"org.qemu.guest_agent.0"
#define ENTER_PORT	"org.lhv.enter.0"

/* Their sockets in the machine's folder (machine_dir.h) */
#define AGENT_SOCKET	"agent"
#define ENTER_SOCKET	"enter"

/*
 * The same for --agent: the agent's port at the socket @path, or for "auto" both ports, with
 * their sockets in the machine's folder.
 */
int port_options_add_agent(struct port_options *options, const char *path);

/*
 * The machine's folder is @folder; "": there is none. -1 with a sentence if a socket was to
 * be in it, and can't be.
 */
int port_options_place(struct port_options *options, const char *folder);

/* The number of the port called @name in the guest, from 1 on; 0: there is none. */
unsigned int port_options_find(const struct port_options *options, const char *name);

#endif
