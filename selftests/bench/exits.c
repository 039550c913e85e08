// SPDX-License-Identifier: GPL-2.0-only
/* What VM exits cost, seen by the guest. */
#include "bench.h"

#define EXITS	2000
#define WAKES	200	/* of those that wait for time to pass */

static const struct {
	enum row row;
	enum bench_command command;
	u32 count;
} exits[] = {
	{ ROW_CPUID, COMMAND_CPUID, EXITS },
	{ ROW_RDMSR, COMMAND_RDMSR, EXITS },
	{ ROW_WRMSR, COMMAND_WRMSR, EXITS },
	{ ROW_VMCALL, COMMAND_VMCALL, EXITS },
	{ ROW_OUT, COMMAND_OUT, EXITS },
	{ ROW_IN, COMMAND_IN, EXITS },
	{ ROW_SELF_IPI, COMMAND_SELF_IPI, EXITS },
	{ ROW_SELF_IPI_HLT, COMMAND_SELF_IPI_HLT, EXITS },
	{ ROW_TIMER, COMMAND_TIMER, EXITS },
	{ ROW_TIMER_HLT, COMMAND_TIMER_HLT, WAKES },
};

void measure_exits(struct backend *backend, struct results *results)
{
	struct machine machine;
	size_t i;

	machine_boot(&machine, backend);
	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		struct bench_request request = {
			.command = exits[i].command, .count = exits[i].count,
		};

		results->rows[exits[i].row][backend->side] = machine_do(&machine, &request);
	}
	machine_destroy(&machine);
}
