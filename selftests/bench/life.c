// SPDX-License-Identifier: GPL-2.0-only
/* What a machine costs from creation to destruction, in time and in memory. */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "free_memory.h"

#define LIVES		15
#define MACHINES	100

/* Where the ticks of one life go, by row. */
struct life {
	u64 create;
	u64 add_slot;
	u64 first_run;
	u64 create_vcpu;
	u64 destroy;
};

static u64 lap(u64 *since)
{
	u64 now = __rdtsc(), ticks = now - *since;

	*since = now;
	return ticks;
}

static struct life live(struct backend *backend)
{
	struct machine machine;
	struct life life;
	u64 clock;
	int vcpu;

	clock = __rdtsc();
	machine_create(&machine, backend);
	life.create = lap(&clock);
	machine_add_ram(&machine);
	life.add_slot = lap(&clock);
	machine_start(&machine);
	lap(&clock);
	machine_run_until_done(&machine);
	life.first_run = lap(&clock);
	vcpu = backend->create_vcpu(machine.vm, 1);
	life.create_vcpu = lap(&clock);
	close(vcpu);
	lap(&clock);
	machine_destroy(&machine);
	life.destroy = lap(&clock);
	return life;
}

#define SUMMARIZE(lives, field)						\
	({								\
		u64 samples[LIVES];				\
		size_t sample;						\
									\
		for (sample = 0; sample < LIVES; sample++)		\
			samples[sample] = (lives)[sample].field;	\
		summarize(samples, LIVES);				\
	})

/* Alone, each life switches VMX on and off; beside another machine it does not. */
void measure_life(struct backend *backend, struct results *results)
{
	struct sample_set (*rows)[SIDE_COUNT] = results->rows;
	struct life alone[LIVES], beside[LIVES];
	enum side side = backend->side;
	struct machine other;
	int i;

	guest_ram();
	rows[ROW_CREATE_FIRST][side] = single(live(backend).create);
	for (i = 0; i < LIVES; i++)
		alone[i] = live(backend);
	machine_boot(&other, backend);
	for (i = 0; i < LIVES; i++)
		beside[i] = live(backend);
	machine_destroy(&other);

	rows[ROW_CREATE][side] = SUMMARIZE(alone, create);
	rows[ROW_DESTROY][side] = SUMMARIZE(alone, destroy);
	rows[ROW_CREATE_BESIDE][side] = SUMMARIZE(beside, create);
	rows[ROW_CREATE_VCPU][side] = SUMMARIZE(beside, create_vcpu);
	rows[ROW_ADD_SLOT][side] = SUMMARIZE(beside, add_slot);
	rows[ROW_FIRST_RUN][side] = SUMMARIZE(beside, first_run);
	rows[ROW_DESTROY_BESIDE][side] = SUMMARIZE(beside, destroy);
}

static void *destroy_machine(void *machine)
{
	machine_destroy(machine);
	return NULL;
}

/* All at once: much of what it takes is waiting. */
static void destroy_machines(struct machine *machines)
{
	pthread_t threads[MACHINES];
	int i;

	for (i = 0; i < MACHINES; i++)
		if (pthread_create(&threads[i], NULL, destroy_machine, &machines[i]))
			errx(2, "no thread");
	for (i = 0; i < MACHINES; i++)
		pthread_join(threads[i], NULL);
}

/* The guest's own memory is there before, so that only the kernel's is counted. */
void measure_memory(struct backend *backend, struct results *results)
{
	struct machine machines[MACHINES];
	u64 before;
	int i;

	/* What is allocated but once, such as this program's own pages and caches. */
	machine_boot(&machines[0], backend);
	before = free_memory();
	machine_destroy(&machines[0]);

	memset(machines, 0, sizeof(machines));
	before = free_memory();
	for (i = 0; i < MACHINES; i++)
		machine_boot(&machines[i], backend);
	results->rows[ROW_MEMORY][backend->side] =
		single((before - free_memory()) / (double)MACHINES);
	destroy_machines(machines);
}
