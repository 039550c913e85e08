/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group of the host's processes (cgroup v2) that is one machine's. Root's machines have
 * lhv/NAME below the top; other users', and root's where a service manager gave hvctl a group
 * of its own (its attribute "delegate"), lhv-NAME below the one that hvctl was started in.
 */
#ifndef HVCTL_CGROUP_H
#define HVCTL_CGROUP_H

#include <limits.h>

#include "types.h"

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_CONTROLLERS,
};

struct cgroup {
	char path[PATH_MAX];	/* "": there is none */
	char home[PATH_MAX];	/* the group that hvctl came from */
	char top[PATH_MAX];	/* where cgroup v2 is mounted */
	bool own;		/* it is below home */
};

/* What stands before the paths of /proc and /sys, and of what is mounted; for tests. */
extern const char *cgroup_base;

/* ---- where ---------------------------------------------------------------------- */

/*
 * Of a process whose /proc/self/mountinfo is @mounts and whose /proc/self/cgroup is @groups:
 * where cgroup v2 is mounted, and the path of its group there. -1 with a sentence
 */
int cgroup_place(const char *mounts, const char *groups, char top[static PATH_MAX],
		 char home[static PATH_MAX]);

/* Where the group of the machine @name is to be; nothing is made. -1 with a sentence */
int cgroup_find(struct cgroup *group, const char *name);

/* ---- its life ------------------------------------------------------------------- */

/*
 * Make the group that cgroup_find() found, with the controllers @needed (a bit for each) and
 * those of the others that there are, and move this process there. What is there already,
 * with nothing in it, is taken. -1 with a sentence, and then nothing has changed.
 */
int cgroup_enter(struct cgroup *group, u32 needed);

/* Go back to where the process came from, and remove the group. */
void cgroup_leave(struct cgroup *group);

/*
 * Remove the group at @path, which a process left that is no more: what it left in there
 * ends.
 */
void cgroup_remove(const char *path);

/* All CPUs that the host can ever have, as a list; "" if that can't be read. */
void cgroup_all_cpus(char *text, size_t size);

/* ---- its files ------------------------------------------------------------------ */

bool cgroup_has(const struct cgroup *group, const char *file);

/* -1 with a sentence that @option begins. */
int cgroup_write(const struct cgroup *group, const char *file, const char *text,
		 const char *option);

/* What is in a file of it, cut off at @size; "" if that can't be read. */
void cgroup_read(const struct cgroup *group, const char *file, char *text, size_t size);

#endif
