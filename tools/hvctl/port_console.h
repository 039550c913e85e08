/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port that ends at a console (console.h). There is always somebody at it. What it is too
 * slow for stays with the guest, as on the serial port.
 */
#ifndef HVCTL_PORT_CONSOLE_H
#define HVCTL_PORT_CONSOLE_H

#include "console.h"
#include "port.h"

/*
 * @console is opened later, before the port is used, and closed after it. To @wake_fd, an
 * eventfd, is written when the main thread is to flush it.
 */
struct port *port_console_create(struct console *console, int wake_fd);
void port_console_destroy(struct port *port);

/*
 * The main thread, after it has read from the console or flushed it: pass input on, and say
 * that there is room for output. Returns an fd that is writable when more input can be
 * passed on; -1: there is none.
 */
int port_console_serve(struct port *port);

/* The main thread: what the console writes to, perhaps a terminal, may have a new size. */
void port_console_measure(struct port *port);

#endif
