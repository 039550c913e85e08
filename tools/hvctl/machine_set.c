// SPDX-License-Identifier: GPL-2.0-only
#include "machine_set.h"

#include <sys/stat.h>

#include "breath_options.h"
#include "control.h"
#include "control_arguments.h"
#include "error.h"
#include "machine.h"
#include "machine_limits.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"

#define UNCHANGED	UINT64_MAX

/* What is to be changed: all of it is checked before any is. */
struct changes {
	u64 disk_size[DISKS_MAX];	/* 0: what it has become; UNCHANGED */
	u64 balloon_size;		/* or UNCHANGED */
	u64 cpus;			/* or UNCHANGED */
	u64 memory;			/* or UNCHANGED */
	struct limits limits;
	struct breath_bounds breath;	/* 0: unchanged */
};

/* The disk whose image is there; NULL with a sentence. */
static struct virtio_device *find_disk(struct machine *m, const char *path, unsigned int *number)
{
	const struct devices_config *config = &m->config->devices;
	unsigned int i;
	struct stat st;

	if (stat(path, &st)) {
		fail_errno("--disk: cannot find %s", path);
		return NULL;
	}
	for (i = 0; i < config->disk_count; i++) {
		struct virtio_device *disk = m->devices.disk[i];

		if (config->disk[i].vhost_user || !disk_is_file(virtio_blk_disk(disk), &st))
			continue;
		*number = i;
		return disk;
	}
	fail("--disk: the machine has no drive with %s; 'hvctl status NAME' tells which it has", path);
	return NULL;
}

static int check_disk(struct machine *m, struct json_object *object, struct changes *changes)
{
	static const char * const keys[] = { "path", "size", NULL };
	struct virtio_device *disk;
	struct json_object *path;
	unsigned int number;
	u64 size;

	if (control_check_keys(object, "a disk's changes", keys) ||
	    control_get_size(object, "size", 0, &size))
		return -1;
	if (!json_object_object_get_ex(object, "path", &path) ||
	    !json_object_is_type(path, json_type_string))
		return fail("a disk has no path");
	disk = find_disk(m, json_object_get_string(path), &number);
	if (!disk)
		return -1;
	if (changes->disk_size[number] != UNCHANGED)
		return fail("--disk: %s is given twice", json_object_get_string(path));
	changes->disk_size[number] = size;
	return size ? disk_check_growth(virtio_blk_disk(disk), size) : 0;
}

static int check_disks(struct machine *m, struct json_object *arguments, struct changes *changes)
{
	struct json_object *disks;
	size_t i;

	for (i = 0; i < DISKS_MAX; i++)
		changes->disk_size[i] = UNCHANGED;
	if (!json_object_object_get_ex(arguments, "disks", &disks))
		return 0;
	if (!json_object_is_type(disks, json_type_array))
		return fail("disks are no array");
	for (i = 0; i < json_object_array_length(disks); i++) {
		if (check_disk(m, json_object_array_get_idx(disks, i), changes))
			return -1;
	}
	return 0;
}

static int check_balloon(struct machine *m, struct json_object *arguments,
			 struct changes *changes)
{
	struct virtio_device *balloon = m->devices.balloon;

	if (control_get_size(arguments, "balloon", UNCHANGED, &changes->balloon_size))
		return -1;
	if (changes->balloon_size == UNCHANGED)
		return 0;
	if (m->breath.bounds.max)
		return fail("--balloon: the machine's follows the pressure on the host's memory; change that by --memory min=A,max=B");
	if (!balloon)
		return fail("--balloon: the machine has none; run it with --balloon size=0");
	return virtio_balloon_check(balloon, changes->balloon_size);
}

/* They take the guest's help, which it can't give. */
static int check_suspended(struct machine *m, struct json_object *arguments)
{
	static const char * const keys[] = { "cpus", "memory" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (machine_pause_wanted(&m->pause) &&
		    json_object_object_get_ex(arguments, keys[i], NULL))
			return fail("--%s: the machine is suspended; resume it first, or change what is saved with --save",
				    keys[i]);
	}
	return 0;
}

static int check_cpus(struct machine *m, struct json_object *arguments, struct changes *changes)
{
	if (control_get_number(arguments, "cpus", UNCHANGED, &changes->cpus))
		return -1;
	if (changes->cpus == UNCHANGED)
		return 0;
	if (machine_cpus_check(m, changes->cpus))
		return -1;
	if (changes->cpus == machine_cpus_number(m))
		changes->cpus = UNCHANGED;
	return 0;
}

static int check_memory(struct machine *m, struct json_object *arguments,
			struct changes *changes)
{
	bool overcommit;

	if (control_get_size(arguments, "memory", UNCHANGED, &changes->memory) ||
	    control_get_flag(arguments, "overcommit", &overcommit))
		return -1;
	if (changes->memory == UNCHANGED)
		return overcommit ? fail("there is no memory that overcommit is for") : 0;
	if (m->breath.bounds.max)
		return fail("--memory: the machine's memory follows the pressure on the host's; change its bounds by --memory min=A,max=B");
	if (changes->balloon_size != UNCHANGED)
		return fail("--memory and --balloon: the balloon is the memory's own then; give one of them at a time");
	return machine_memory_check(m, changes->memory, overcommit);
}

static int set_balloon(struct machine *m, u64 bytes)
{
	if (bytes == UNCHANGED)
		return 0;
	m->resize.balloon = false;
	return virtio_balloon_resize(m->devices.balloon, bytes);
}

/* What takes the guest's help is begun last, when the rest is done, and replied to later. */
static int begin_changes(struct machine *m, const struct changes *changes)
{
	u32 parts = 0;

	if (changes->cpus != UNCHANGED)
		parts |= BIT(CHANGE_CPUS);
	if (changes->memory != UNCHANGED)
		parts |= BIT(CHANGE_MEMORY);
	if (!parts)
		return 0;
	machine_change_begin(&m->change, parts, control_current(m->control));
	if (parts & BIT(CHANGE_CPUS))
		machine_cpus_set(m, changes->cpus);
	if (parts & BIT(CHANGE_MEMORY))
		machine_memory_begin(m, changes->memory);
	return CONTROL_LATER;
}

/* A bound that isn't given stays. */
static int check_breath(struct machine *m, struct json_object *arguments, struct changes *changes)
{
	struct breath_bounds *bounds = &changes->breath;

	if (breath_options_from_json(bounds, arguments))
		return -1;
	if (!bounds->min && !bounds->max)
		return 0;
	if (changes->balloon_size != UNCHANGED)
		return fail("--balloon: with --memory min= the balloon follows the pressure on the host's memory; leave one of them out");
	if (!bounds->min)
		bounds->min = m->breath.bounds.min;
	if (!bounds->max)
		bounds->max = m->breath.bounds.max ? m->breath.bounds.max : m->breath.memory;
	return machine_breath_check(&m->breath, bounds);
}

static int check_limits(struct machine *m, struct json_object *arguments, struct changes *changes)
{
	if (limit_options_from_json(&changes->limits, arguments))
		return -1;
	if (changes->limits.given && !m->limits)
		return fail("this machine's limits can't be changed");
	return m->limits ? machine_limits_check(m->limits, &changes->limits) : 0;
}

static int set_limits(struct machine *m, const struct changes *changes)
{
	return m->limits ? machine_limits_set(m->limits, &changes->limits) : 0;
}

int machine_set(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	static const char * const keys[] = {
		"disks", "balloon", "cpus", "memory", "overcommit", "breath", LIMIT_KEYS, NULL
	};
	struct changes changes;
	unsigned int i;

	(void)result;
	if (control_check_keys(arguments, "the arguments of set", keys) ||
	    check_suspended(m, arguments) ||
	    check_disks(m, arguments, &changes) || check_balloon(m, arguments, &changes) ||
	    check_cpus(m, arguments, &changes) || check_memory(m, arguments, &changes) ||
	    check_breath(m, arguments, &changes) || check_limits(m, arguments, &changes) ||
	    set_limits(m, &changes))
		return -1;
	for (i = 0; i < DISKS_MAX; i++) {
		if (changes.disk_size[i] != UNCHANGED &&
		    virtio_blk_grow(m->devices.disk[i], changes.disk_size[i]) < 0)
			return -1;
	}
	/* A limit of memory is one of the guest's, too. */
	if (!changes.breath.max)
		changes.breath = m->breath.bounds;
	if (changes.breath.max)
		machine_breath_set(&m->breath, &changes.breath);
	return set_balloon(m, changes.balloon_size) ? -1 : begin_changes(m, &changes);
}
