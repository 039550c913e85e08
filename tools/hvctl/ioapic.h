/* SPDX-License-Identifier: GPL-2.0-only */
/* The I/O APIC: 24 pins, version 0x20 (with an EOI register). */
#ifndef HVCTL_IOAPIC_H
#define HVCTL_IOAPIC_H

#include <pthread.h>

#include "bus.h"
#include "types.h"

#define IOAPIC_PINS	24
#define IOAPIC_SIZE	0x1000

/* Delivers an interrupt message to the local APICs. */
typedef void (*ioapic_send_fn)(void *opaque, u64 address, u32 data);

struct ioapic {
	pthread_mutex_t lock;
	u8 index;		/* IOREGSEL */
	u8 id;
	u32 lines;		/* pins that are asserted now */
	u64 redirect[IOAPIC_PINS];
	ioapic_send_fn send;
	void *opaque;
};

extern const struct bus_ops ioapic_ops;

void ioapic_init(struct ioapic *io, ioapic_send_fn send, void *opaque);
void ioapic_destroy(struct ioapic *io);

/* Assert or release a pin; polarity is the device's and the guest's affair. */
void ioapic_set_pin(struct ioapic *io, unsigned int pin, bool asserted);

/* Does the guest take interrupts of this pin? */
bool ioapic_pin_enabled(struct ioapic *io, unsigned int pin);

/* A local APIC ended the level-triggered interrupt @vector. */
void ioapic_eoi(struct ioapic *io, u8 vector);

#endif
