/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine's vCPUs: their life, and how they become more or fewer while it runs. */
#ifndef HVCTL_MACHINE_CPUS_H
#define HVCTL_MACHINE_CPUS_H

#include <stdatomic.h>

#include "acpi.h"
#include "cpu_hotplug.h"
#include "cpuid.h"
#include "cpus_change.h"
#include "types.h"

struct machine;

struct machine_cpus {
	struct cpuid_table cpuid;	/* for as many as there may be */
	struct cpu_hotplug hotplug;
	struct cpus_change change;
	atomic_bool news;		/* of the hotplug's */
};

/* As many as the machine's config says are there when its power comes on. */
int machine_cpus_create(struct machine *m);
void machine_cpus_destroy(struct machine *m);

/* What to tell the guest of them */
struct acpi_cpus machine_cpus_acpi(const struct machine *m);

/* The VM is there, and they are created in it. */
int machine_cpus_power_on(struct machine *m);
/* They are destroyed. A change that is under way ends with the next power, or has ended. */
void machine_cpus_power_off(struct machine *m);

/* Get all of them out of the guest, so that they see what has changed. */
void machine_cpus_kick(struct machine *m);

/*
 * Their threads. machine_cpus_stop() is for a machine that stops, whether all were started or
 * not; if it doesn't restart, a change that is under way ends.
 */
int machine_cpus_start(struct machine *m);
void machine_cpus_stop(struct machine *m);

/* How many the guest has. While they change, @wanted is how many it shall have. */
unsigned int machine_cpus_number(const struct machine *m);
bool machine_cpus_changing(const struct machine *m, unsigned int *wanted);

/* May there be @number? -1 with a sentence */
int machine_cpus_check(const struct machine *m, u64 number);

/* There shall be. This is a part of @m->change, CHANGE_CPUS, which has begun. */
void machine_cpus_set(struct machine *m, unsigned int number);

/* For the main thread while the vCPUs run: returns how many ms it may wait for news, or -1. */
int machine_cpus_serve(struct machine *m);

#endif
