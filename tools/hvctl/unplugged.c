// SPDX-License-Identifier: GPL-2.0-only
#include "unplugged.h"

#include "machine.h"
#include "report.h"
#include "vcpu.h"

/* Only vCPUs use the bus. The access does nothing, as the vCPU goes no further. */
static void stop(struct machine *m, u64 offset, bool write)
{
	char text[sizeof(m->stop_text)];

	report_unplugged(vcpu_current(), m->memory.region.start + offset, write, text,
			 sizeof(text));
	machine_stop(m, STOP_CRASH, 0, text);
}

static u64 unplugged_read(void *dev, u64 offset, unsigned int size)
{
	(void)size;
	stop(dev, offset, false);
	return UINT64_MAX;
}

static void unplugged_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	(void)size;
	(void)value;
	stop(dev, offset, true);
}

const struct bus_ops unplugged_ops = { unplugged_read, unplugged_write, 8 };
