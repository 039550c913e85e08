/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Generic Event Device (ACPI 6.3, 5.6.9): what happens to a machine, told to its guest
 * by one interrupt and a byte that says which. dsdt.asl reads it.
 */
#ifndef HVCTL_GED_H
#define HVCTL_GED_H

#include <pthread.h>

#include "bus.h"
#include "types.h"

/* Bits of the byte */
#define GED_POWER_BUTTON	BIT(0)
#define GED_CPUS		BIT(1)	/* cpu_hotplug.h */

struct ged {
	pthread_mutex_t lock;
	u8 events;		/* that weren't read yet; the interrupt is asserted as long */
	void (*set_irq)(void *opaque, bool asserted);
	void *opaque;
};

void ged_init(struct ged *ged, void (*set_irq)(void *opaque, bool asserted), void *opaque);
void ged_destroy(struct ged *ged);

/* Any thread */
void ged_raise(struct ged *ged, u8 events);

/* The byte: reading takes the events. */
extern const struct bus_ops ged_ops;

#endif
