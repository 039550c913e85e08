// SPDX-License-Identifier: GPL-2.0-only
/* What a guest's doorbell costs that nobody but an eventfd hears, and the way back. */
#include <err.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define WRITES	2000

static const struct {
	enum row row;
	enum bench_command command;
	struct doorbell bell;
} doorbells[] = {
	{ ROW_DOORBELL, COMMAND_WRITE, { .address = BELL, .length = 4, .match = true } },
	{ ROW_DOORBELL_PORT, COMMAND_WRITE_PORT,
	  { .port = true, .address = BELL_PORT, .length = 1 } },
	{ ROW_DOORBELL_MSI, COMMAND_WRITE_MSI, { .address = BELL_MSI, .length = 4 } },
};

void measure_doorbells(struct backend *backend, struct results *results)
{
	struct machine machine;
	int event;
	size_t i;

	machine_boot(&machine, backend);
	for (i = 0; i < ARRAY_SIZE(doorbells); i++) {
		struct bench_request request = {
			.command = doorbells[i].command, .count = WRITES,
			.base = doorbells[i].bell.address,
		};

		event = eventfd(0, EFD_CLOEXEC);
		if (event < 0)
			err(2, "eventfd");
		backend->ioeventfd(machine.vm, event, &doorbells[i].bell);
		if (doorbells[i].row == ROW_DOORBELL_MSI)
			backend->irqfd(machine.vm, event);
		results->rows[doorbells[i].row][backend->side] = machine_do(&machine, &request);
		close(event);
	}
	machine_destroy(&machine);
}
