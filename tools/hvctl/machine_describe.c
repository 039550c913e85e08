// SPDX-License-Identifier: GPL-2.0-only
#include "machine_describe.h"

#include "control_client.h"
#include "error.h"
#include "json_members.h"
#include "machine_dir.h"
#include "machine_lock.h"
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

struct json_object *machine_describe_briefly(const char *name)
{
	bool alive = machine_dir_is_alive(name);
	struct json_object *status;

	if (!alive && !machine_store_has(name))
		return NULL;
	control_patience = 1;
	status = alive ? describe_running(name) : describe_stopped(name);
	control_patience = CONTROL_PATIENCE;
	if (status || (!machine_dir_is_alive(name) && !machine_store_has(name)))
		return status;
	status = json_object_new_object();
	add_string(status, "name", name);
	add_string(status, "state", !alive ? "damaged" :
		   machine_lock_is_held(name) ? "starting" : "unknown");
	add_flag(status, "created", machine_store_has(name));
	add_string(status, "error", fail_text());
	return status;
}
