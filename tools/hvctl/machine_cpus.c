// SPDX-License-Identifier: GPL-2.0-only
#include "machine_cpus.h"

#include <stdlib.h>

#include "clock.h"
#include "error.h"
#include "machine.h"

/* ---- what the changes are made of ------------------------------------------------ */

static int create_vcpu(struct machine *m, u32 id)
{
	return vcpu_create(&m->vcpus[id], m, id, &m->cpus.cpuid);
}

static int add(void *opaque, u32 id)
{
	struct machine *m = opaque;

	if (create_vcpu(m, id))
		return -1;
	if (!vcpu_start(&m->vcpus[id]))
		return 0;
	vcpu_destroy(&m->vcpus[id]);
	return -1;
}

static bool remove_vcpu(void *opaque, u32 id)
{
	struct machine *m = opaque;
	struct vcpu *vcpu = &m->vcpus[id];

	if (!vcpu_ended(vcpu)) {
		vcpu_stop(vcpu);
		/* Its end wakes the main thread, which is to try again. */
		atomic_store(&m->cpus.news, true);
		return false;
	}
	vcpu_join(vcpu);
	vcpu_destroy(vcpu);
	return true;
}

static bool was_run(void *opaque, u32 id)
{
	struct machine *m = opaque;

	return vcpu_was_run(&m->vcpus[id]);
}

static const struct cpus_ops change_ops = {
	.add = add, .remove = remove_vcpu, .was_run = was_run,
};

static void tell_guest(void *opaque)
{
	struct machine *m = opaque;

	ged_raise(&m->ged, GED_CPUS);
}

static void tell_machine(void *opaque)
{
	struct machine *m = opaque;

	atomic_store(&m->cpus.news, true);
	machine_wake(m);
}

/* ---- life ------------------------------------------------------------------------ */

int machine_cpus_create(struct machine *m)
{
	unsigned int i, max = m->config->cpus_max;

	m->vcpus = calloc(max, sizeof(m->vcpus[0]));
	if (!m->vcpus)
		return fail("out of memory");
	for (i = 0; i < max; i++)
		m->vcpus[i].fd = -1;
	if (cpu_hotplug_create(&m->cpus.hotplug, max, tell_guest, tell_machine, m)) {
		free(m->vcpus);
		return -1;
	}
	cpus_change_init(&m->cpus.change, &m->cpus.hotplug, m->config->cpus, &change_ops, m);
	return 0;
}

void machine_cpus_destroy(struct machine *m)
{
	cpu_hotplug_destroy(&m->cpus.hotplug);
	free(m->vcpus);
}

struct acpi_cpus machine_cpus_acpi(const struct machine *m)
{
	return (struct acpi_cpus){
		.number = m->cpus.change.number,
		.max = m->config->cpus_max,
		.change = m->config->cpus_change,
	};
}

static void destroy_vcpus(struct machine *m)
{
	unsigned int i = m->config->cpus_max;

	while (i--) {
		if (m->vcpus[i].fd >= 0)
			vcpu_destroy(&m->vcpus[i]);
	}
}

int machine_cpus_power_on(struct machine *m)
{
	struct cpuid_table *table = &m->cpus.cpuid;
	unsigned int i, number = m->cpus.change.number;
	int count = lhv_supported_cpuid(&m->dev, table->entry);

	if (count < 0)
		return -1;
	table->count = count;
	if (cpuid_build(table, &m->dev.info, m->config->cpus_max))
		return -1;
	for (i = 0; i < number; i++) {
		if (create_vcpu(m, i)) {
			destroy_vcpus(m);
			return -1;
		}
	}
	cpu_hotplug_reset(&m->cpus.hotplug, number);
	atomic_store(&m->cpus.news, true);
	return 0;
}

void machine_cpus_power_off(struct machine *m)
{
	destroy_vcpus(m);
	cpus_change_restart(&m->cpus.change);
}

int machine_cpus_start(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus_max; i++) {
		if (m->vcpus[i].fd >= 0 && vcpu_start(&m->vcpus[i]))
			return -1;
	}
	return 0;
}

void machine_cpus_kick(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->config->cpus_max; i++) {
		if (m->vcpus[i].started)
			vcpu_kick(&m->vcpus[i]);
	}
}

void machine_cpus_stop(struct machine *m)
{
	unsigned int i, max = m->config->cpus_max;

	machine_cpus_kick(m);
	for (i = 0; i < max; i++) {
		if (m->vcpus[i].started)
			vcpu_join(&m->vcpus[i]);
	}
	/* There may be somebody yet to tell. */
	if (!machine_restarts(m) && cpus_change_abandon(&m->cpus.change))
		machine_change_end(&m->change, m->control, CHANGE_CPUS, -1);
}

/* ---- changes --------------------------------------------------------------------- */

unsigned int machine_cpus_number(const struct machine *m)
{
	return m->cpus.change.number;
}

bool machine_cpus_changing(const struct machine *m, unsigned int *wanted)
{
	*wanted = m->cpus.change.wanted;
	return m->cpus.change.active;
}

int machine_cpus_check(const struct machine *m, u64 number)
{
	unsigned int now = machine_cpus_number(m), max = m->config->cpus_max;

	if (machine_change_check(&m->change, CHANGE_CPUS))
		return -1;
	if (!number)
		return fail("--cpus: a machine has one vCPU at least; end it with 'hvctl stop NAME'");
	if (number == now)
		return 0;
	if (!m->config->cpus_change)
		return fail("--cpus: the machine was started with just %u vCPU%s, for good; start it with --cpus %u,max=M to change them while it runs",
			    now, now == 1 ? "" : "s", now);
	if (number > max)
		return fail("--cpus: %llu are more than the %u that the machine may have; start it with max=%llu, or give up to %u",
			    (unsigned long long)number, max, (unsigned long long)number, max);
	return 0;
}

void machine_cpus_set(struct machine *m, unsigned int number)
{
	cpus_change_begin(&m->cpus.change, number);
	atomic_store(&m->cpus.news, true);
}

/* Nobody but the guest did it, so the user may wonder. */
static void tell_user(unsigned int number)
{
	say("the guest ejected a vCPU that it wasn't asked for; the machine has %u now", number);
}

static void end_change(struct machine *m, enum cpus_progress progress)
{
	if (progress == CPUS_DONE || progress == CPUS_FAILED)
		machine_change_end(&m->change, m->control, CHANGE_CPUS,
				   progress == CPUS_DONE ? 0 : -1);
}

int machine_cpus_serve(struct machine *m)
{
	struct cpus_change *change = &m->cpus.change;
	unsigned int before = change->number;
	u64 now;

	if (!change->active && !atomic_load(&m->cpus.news))
		return -1;
	atomic_store(&m->cpus.news, false);
	now = clock_ms();
	if (change->active)
		end_change(m, cpus_change_step(change, now));
	else if (cpus_change_step(change, now) == CPUS_IDLE && change->number < before)
		tell_user(change->number);
	if (!change->active || !change->deadline)
		return -1;
	return now < change->deadline ? change->deadline - now : 0;
}
