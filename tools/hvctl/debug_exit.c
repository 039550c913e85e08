// SPDX-License-Identifier: GPL-2.0-only
#include "debug_exit.h"

#include <string.h>

#include "machine.h"

static void debug_exit_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	(void)size;
	if (offset == 0)
		machine_stop(dev, STOP_DEBUG_EXIT, value & 0x7f, NULL);
}

const struct bus_ops debug_exit_ops = {
	.write = debug_exit_write,
	.width = 4,
};

static void debug_pins_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	(void)size;
	if (offset < IOAPIC_PINS)
		ioapic_set_pin(dev, offset, value != 0);
}

const struct bus_ops debug_pins_ops = {
	.write = debug_pins_write,
	.width = 4,
};

static u64 debug_memory_read(void *dev, u64 offset, unsigned int size)
{
	const struct debug_memory *memory = dev;
	u64 value = 0;

	memcpy(&value, memory->data + offset, size);
	return value;
}

static void debug_memory_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct debug_memory *memory = dev;

	memcpy(memory->data + offset, &value, size);
}

const struct bus_ops debug_memory_ops = {
	.read = debug_memory_read,
	.write = debug_memory_write,
	.width = 8,
};

static u64 debug_latch_read(void *dev, u64 offset, unsigned int size)
{
	const struct debug_memory *memory = dev;
	u64 value = 0;

	memcpy(&value, memory->latch + offset, size);
	return value;
}

static void debug_latch_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct debug_memory *memory = dev;

	memcpy(memory->latch + offset, &value, size);
}

const struct bus_ops debug_latch_ops = {
	.read = debug_latch_read,
	.write = debug_latch_write,
	.width = 4,
};
