// SPDX-License-Identifier: GPL-2.0-only
#include "cpu_hotplug.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"

/* _OST: ACPI 6.3, 6.3.5 */
#define OST_BUS_CHECK		0
#define OST_DEVICE_CHECK	1
#define OST_EJECT_REQUEST	3
#define OST_EJECT_BY_GUEST	0x103
#define OST_SUCCESS		0
#define OST_INSERTION_GOES_ON	0x80
#define OST_EJECTION_GOES_ON	0x84

struct hotplug_cpu {
	enum cpu_state state;
	u8 events;	/* CPUS_INSERTED, CPUS_ASKED_FOR: those that the guest hasn't taken yet */
	bool taken;
	bool refused;
	u32 status;
};

int cpu_hotplug_create(struct cpu_hotplug *h, unsigned int max, void (*tell_guest)(void *opaque),
		       void (*tell_machine)(void *opaque), void *opaque)
{
	*h = (struct cpu_hotplug){
		.max = max, .cpu = calloc(max, sizeof(h->cpu[0])), .tell_guest = tell_guest,
		.tell_machine = tell_machine, .opaque = opaque,
	};
	if (!h->cpu)
		return fail("out of memory");
	pthread_mutex_init(&h->lock, NULL);
	return 0;
}

void cpu_hotplug_destroy(struct cpu_hotplug *h)
{
	pthread_mutex_destroy(&h->lock);
	free(h->cpu);
}

void cpu_hotplug_reset(struct cpu_hotplug *h, unsigned int number)
{
	unsigned int i;

	pthread_mutex_lock(&h->lock);
	for (i = 0; i < h->max; i++)
		h->cpu[i] = (struct hotplug_cpu){ .state = i < number ? CPU_PRESENT : CPU_ABSENT };
	h->selected = 0;
	h->ost_event = 0;
	pthread_mutex_unlock(&h->lock);
}

/* Is it there, for the guest? */
static bool is_there(const struct hotplug_cpu *cpu)
{
	return cpu->state == CPU_INSERTED || cpu->state == CPU_PRESENT ||
	       cpu->state == CPU_ASKED_FOR;
}

/* ---- the machine's side ---------------------------------------------------------- */

/*
 * Processor @id was in state @from, and is in @to with @event for the guest. An event before
 * that, which it hasn't taken, is no more; if it has, @undone is one.
 */
static void change(struct cpu_hotplug *h, u32 id, enum cpu_state from, enum cpu_state to, u8 event,
		   u8 undone)
{
	struct hotplug_cpu *cpu = &h->cpu[id];
	bool changed;

	pthread_mutex_lock(&h->lock);
	changed = cpu->state == from;
	if (changed) {
		cpu->state = to;
		if (cpu->taken)
			event |= undone;
		cpu->events = event;
		cpu->taken = false;
		cpu->refused = false;
	}
	pthread_mutex_unlock(&h->lock);
	if (changed && event)
		h->tell_guest(h->opaque);
}

void cpu_hotplug_insert(struct cpu_hotplug *h, u32 id)
{
	change(h, id, CPU_ABSENT, CPU_INSERTED, CPUS_INSERTED, 0);
}

void cpu_hotplug_settle(struct cpu_hotplug *h, u32 id)
{
	change(h, id, CPU_INSERTED, CPU_PRESENT, 0, 0);
}

void cpu_hotplug_ask_for(struct cpu_hotplug *h, u32 id)
{
	change(h, id, CPU_PRESENT, CPU_ASKED_FOR, CPUS_ASKED_FOR, 0);
}

void cpu_hotplug_keep(struct cpu_hotplug *h, u32 id)
{
	change(h, id, CPU_ASKED_FOR, CPU_PRESENT, 0, 0);
}

/* A guest that took the event finds by another that there is nothing. */
void cpu_hotplug_withdraw(struct cpu_hotplug *h, u32 id)
{
	change(h, id, CPU_INSERTED, CPU_EJECTED, 0, CPUS_INSERTED);
}

void cpu_hotplug_destroyed(struct cpu_hotplug *h, u32 id)
{
	pthread_mutex_lock(&h->lock);
	if (h->cpu[id].state == CPU_EJECTED)
		h->cpu[id].state = CPU_ABSENT;
	pthread_mutex_unlock(&h->lock);
}

struct cpu_view cpu_hotplug_view(struct cpu_hotplug *h, u32 id)
{
	const struct hotplug_cpu *cpu = &h->cpu[id];
	struct cpu_view view;

	pthread_mutex_lock(&h->lock);
	view = (struct cpu_view){ cpu->state, cpu->taken, cpu->refused, cpu->status };
	pthread_mutex_unlock(&h->lock);
	return view;
}

const char *cpu_hotplug_reason(bool asked_for, u32 status)
{
	static const char * const ejection[] = {
		"it doesn't let go of vCPUs", "an application uses it", "it is busy",
		"something that depends on it is busy, or can't be let go",
	};
	static const char * const insertion[] = {
		"", "its driver couldn't be loaded", "it takes no more vCPUs while it runs",
	};
	static _Thread_local char other[64];

	if (status == 1)
		return "it failed, and doesn't say why";
	if (status == 2)
		return "it doesn't know what it was told";
	if (asked_for && status >= 0x80 && status - 0x80 < ARRAY_SIZE(ejection))
		return ejection[status - 0x80];
	if (!asked_for && status > 0x80 && status - 0x80 < ARRAY_SIZE(insertion))
		return insertion[status - 0x80];
	snprintf(other, sizeof(other), "its status is 0x%x", status);
	return other;
}

/* ---- the guest's side: all with the lock held -------------------------------------- */

static bool select_next(struct cpu_hotplug *h)
{
	unsigned int i;

	for (i = 0; i < h->max; i++) {
		if (h->cpu[i].events) {
			h->selected = i;
			return true;
		}
	}
	return false;
}

static u64 read_register(struct cpu_hotplug *h, u64 offset)
{
	const struct hotplug_cpu *cpu = h->selected < h->max ? &h->cpu[h->selected] : NULL;

	switch (offset) {
	case CPUS_SELECT:
		return h->selected;
	case CPUS_STATUS:
		return cpu ? (is_there(cpu) ? CPUS_PRESENT : 0) | cpu->events : 0;
	case CPUS_NEXT:
		return select_next(h);
	default:
		return 0;
	}
}

/* Is there news for the machine? */
static bool write_status(struct cpu_hotplug *h, struct hotplug_cpu *cpu, u8 value)
{
	if (cpu->events & value) {
		cpu->events &= ~value;
		cpu->taken = true;
	}
	if (!(value & CPUS_EJECT) || !is_there(cpu) || cpu == h->cpu)
		return false;
	*cpu = (struct hotplug_cpu){ .state = CPU_EJECTED };
	return true;
}

/* The same. An answer while it has an event to take is one to an earlier event. */
static bool answer(struct hotplug_cpu *cpu, u32 event, u32 status)
{
	bool inserted = cpu->state == CPU_INSERTED &&
			(event == OST_BUS_CHECK || event == OST_DEVICE_CHECK);
	bool asked_for = cpu->state == CPU_ASKED_FOR &&
			 (event == OST_EJECT_REQUEST || event == OST_EJECT_BY_GUEST);

	if (cpu->events)
		return false;
	if (inserted && status == OST_SUCCESS) {
		cpu->state = CPU_PRESENT;
		return true;
	}
	if ((inserted && status != OST_INSERTION_GOES_ON) ||
	    (asked_for && status != OST_SUCCESS && status != OST_EJECTION_GOES_ON)) {
		cpu->refused = true;
		cpu->status = status;
		return true;
	}
	return false;
}

static bool write_register(struct cpu_hotplug *h, u64 offset, u32 value)
{
	struct hotplug_cpu *cpu = h->selected < h->max ? &h->cpu[h->selected] : NULL;

	switch (offset) {
	case CPUS_SELECT:
		h->selected = value;
		return false;
	case CPUS_STATUS:
		return cpu && write_status(h, cpu, value);
	case CPUS_OST_EVENT:
		h->ost_event = value;
		return false;
	case CPUS_OST_STATUS:
		return cpu && answer(cpu, h->ost_event, value);
	default:
		return false;
	}
}

static u64 cpus_read(void *dev, u64 offset, unsigned int size)
{
	struct cpu_hotplug *h = dev;
	u64 value;

	(void)size;
	pthread_mutex_lock(&h->lock);
	value = read_register(h, offset);
	pthread_mutex_unlock(&h->lock);
	return value;
}

static void cpus_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct cpu_hotplug *h = dev;
	bool news;

	(void)size;
	pthread_mutex_lock(&h->lock);
	news = write_register(h, offset, value);
	pthread_mutex_unlock(&h->lock);
	if (news)
		h->tell_machine(h->opaque);
}

const struct bus_ops cpu_hotplug_ops = {
	.read = cpus_read,
	.write = cpus_write,
	.width = 4,
};
