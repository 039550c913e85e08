// SPDX-License-Identifier: GPL-2.0-only
#include "bus.h"

#include <string.h>

#include "error.h"

int bus_add(struct bus *bus, u64 start, u64 size, const struct bus_ops *ops, void *dev)
{
	unsigned int at = bus->count;

	if (bus->count == BUS_RANGES_MAX)
		return fail("internal error: more devices than the bus has room for");
	while (at && bus->range[at - 1].start > start)
		at--;
	if ((at && start - bus->range[at - 1].start < bus->range[at - 1].size) ||
	    (at < bus->count && bus->range[at].start - start < size))
		return fail("internal error: two devices at 0x%llx", (unsigned long long)start);

	memmove(&bus->range[at + 1], &bus->range[at],
		(bus->count - at) * sizeof(bus->range[0]));
	bus->range[at] = (struct bus_range){ start, size, ops, dev };
	bus->count++;
	return 0;
}

static const struct bus_range *bus_find(const struct bus *bus, u64 addr)
{
	unsigned int low = 0, high = bus->count;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct bus_range *range = &bus->range[mid];

		if (addr < range->start)
			high = mid;
		else if (addr - range->start >= range->size)
			low = mid + 1;
		else
			return range;
	}
	return NULL;
}

/* One cycle on the bus: as much of an access as its first device takes at once. */
struct bus_cycle {
	const struct bus_range *range;
	u64 offset;
	unsigned int size;
};

static struct bus_cycle bus_cycle(const struct bus *bus, u64 addr, unsigned int size)
{
	struct bus_cycle cycle = { .range = bus_find(bus, addr), .size = size };

	if (!cycle.range) {
		/* The rest of the access may still reach a device. */
		cycle.size = 1;
		return cycle;
	}
	cycle.offset = addr - cycle.range->start;
	while (cycle.size > cycle.range->ops->width ||
	       cycle.size > cycle.range->size - cycle.offset || cycle.size & (cycle.size - 1))
		cycle.size--;
	return cycle;
}

void bus_read(const struct bus *bus, u64 addr, void *data, unsigned int size)
{
	u8 *to = data;

	while (size) {
		struct bus_cycle cycle = bus_cycle(bus, addr, size);
		u64 value = UINT64_MAX;

		if (cycle.range && cycle.range->ops->read)
			value = cycle.range->ops->read(cycle.range->dev, cycle.offset, cycle.size);
		memcpy(to, &value, cycle.size);
		to += cycle.size;
		addr += cycle.size;
		size -= cycle.size;
	}
}

void bus_write(const struct bus *bus, u64 addr, const void *data, unsigned int size)
{
	const u8 *from = data;

	while (size) {
		struct bus_cycle cycle = bus_cycle(bus, addr, size);
		u64 value = 0;

		memcpy(&value, from, cycle.size);
		if (cycle.range && cycle.range->ops->write)
			cycle.range->ops->write(cycle.range->dev, cycle.offset, cycle.size, value);
		from += cycle.size;
		addr += cycle.size;
		size -= cycle.size;
	}
}
