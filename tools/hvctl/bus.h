/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address space with devices in it: ports or MMIO. Filled before the vCPUs
 * start and not changed while they run, so that looking up takes no lock.
 */
#ifndef HVCTL_BUS_H
#define HVCTL_BUS_H

#include "types.h"

#define BUS_RANGES_MAX	16

/*
 * A device's registers. @offset is from the start of its range; @size is 1, 2,
 * 4 or 8 bytes and never more than @width: the bus splits wider accesses, as an
 * ISA bus does. Each device locks for itself. Without read() it reads as all
 * ones, without write() it ignores writes.
 */
struct bus_ops {
	u64 (*read)(void *dev, u64 offset, unsigned int size);
	void (*write)(void *dev, u64 offset, unsigned int size, u64 value);
	unsigned int width;
};

struct bus_range {
	u64 start;
	u64 size;
	const struct bus_ops *ops;
	void *dev;
};

struct bus {
	struct bus_range range[BUS_RANGES_MAX];	/* in rising order */
	unsigned int count;
};

/* Fails if the range overlaps another. */
int bus_add(struct bus *bus, u64 start, u64 size, const struct bus_ops *ops, void *dev);

/*
 * Access @size (1 to 8) bytes, little-endian in @data. As on a PC, what belongs
 * to no device reads as all ones, and writes to it go nowhere.
 */
void bus_read(const struct bus *bus, u64 addr, void *data, unsigned int size);
void bus_write(const struct bus *bus, u64 addr, const void *data, unsigned int size);

#endif
