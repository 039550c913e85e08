// SPDX-License-Identifier: GPL-2.0-only
#include "machine_describe.h"

#include <unistd.h>

#include "control_client.h"
#include "error.h"
#include "json_members.h"
#include "machine_dir.h"
#include "machine_names.h"
#include "machine_store.h"
#include "saved_config.h"

static struct json_object *disks_of(const struct devices_config *devices)
{
	struct json_object *disks = json_object_new_array();
	unsigned int i;

	for (i = 0; i < devices->disk_count; i++) {
		const struct disk_config *config = &devices->disk[i];
		struct json_object *disk = json_object_new_object();

		add_string(disk, config->vhost_user ? "vhost-user" : "path", config->path);
		if (!config->vhost_user)
			add_flag(disk, "readonly", config->readonly);
		json_object_array_add(disks, disk);
	}
	return disks;
}

static void add_label(struct json_object *status, struct json_object *config)
{
	const char *label = saved_config_datacenter(config);

	if (*label)
		add_string(status, "datacenter", label);
}

static struct json_object *describe_stopped(const char *name)
{
	struct json_object *status;
	static struct saved_machine saved;
	const struct machine_config *machine = &saved.options.machine;

	if (saved_machine_open(&saved, name))
		return NULL;
	status = json_object_new_object();
	add_string(status, "name", name);
	add_string(status, "state", "stopped");
	add_number(status, "cpus", machine->cpus);
	add_number(status, "cpus-max", machine->cpus_max);
	add_number(status, "memory", machine->memory);
	add_number(status, "memory-max", machine->memory_max);
	add_string(status, "kernel", machine->files.kernel);
	json_object_object_add(status, "disks", disks_of(&machine->devices));
	add_flag(status, "created", true);
	add_label(status, saved.config);
	saved_machine_close(&saved);
	return status;
}

static struct json_object *describe_running(const char *name)
{
	struct json_object *status, *config;

	if (control_ask(name, "status", NULL, &status))
		return NULL;
	add_flag(status, "created", machine_store_has(name));
	if (machine_store_has(name) && !saved_config_open(name, &config)) {
		add_label(status, config);
		json_object_put(config);
	}
	return status;
}

struct json_object *machine_describe(const char *name)
{
	if (machine_dir_check_name(name, "NAME"))
		return NULL;
	if (machine_dir_is_alive(name))
		return describe_running(name);
	if (machine_store_has(name))
		return describe_stopped(name);
	fail_no_machine(name);
	return NULL;
}

/* Of one that was asked in vain. */
static const char *state_of_silent(const char *name)
{
	int process;

	if (machine_dir_is_starting(name))
		return "starting";
	process = control_process(name);
	if (process >= 0) {
		close(process);
		return "unknown";
	}
	return machine_dir_is_alive(name) ? "ending" : NULL;
}

/* It wasn't as it should be, which fail() keeps. */
static struct json_object *describe_other(const char *name, const char *state)
{
	struct json_object *status = json_object_new_object();

	add_string(status, "name", name);
	add_string(status, "state", state);
	add_flag(status, "created", machine_store_has(name));
	add_string(status, "error", fail_text());
	return status;
}

struct json_object *machine_describe_briefly(const char *name)
{
	struct json_object *status = NULL;
	const char *state = NULL;

	if (machine_dir_is_alive(name)) {
		control_patience = 1;
		status = describe_running(name);
		if (!status)
			state = state_of_silent(name);
		control_patience = CONTROL_PATIENCE;
	}
	/* Perhaps by now */
	if (!status && !state && machine_store_has(name)) {
		status = describe_stopped(name);
		state = machine_store_has(name) ? "damaged" : NULL;
	}
	return status || !state ? status : describe_other(name, state);
}
