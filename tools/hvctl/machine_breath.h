/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine that breathes (--memory min=A,max=B): its balloon follows the pressure on the
 * host's memory, and on that of the machine's own cgroup. For the thread in machine_run().
 */
#ifndef HVCTL_MACHINE_BREATH_H
#define HVCTL_MACHINE_BREATH_H

#include <json-c/json.h>
#include <poll.h>

#include "memory_breath.h"

struct machine_limits;
struct virtio_device;

/* What of its memory the guest has; both are 0 if the machine doesn't breathe. */
struct breath_bounds {
	u64 min, max;		/* bytes, multiples of 4K */
};

#define BREATH_FDS	2	/* the host's pressure, and the group's */

struct machine_breath {
	struct breath_bounds bounds;
	u64 memory;		/* of the machine, the balloon's included */
	struct virtio_device *balloon;
	struct memory_breath rule;
	struct machine_limits *limits;	/* NULL: there is no group */
	int fd[BREATH_FDS];	/* -1: there is none */
	u64 reports;		/* of pressure */
};

/* For who takes options and requests: -1 with a sentence. */
int breath_bounds_check(const struct breath_bounds *bounds, u64 memory);

/*
 * A machine with @memory bytes and @balloon (NULL: none) doesn't breathe unless @bounds say
 * so. -1 with a sentence; machine_breath_end() is for what began.
 */
int machine_breath_begin(struct machine_breath *breath, const struct breath_bounds *bounds,
			 u64 memory, struct virtio_device *balloon);
void machine_breath_end(struct machine_breath *breath);

/*
 * The machine has @limits, which outlive this: if its memory is counted in their group, that
 * has pressure of its own. -1 with a sentence
 */
int machine_breath_limit(struct machine_breath *breath, struct machine_limits *limits);

/* Can the bounds become @bounds? -1 with a sentence; and have them so, which can't fail then. */
int machine_breath_check(struct machine_breath *breath, const struct breath_bounds *bounds);
void machine_breath_set(struct machine_breath *breath, const struct breath_bounds *bounds);

/* What to poll, and for how long (@timeout, in milliseconds, or -1, is made less). */
void machine_breath_poll(const struct machine_breath *breath, struct pollfd *fds, int *timeout);

/* After that. */
void machine_breath_serve(struct machine_breath *breath, const struct pollfd *fds);

/* Add what there is to tell to @object. */
void machine_breath_describe(const struct machine_breath *breath, struct json_object *object);

#endif
