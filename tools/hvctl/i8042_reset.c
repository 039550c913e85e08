// SPDX-License-Identifier: GPL-2.0-only
#include "i8042_reset.h"

#include "machine.h"

/* "Pulse output port" with bit 0, the reset line, low. */
#define COMMAND_PULSE		0xf0
#define COMMAND_PULSE_MASK	0xf1

static u64 i8042_read(void *dev, u64 offset, unsigned int size)
{
	/* Status: no byte to read, and ready to take one. */
	(void)dev;
	(void)offset;
	(void)size;
	return 0;
}

static void i8042_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	(void)offset;
	(void)size;
	if ((value & COMMAND_PULSE_MASK) == COMMAND_PULSE)
		machine_stop(dev, STOP_RESET, 0, NULL);
}

const struct bus_ops i8042_reset_ops = {
	.read = i8042_read,
	.write = i8042_write,
	.width = 1,
};
