// SPDX-License-Identifier: GPL-2.0-only
#include "ged.h"

void ged_init(struct ged *ged, void (*set_irq)(void *opaque, bool asserted), void *opaque)
{
	*ged = (struct ged){ .set_irq = set_irq, .opaque = opaque };
	pthread_mutex_init(&ged->lock, NULL);
}

void ged_destroy(struct ged *ged)
{
	pthread_mutex_destroy(&ged->lock);
}

void ged_raise(struct ged *ged, u8 events)
{
	pthread_mutex_lock(&ged->lock);
	ged->events |= events;
	ged->set_irq(ged->opaque, ged->events);
	pthread_mutex_unlock(&ged->lock);
}

static u64 ged_read(void *dev, u64 offset, unsigned int size)
{
	struct ged *ged = dev;
	u8 events;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&ged->lock);
	events = ged->events;
	ged->events = 0;
	ged->set_irq(ged->opaque, false);
	pthread_mutex_unlock(&ged->lock);
	return events;
}

const struct bus_ops ged_ops = { .read = ged_read, .width = 1 };
