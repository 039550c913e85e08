// SPDX-License-Identifier: GPL-2.0-only
#include "host_root_ports.h"

#include "machine.h"

static void host_root_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct machine *m = dev;

	(void)size;
	if (HOST_ROOT_PORT + offset == HOST_ROOT_STATUS) {
		machine_stop(m, STOP_STATUS, value & 0xff, NULL);
	} else {
		atomic_store(&m->input_waits, false);
		machine_wake(m);
	}
}

const struct bus_ops host_root_ops = { .write = host_root_write, .width = 1 };
