/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limits of a machine: its process, and all that it starts, are in a cgroup of their own
 * if it has any. As the module charges what it allocates to its caller, that is in there, too.
 */
#ifndef HVCTL_MACHINE_LIMITS_H
#define HVCTL_MACHINE_LIMITS_H

#include <json-c/json.h>

#include "cgroup.h"
#include "limit_options.h"

struct machine_dir;

struct machine_limits {
	struct cgroup group;
	struct limits now;
	bool from_start;	/* its memory is counted in the group */
	bool soft;		/* machine_limits_soften() was called */
	const char *name;	/* the machine's */
	const struct machine_dir *dir;
};

/*
 * For a process that is to be the machine @name and has one thread yet: put it under @limits,
 * if any are given. @dir has a link to the group then, by which others remove it should the
 * process be killed. -1 with a sentence, and then there is nothing to be ended.
 */
int machine_limits_begin(struct machine_limits *l, const struct limits *limits, const char *name,
			 const struct machine_dir *dir);

/* When all other threads and processes of the machine have ended. */
void machine_limits_end(struct machine_limits *l);

/* Can they be changed to those that @change gives? -1 with a sentence */
int machine_limits_check(struct machine_limits *l, const struct limits *change);

/* Do that; on failure, -1 with a sentence, they are as before. */
int machine_limits_set(struct machine_limits *l, const struct limits *change);

/*
 * Have the machine be held back, and not yet lose its processes, a bit below its memory limit,
 * so that something can be done (memory_breath.h).
 */
void machine_limits_soften(struct machine_limits *l);

/* Where that begins, in bytes; 0: there is no limit. */
u64 machine_limits_soft(const struct machine_limits *l);

/* Add those that it has to @object. */
void machine_limits_describe(const struct machine_limits *l, struct json_object *object);

#endif
