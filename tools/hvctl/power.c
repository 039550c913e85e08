// SPDX-License-Identifier: GPL-2.0-only
/* ACPI 6.3, 4.8.3.6 (reset) and 4.8.3.7 (sleep control and status). */
#include "power.h"

#include "layout.h"
#include "machine.h"

#define SLEEP_ENABLE		BIT(5)
#define SLEEP_TYPE_SHIFT	2
#define SLEEP_TYPE_MASK		7

static u64 power_read(void *dev, u64 offset, unsigned int size)
{
	/* There is no state to wake from, so the status stays 0. */
	(void)dev;
	(void)offset;
	(void)size;
	return 0;
}

static void power_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct machine *m = dev;

	(void)size;
	switch (PORT_SLEEP_CONTROL + offset) {
	case PORT_SLEEP_CONTROL:
		if (value & SLEEP_ENABLE &&
		    (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == SLEEP_TYPE_S5)
			machine_stop(m, STOP_POWEROFF, 0, NULL);
		break;
	case PORT_RESET:
		if (value == RESET_VALUE)
			machine_stop(m, STOP_RESET, 0, NULL);
		break;
	}
}

const struct bus_ops power_ops = {
	.read = power_read,
	.write = power_write,
	.width = 1,
};
