/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine's vCPUs become more or fewer while it runs: step by step, as its guest answers by
 * struct cpu_hotplug's registers. What the guest refuses, or doesn't do in time, is undone.
 * All is for one thread.
 */
#ifndef HVCTL_CPUS_CHANGE_H
#define HVCTL_CPUS_CHANGE_H

#include "cpu_hotplug.h"
#include "types.h"

/* How long a guest may do nothing about its vCPUs: it may be starting yet, or very busy. */
#define CPUS_PATIENCE_MS	30000

/* What is done to vCPUs themselves */
struct cpus_ops {
	/* Create vCPU @id and let it run: it waits for the guest to start it. -1 with a sentence */
	int (*add)(void *opaque, u32 id);
	/* Destroy it. false: it can't be yet, and cpus_change_step() is called when it can. */
	bool (*remove)(void *opaque, u32 id);
	/* Did the guest ever start it? */
	bool (*was_run)(void *opaque, u32 id);
};

struct cpus_change {
	struct cpu_hotplug *hotplug;
	const struct cpus_ops *ops;
	void *opaque;
	unsigned int number;	/* of vCPUs that the guest has */
	bool active;
	unsigned int wanted;
	unsigned int before;
	bool failed;		/* so it goes back to @before */
	bool stuck;		/* and that failed too: it stays as it is */
	unsigned int left;	/* steps, of which a guest may not have it make any number */
	u64 deadline;
	char reason[320];
};

enum cpus_progress {
	CPUS_IDLE,	/* there is nothing to change */
	CPUS_GO_ON,	/* the guest's turn, until @deadline */
	CPUS_DONE,
	CPUS_FAILED,	/* with a sentence */
};

/* The machine has @number vCPUs, of which @hotplug tells. */
void cpus_change_init(struct cpus_change *c, struct cpu_hotplug *hotplug, unsigned int number,
		      const struct cpus_ops *ops, void *opaque);

/* From now on they are to be @wanted, 1 to @hotplug's most. There is no change under way. */
void cpus_change_begin(struct cpus_change *c, unsigned int wanted);

/*
 * Do what can be done at the time @now, in ms: when there is news from the guest, or from
 * @remove, and at the deadline.
 */
enum cpus_progress cpus_change_step(struct cpus_change *c, u64 now);

/*
 * The guest restarts: it will find @c->number vCPUs, as wanted, and the next step ends the
 * change.
 */
void cpus_change_restart(struct cpus_change *c);

/* The machine ends. -1 with a sentence if there was a change */
int cpus_change_abandon(struct cpus_change *c);

#endif
