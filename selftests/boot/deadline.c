// SPDX-License-Identifier: GPL-2.0-only
/* Reserves nine tenths of a CPU (SCHED_DEADLINE), says so, and waits. */
#include <linux/sched/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEADLINE	6	/* SCHED_DEADLINE */
#define MS		1000000

int main(void)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = DEADLINE,
		.sched_runtime = 90 * MS,
		.sched_deadline = 100 * MS,
		.sched_period = 100 * MS,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0)) {
		perror("deadline");
		return 1;
	}
	puts("RESERVED");
	fflush(stdout);
	for (;;)
		pause();
}
