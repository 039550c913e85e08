// SPDX-License-Identifier: GPL-2.0-only
#include "machine_control.h"

#include <json-c/json.h>
#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "machine.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"

/* ---- arguments ------------------------------------------------------------------ */

/* Objects have no keys but those of @known, which ends with NULL. NULL has none. */
static int check_keys(struct json_object *object, const char *what, const char * const *known)
{
	unsigned int i;

	if (!object)
		return 0;
	if (!json_object_is_type(object, json_type_object))
		return fail("%s are no object", what);
	json_object_object_foreach(object, key, value) {
		(void)value;
		for (i = 0; known[i] && strcmp(key, known[i]); i++)
			;
		if (!known[i])
			return fail("%s have no '%.40s'", what, key);
	}
	return 0;
}

static int no_arguments(struct json_object *arguments)
{
	static const char * const none[] = { NULL };

	return check_keys(arguments, "the arguments of this command", none);
}

/* What isn't there is @missing. */
static int get_size(struct json_object *object, const char *key, u64 missing, u64 *size)
{
	struct json_object *value;

	*size = missing;
	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return fail("%s is no number of bytes", key);
	*size = json_object_get_int64(value);
	return 0;
}

/* ---- status --------------------------------------------------------------------- */

static void add_string(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, u64 number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_flag(struct json_object *object, const char *key, bool flag)
{
	json_object_object_add(object, key, json_object_new_boolean(flag));
}

/* As others can find it, whatever their current directory is. */
static void add_path(struct json_object *object, const char *key, const char *path)
{
	char *real = realpath(path, NULL);

	add_string(object, key, real ? real : path);
	free(real);
}

static struct json_object *describe_disk(struct machine *m, unsigned int i)
{
	const struct disk_config *config = &m->config->devices.disk[i];
	struct json_object *object = json_object_new_object();
	const struct disk *disk;

	add_path(object, config->vhost_user ? "vhost-user" : "path", config->path);
	if (config->vhost_user)
		return object;
	disk = virtio_blk_disk(m->devices.disk[i]);
	add_number(object, "size", disk_size(disk));
	add_flag(object, "readonly", disk_readonly(disk));
	return object;
}

static struct json_object *describe_statistics(struct virtio_device *balloon)
{
	static const char * const name[VIRTIO_BALLOON_S_NR] = {
		[VIRTIO_BALLOON_S_MEMFREE] = "free",
		[VIRTIO_BALLOON_S_MEMTOT] = "total",
		[VIRTIO_BALLOON_S_AVAIL] = "available",
		[VIRTIO_BALLOON_S_CACHES] = "caches",
		[VIRTIO_BALLOON_S_SWAP_IN] = "swapped-in",
		[VIRTIO_BALLOON_S_SWAP_OUT] = "swapped-out",
		[VIRTIO_BALLOON_S_MAJFLT] = "major-faults",
		[VIRTIO_BALLOON_S_MINFLT] = "minor-faults",
	};
	struct json_object *object = json_object_new_object();
	struct balloon_statistics s;
	unsigned int i;

	virtio_balloon_statistics(balloon, &s);
	for (i = 0; i < ARRAY_SIZE(name); i++) {
		if (name[i] && s.given & BIT(i))
			add_number(object, name[i], s.value[i]);
	}
	return object;
}

static struct json_object *describe_balloon(struct virtio_device *balloon)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "size", virtio_balloon_target(balloon));
	add_number(object, "held", virtio_balloon_actual(balloon));
	json_object_object_add(object, "guest", describe_statistics(balloon));
	return object;
}

static int status(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	const struct machine_config *config = m->config;
	struct json_object *object, *disks;
	unsigned int i;

	if (no_arguments(arguments))
		return -1;
	object = json_object_new_object();
	add_string(object, "name", config->name);
	add_string(object, "state", "running");
	add_number(object, "pid", getpid());
	add_number(object, "cpus", config->cpus);
	add_number(object, "memory", config->memory);
	add_path(object, "kernel", config->files.kernel);
	disks = json_object_new_array();
	for (i = 0; i < config->devices.disk_count; i++)
		json_object_array_add(disks, describe_disk(m, i));
	json_object_object_add(object, "disks", disks);
	if (m->devices.balloon)
		json_object_object_add(object, "balloon", describe_balloon(m->devices.balloon));
	*result = object;
	return 0;
}

/* ---- set ------------------------------------------------------------------------ */

#define UNCHANGED	UINT64_MAX

/* What is to be changed: all of it is checked before any is. */
struct changes {
	u64 disk_size[DISKS_MAX];	/* 0: what it has become; UNCHANGED */
	u64 balloon_size;		/* or UNCHANGED */
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

	if (check_keys(object, "a disk's changes", keys) || get_size(object, "size", 0, &size))
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

	if (get_size(arguments, "balloon", UNCHANGED, &changes->balloon_size))
		return -1;
	if (changes->balloon_size == UNCHANGED)
		return 0;
	if (!balloon)
		return fail("--balloon: the machine has none; run it with --balloon size=0");
	return virtio_balloon_check(balloon, changes->balloon_size);
}

static int set(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	static const char * const keys[] = { "disks", "balloon", NULL };
	struct changes changes;
	unsigned int i;

	(void)result;
	if (check_keys(arguments, "the arguments of set", keys) ||
	    check_disks(m, arguments, &changes) || check_balloon(m, arguments, &changes))
		return -1;
	for (i = 0; i < DISKS_MAX; i++) {
		if (changes.disk_size[i] != UNCHANGED &&
		    virtio_blk_grow(m->devices.disk[i], changes.disk_size[i]) < 0)
			return -1;
	}
	return changes.balloon_size == UNCHANGED ? 0 :
	       virtio_balloon_resize(m->devices.balloon, changes.balloon_size);
}

/* ---- the machine's end ---------------------------------------------------------- */

static int power_button(struct machine *m, struct json_object *arguments,
			struct json_object **result)
{
	(void)result;
	if (no_arguments(arguments))
		return -1;
	if (!machine_press_power_button(m))
		return fail("the guest doesn't take its power button, or not yet; --force ends it all the same");
	return 0;
}

static int end(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	(void)result;
	if (no_arguments(arguments))
		return -1;
	machine_stop(m, STOP_QUIT, 0, NULL);
	return 0;
}

int machine_control(void *opaque, const char *command, struct json_object *arguments,
		    struct json_object **result)
{
	static const struct {
		const char *name;
		int (*run)(struct machine *m, struct json_object *arguments,
			   struct json_object **result);
	} commands[] = {
		{ "status", status },
		{ "set", set },
		{ "power-button", power_button },
		{ "end", end },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(command, commands[i].name))
			return commands[i].run(opaque, arguments, result);
	}
	return fail("the machine's hvctl doesn't know the command '%.40s'; it may be an older one",
		    command);
}
