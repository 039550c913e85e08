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

static u64 debug_bytes_read(void *dev, u64 offset, unsigned int size)
{
	const u8 *bytes = dev;
	u64 value = 0;

	memcpy(&value, bytes + offset, size);
	return value;
}

static void debug_bytes_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	u8 *bytes = dev;

	memcpy(bytes + offset, &value, size);
}

const struct bus_ops debug_bytes_ops = {
	.read = debug_bytes_read,
	.write = debug_bytes_write,
	.width = 8,
};
