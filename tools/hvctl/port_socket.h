/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port that ends at a unix stream socket, on which hvctl listens. One client at a time
 * has the port; others wait in the socket's backlog. A client that went away, and has
 * nothing to read any more, makes room for the next one when the guest has read what it
 * left, or at once if the guest hasn't the port open: what it left is lost then.
 */
#ifndef HVCTL_PORT_SOCKET_H
#define HVCTL_PORT_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "port.h"

#define PORT_SOCKET_MAX	sizeof(((struct sockaddr_un *)0)->sun_path)

/* What the user asked for. */
struct port_config {
	char name[PORT_NAME_MAX + 1];
	char socket[PORT_SOCKET_MAX];
	bool in_folder;		/* @socket is a file of the machine's folder */
};

/*
 * Listen at @path, on a socket that only its owner may connect to. A socket on which nobody
 * listens is replaced; NULL with a sentence for anything else that is there.
 */
struct port *port_socket_create(const char *path);

/* The client is hung up on, and the socket is gone. */
void port_socket_destroy(struct port *port);

#endif
