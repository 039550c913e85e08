/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How guest and machine agree on processors that come and go: the registers that cpus.asl
 * uses, and what they say of each processor.
 *
 * The machine has a processor inserted: the guest finds it by NEXT, takes the event, sees by
 * its status that it is there, and says by _OST what became of it. The machine asks for one:
 * the guest finds and takes that event, stops using the processor, and ejects it. Either may
 * be withdrawn. A guest may eject a processor that nobody asked for; the first one never goes.
 */
#ifndef HVCTL_CPU_HOTPLUG_H
#define HVCTL_CPU_HOTPLUG_H

#include <pthread.h>

#include "bus.h"
#include "types.h"

/* Registers; offsets from PORT_CPUS. All but the first speak of the selected processor. */
#define CPUS_SELECT		0	/* 4 bytes: its id */
#define CPUS_STATUS		4	/* 1 byte: see below */
#define CPUS_NEXT		5	/* 1 byte, to read: selects one with an event; 0: none */
#define CPUS_OST_EVENT		8	/* 4 bytes, to write: _OST's first argument */
#define CPUS_OST_STATUS		12	/* 4 bytes, to write: its second one, which tells both */
#define CPUS_REGISTERS		16

/* The status as it's read; to write, events that are taken, and an ejection */
#define CPUS_PRESENT		BIT(0)
#define CPUS_INSERTED		BIT(1)
#define CPUS_ASKED_FOR		BIT(2)
#define CPUS_EJECT		BIT(3)

enum cpu_state {
	CPU_ABSENT,
	CPU_INSERTED,	/* there for the guest, which hasn't said that it has it */
	CPU_PRESENT,
	CPU_ASKED_FOR,	/* there, and the guest is to eject it */
	CPU_EJECTED,	/* gone for the guest, the machine may destroy it */
};

/* A processor, as others may see it */
struct cpu_view {
	enum cpu_state state;
	bool taken;	/* the guest was told of the last change */
	bool refused;	/* it can't, or won't: */
	u32 status;	/* _OST's */
};

struct cpu_hotplug {
	pthread_mutex_t lock;
	unsigned int max;
	struct hotplug_cpu *cpu;	/* @max */
	u32 selected;
	u32 ost_event;
	void (*tell_guest)(void *opaque);
	void (*tell_machine)(void *opaque);
	void *opaque;
};

/*
 * For ids from 0 to @max - 1, all absent. @tell_guest is to have it look by NEXT; @tell_machine
 * says that a processor isn't what it was, by the guest's doing. -1 without memory.
 */
int cpu_hotplug_create(struct cpu_hotplug *h, unsigned int max, void (*tell_guest)(void *opaque),
		       void (*tell_machine)(void *opaque), void *opaque);
void cpu_hotplug_destroy(struct cpu_hotplug *h);

/* A machine's power comes on: the first @number are there, as far as the guest will know. */
void cpu_hotplug_reset(struct cpu_hotplug *h, unsigned int number);

/* The machine's side. Each is for the state that it names first, and does nothing in others. */
void cpu_hotplug_insert(struct cpu_hotplug *h, u32 id);		/* absent, then inserted */
void cpu_hotplug_settle(struct cpu_hotplug *h, u32 id);		/* inserted, then present */
void cpu_hotplug_ask_for(struct cpu_hotplug *h, u32 id);	/* present, then asked for */
void cpu_hotplug_keep(struct cpu_hotplug *h, u32 id);		/* asked for, then present */
void cpu_hotplug_withdraw(struct cpu_hotplug *h, u32 id);	/* inserted, then ejected */
/* ejected, then absent. A guest that was told of it is told to look again. */
void cpu_hotplug_destroyed(struct cpu_hotplug *h, u32 id);

struct cpu_view cpu_hotplug_view(struct cpu_hotplug *h, u32 id);

/* Why the guest refused, in words: _OST's @status for a processor that was @asked_for, or not */
const char *cpu_hotplug_reason(bool asked_for, u32 status);

/* The registers; the device is a struct cpu_hotplug. */
extern const struct bus_ops cpu_hotplug_ops;

#endif
