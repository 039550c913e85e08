/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A UART with its line always up, and as fast as it is fed. */
#ifndef HVCTL_SERIAL16550_H
#define HVCTL_SERIAL16550_H

#include <pthread.h>

#include "bus.h"
#include "types.h"

#define SERIAL_PORTS	8
#define SERIAL_FIFO	16

struct serial_host {
	/* The guest sends a byte. */
	void (*transmit)(void *opaque, u8 byte);
	/* The interrupt line changes. */
	void (*set_irq)(void *opaque, bool asserted);
	/* serial_receive() would take more now than the last time. */
	void (*receive_ready)(void *opaque);
	void *opaque;
};

struct serial {
	pthread_mutex_t lock;
	const struct serial_host *host;

	u8 ier, fcr, lcr, mcr, scr;
	u8 dll, dlm;
	bool overrun;
	bool thr_interrupt;	/* THR became empty since IIR last said so */
	bool irq;		/* the line, as the host knows it */

	u8 fifo[SERIAL_FIFO];
	unsigned int head, count;

	bool looked;		/* LSR or IIR was read since IER was written */
	unsigned int polls;	/* reads of LSR with no other access between */
	bool starved;		/* the host has input that did not fit */
};

extern const struct bus_ops serial_ops;

void serial_init(struct serial *s, const struct serial_host *host);
void serial_destroy(struct serial *s);

/*
 * Input for the guest. Returns how many bytes were taken; the rest is to be
 * offered again after receive_ready(). A guest that hasn't opened the port gets
 * nothing yet: it would throw it away when it resets the FIFO.
 */
unsigned int serial_receive(struct serial *s, const u8 *data, unsigned int len);

/* How many bytes serial_receive() would take now. */
unsigned int serial_room(struct serial *s);

#endif
