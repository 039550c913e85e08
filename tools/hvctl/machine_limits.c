// SPDX-License-Identifier: GPL-2.0-only
#include "machine_limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "size.h"

/* Of cpu.max, in microseconds: a percent is the least that Linux takes. */
#define PERIOD		100000U

static const struct {
	const char *option;
	enum cgroup_controller controller;
	const char *file;
} limit_files[LIMITS] = {
	[LIMIT_CPU_UNITS] = { "--cpu-units", CGROUP_CPU, "cpu.weight" },
	[LIMIT_CPU] = { "--cpu-limit", CGROUP_CPU, "cpu.max" },
	[LIMIT_CPU_AFFINITY] = { "--cpu-affinity", CGROUP_CPUSET, "cpuset.cpus" },
	[LIMIT_MEMORY] = { "--memory-limit", CGROUP_MEMORY, "memory.max" },
};

static bool given(const struct limits *limits, enum limit limit)
{
	return limits->given & BIT(limit);
}

/* ---- values --------------------------------------------------------------------- */

/* What is in no cgroup has no limits, and the default's share. */
static void format_limit(const struct limits *limits, enum limit limit,
			 char text[static CPU_LIST_TEXT])
{
	switch (limit) {
	case LIMIT_CPU_UNITS:
		snprintf(text, CPU_LIST_TEXT, "%u", cpu_units_weight(limits->cpu_units));
		break;
	case LIMIT_CPU:
		if (limits->cpu_percent)
			snprintf(text, CPU_LIST_TEXT, "%u %u",
				 limits->cpu_percent * (PERIOD / 100), PERIOD);
		else
			snprintf(text, CPU_LIST_TEXT, "max %u", PERIOD);
		break;
	case LIMIT_CPU_AFFINITY:
		/* A list that isn't empty can't become so while there are processes. */
		if (cpu_list_is_empty(&limits->cpus))
			cgroup_all_cpus(text, CPU_LIST_TEXT);
		else
			cpu_list_format(&limits->cpus, text);
		break;
	default:
		if (limits->memory)
			snprintf(text, CPU_LIST_TEXT, "%" PRIu64, limits->memory);
		else
			strcpy(text, "max");
	}
}

static int write_limit(const struct cgroup *group, const struct limits *limits, enum limit limit)
{
	char *text = malloc(CPU_LIST_TEXT);
	int ret;

	if (!text)
		return fail("out of memory");
	format_limit(limits, limit, text);
	ret = cgroup_write(group, limit_files[limit].file, text, limit_files[limit].option);
	free(text);
	return ret;
}

/* @limits are all given, be it with what is no limit. */
static int write_all(const struct cgroup *group, const struct limits *limits, u32 which)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++) {
		if (which & BIT(i) && write_limit(group, limits, i))
			return -1;
	}
	return 0;
}

static void copy_given(struct limits *to, const struct limits *from)
{
	to->given |= from->given;
	if (given(from, LIMIT_CPU_UNITS))
		to->cpu_units = from->cpu_units;
	if (given(from, LIMIT_CPU))
		to->cpu_percent = from->cpu_percent;
	if (given(from, LIMIT_CPU_AFFINITY))
		to->cpus = from->cpus;
	if (given(from, LIMIT_MEMORY))
		to->memory = from->memory;
}

/* ---- checks --------------------------------------------------------------------- */

static int check_affinity(const struct cgroup *group, const struct cpu_list *wanted)
{
	struct cpu_list there;
	char *text = malloc(CPU_LIST_TEXT);
	int cpu;

	if (!text)
		return fail("out of memory");
	/* Of the group above; neither what is offline nor what is another's is in there. */
	cgroup_read(group, "../cpuset.cpus.effective", text, CPU_LIST_TEXT);
	if (!cpu_list_parse(&there, text) || cpu_list_is_empty(&there)) {
		free(text);
		return fail("--cpu-affinity: cannot read which CPUs %s/.. has", group->path);
	}
	cpu = cpu_list_first_beyond(wanted, &there);
	text[strcspn(text, "\n")] = '\0';
	if (cpu >= 0)
		fail("--cpu-affinity: CPU %d is none that the machine could have; those are %s",
		     cpu, text);
	free(text);
	return cpu >= 0 ? -1 : 0;
}

static u64 number_in(const struct cgroup *group, const char *file, const char *key)
{
	char text[KIB(8)], *at = text;

	cgroup_read(group, file, text, sizeof(text));
	if (*key) {
		at = strstr(text, key);
		if (!at)
			return 0;
	}
	return strtoull(at + strlen(key), NULL, 10);
}

/* Linux ends processes to get below a limit that can't be reached otherwise. */
static int check_memory(const struct cgroup *group, u64 limit)
{
	u64 held = number_in(group, "memory.current", "");
	u64 files = number_in(group, "memory.stat", "\ninactive_file ") +
		    number_in(group, "memory.stat", "\nactive_file ");
	char held_text[32], limit_text[32];
	struct sysinfo info;

	held -= min_u64(held, files);
	if (!limit || held <= limit)
		return 0;
	if (!sysinfo(&info) && (u64)info.freeswap * info.mem_unit > held - limit)
		return 0;
	return fail("--memory-limit: the machine holds %s, which are more than %s; have its balloon take some first",
		    format_size(held, held_text, sizeof(held_text)),
		    format_size(limit, limit_text, sizeof(limit_text)));
}

/* ---- the group ------------------------------------------------------------------ */

static u32 needed_controllers(const struct limits *limits)
{
	u32 needed = 0;
	unsigned int i;

	for (i = 0; i < LIMITS; i++) {
		if (given(limits, i))
			needed |= BIT(limit_files[i].controller);
	}
	return needed;
}

/* Values that are given, in a new group or one that was left behind with others. */
static int write_first(const struct cgroup *group, const struct limits *limits)
{
	struct limits all = { .cpu_units = CPU_UNITS_DEFAULT };
	unsigned int i;
	u32 which = 0;

	copy_given(&all, limits);
	for (i = 0; i < LIMITS; i++) {
		if (given(limits, i) || cgroup_has(group, limit_files[i].file))
			which |= BIT(i);
	}
	if (given(limits, LIMIT_CPU_AFFINITY) && check_affinity(group, &limits->cpus))
		return -1;
	/* The kernel is to end all of a machine, or nothing. */
	if (cgroup_has(group, "memory.oom.group"))
		cgroup_write(group, "memory.oom.group", "1", "--memory-limit");
	return write_all(group, &all, which);
}

static void leave(struct machine_limits *l)
{
	cgroup_leave(&l->group);
	machine_dir_unlink_group(l->dir);
}

static int enter(struct machine_limits *l, const struct limits *limits, u32 needed)
{
	if (cgroup_find(&l->group, l->name))
		goto err;
	/* Before there is a group, so that none is there without a link. */
	if (machine_dir_link_group(l->dir, l->group.path))
		goto err;
	if (cgroup_enter(&l->group, needed)) {
		machine_dir_unlink_group(l->dir);
		goto err;
	}
	if (!write_first(&l->group, limits))
		return 0;
	leave(l);
	return -1;
err:
	*l->group.path = '\0';
	return -1;
}

int machine_limits_begin(struct machine_limits *l, const struct limits *limits, const char *name,
			 const struct machine_dir *dir)
{
	*l = (struct machine_limits){ .name = name, .dir = dir };
	l->now.cpu_units = CPU_UNITS_DEFAULT;
	if (!limits->given)
		return 0;
	if (enter(l, limits, needed_controllers(limits)))
		return -1;
	copy_given(&l->now, limits);
	l->from_start = cgroup_has(&l->group, "memory.max");
	return 0;
}

void machine_limits_end(struct machine_limits *l)
{
	if (*l->group.path)
		leave(l);
}

/* ---- changes -------------------------------------------------------------------- */

static int check_values(const struct cgroup *group, const struct limits *change)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++) {
		if (given(change, i) && !cgroup_has(group, limit_files[i].file))
			return fail("%s: the machine's cgroup %s has no %s, as this host has no such controller of cgroup v2, or hasn't delegated it",
				    limit_files[i].option, group->path, limit_files[i].file);
	}
	if (given(change, LIMIT_CPU_AFFINITY) && check_affinity(group, &change->cpus))
		return -1;
	return given(change, LIMIT_MEMORY) ? check_memory(group, change->memory) : 0;
}

int machine_limits_check(struct machine_limits *l, const struct limits *change)
{
	static const struct limits none = { .cpu_units = CPU_UNITS_DEFAULT };
	bool had_group = *l->group.path;

	if (!change->given)
		return 0;
	if (given(change, LIMIT_MEMORY) && !l->from_start)
		return fail("--memory-limit: the machine was started without limits, so its memory is counted elsewhere; start it with --memory-limit");
	/* A machine that had none gets a group without limits, which changes nothing yet. */
	if (!had_group && enter(l, &none, needed_controllers(change)))
		return -1;
	if (!check_values(&l->group, change))
		return 0;
	if (!had_group)
		leave(l);
	return -1;
}

int machine_limits_set(struct machine_limits *l, const struct limits *change)
{
	char why[512];

	if (!change->given)
		return 0;
	if (write_all(&l->group, change, change->given)) {
		snprintf(why, sizeof(why), "%s", fail_text());
		write_all(&l->group, &l->now, change->given);
		return fail("%s", why);
	}
	copy_given(&l->now, change);
	if (l->soft)
		machine_limits_soften(l);
	return 0;
}

u64 machine_limits_soft(const struct machine_limits *l)
{
	return l->now.given & BIT(LIMIT_MEMORY) ? l->now.memory - l->now.memory / 16 : 0;
}

void machine_limits_soften(struct machine_limits *l)
{
	char text[32] = "max";

	l->soft = true;
	if (!given(&l->now, LIMIT_MEMORY))
		return;
	if (l->now.memory)
		snprintf(text, sizeof(text), "%" PRIu64,
			 align_down(machine_limits_soft(l), KIB(4)));
	cgroup_write(&l->group, "memory.high", text, "--memory-limit");
}

void machine_limits_describe(const struct machine_limits *l, struct json_object *object)
{
	if (!*l->group.path)
		return;
	json_object_object_add(object, "cgroup", json_object_new_string(l->group.path));
	limit_options_to_json(&l->now, object);
}
