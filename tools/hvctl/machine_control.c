// SPDX-License-Identifier: GPL-2.0-only
#include "machine_control.h"

#include <json-c/json.h>
#include <linux/virtio_balloon.h>
#include <string.h>
#include <unistd.h>

#include "control_arguments.h"
#include "error.h"
#include "json_members.h"
#include "machine.h"
#include "machine_limits.h"
#include "machine_set.h"
#include "machine_stats.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"
#include "virtio_console.h"

/* ---- status --------------------------------------------------------------------- */

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

/* By which hvctl exec and enter find their way. */
static void describe_agent(struct machine *m, struct json_object *object)
{
	const struct port_options *ports = &m->config->devices.ports;
	unsigned int agent = port_options_find(ports, AGENT_PORT);
	unsigned int enter = port_options_find(ports, ENTER_PORT);

	if (agent) {
		add_path(object, "agent", ports->port[agent - 1].socket);
		add_flag(object, "agent-open", virtio_console_is_open(m->devices.console, agent));
	}
	if (enter)
		add_path(object, "enter", ports->port[enter - 1].socket);
}

static int status(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	const struct machine_config *config = m->config;
	struct json_object *object, *disks;
	unsigned int i, cpus_wanted;

	if (control_no_arguments(arguments))
		return -1;
	object = json_object_new_object();
	add_string(object, "name", config->name);
	add_string(object, "state", machine_state(m));
	add_number(object, "pid", getpid());
	add_number(object, "cpus", machine_cpus_number(m));
	add_number(object, "cpus-max", config->cpus_max);
	if (machine_cpus_changing(m, &cpus_wanted))
		add_number(object, "cpus-wanted", cpus_wanted);
	add_number(object, "memory", machine_memory_size(m));
	add_number(object, "memory-max", machine_memory_max(m));
	if (m->resize.under_way)
		add_number(object, "memory-wanted", m->resize.wanted);
	add_path(object, "kernel", config->files.kernel);
	disks = json_object_new_array();
	for (i = 0; i < config->devices.disk_count; i++)
		json_object_array_add(disks, describe_disk(m, i));
	json_object_object_add(object, "disks", disks);
	if (m->devices.balloon)
		json_object_object_add(object, "balloon", describe_balloon(m->devices.balloon));
	machine_breath_describe(&m->breath, object);
	if (m->limits)
		machine_limits_describe(m->limits, object);
	describe_agent(m, object);
	*result = object;
	return 0;
}

/* ---- the machine's end ---------------------------------------------------------- */

static int power_button(struct machine *m, struct json_object *arguments,
			struct json_object **result)
{
	(void)result;
	if (control_no_arguments(arguments))
		return -1;
	if (machine_pause_wanted(&m->pause))
		return fail("the machine is suspended; resume it first, or --force ends it all the same");
	if (!machine_press_power_button(m))
		return fail("the guest doesn't take its power button, or not yet; --force ends it all the same");
	return 0;
}

static int end(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	(void)result;
	if (control_no_arguments(arguments))
		return -1;
	machine_stop(m, STOP_QUIT, 0, NULL);
	return 0;
}

/* ---- suspended ------------------------------------------------------------------ */

/* Who asks for what is so already gets it. */
static int suspend(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	(void)result;
	if (control_no_arguments(arguments))
		return -1;
	if (machine_pause_is_complete(&m->pause))
		return 0;
	if (machine_pause_wanted(&m->pause))
		return fail("the machine is being suspended by another command");
	/* The guest couldn't go on with its part of these. */
	if (machine_change_check(&m->change, CHANGE_CPUS) ||
	    machine_change_check(&m->change, CHANGE_MEMORY))
		return -1;
	machine_suspend(m, control_current(m->control));
	return CONTROL_LATER;
}

static int resume(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	(void)result;
	if (control_no_arguments(arguments))
		return -1;
	if (machine_pause_wanted(&m->pause) && !machine_pause_is_complete(&m->pause))
		return fail("the machine is being suspended by another command; try again");
	machine_resume(m);
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
		{ "stats", machine_stats },
		{ "set", machine_set },
		{ "power-button", power_button },
		{ "end", end },
		{ "suspend", suspend },
		{ "resume", resume },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(command, commands[i].name))
			return commands[i].run(opaque, arguments, result);
	}
	return fail("the machine's hvctl doesn't know the command '%.40s'; it may be an older one",
		    command);
}
