// SPDX-License-Identifier: GPL-2.0-only
/* hvctl status: what there is to tell of a machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json_members.h"
#include "machine_describe.h"
#include "size.h"
#include "verb.h"
#include "verb_options.h"

static const char status_help[] =
"Usage: hvctl status NAME [OPTION]...\n"
"Tell what a machine has.\n"
"\n"
"  --json             as JSON, sizes in bytes\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

/* ---- members -------------------------------------------------------------------- */

static const char *size_of(struct json_object *object, const char *key, char text[static 32])
{
	return format_size(number_of(object, key), text, 32);
}

/* ---- status --------------------------------------------------------------------- */

static void print_disk(struct json_object *disk)
{
	struct json_object *readonly;
	char size[32];

	if (json_object_object_get_ex(disk, "vhost-user", NULL)) {
		printf("disk:    vhost-user=%s\n", text_of(disk, "vhost-user"));
		return;
	}
	printf("disk:    %s%s%s%s\n", text_of(disk, "path"), number_of(disk, "size") ? ", " : "",
	       number_of(disk, "size") ? size_of(disk, "size", size) : "",
	       json_object_object_get_ex(disk, "readonly", &readonly) &&
	       json_object_get_boolean(readonly) ? ", readonly" : "");
}

static void print_balloon(struct json_object *balloon)
{
	char size[32], held[32], available[32], total[32];
	struct json_object *guest;

	printf("balloon: %s of %s", size_of(balloon, "held", held), size_of(balloon, "size", size));
	if (json_object_object_get_ex(balloon, "guest", &guest) && number_of(guest, "total"))
		printf("; of the guest's %s are %s available", size_of(guest, "total", total),
		       size_of(guest, "available", available));
	printf("\n");
}

static void print_cpus(struct json_object *status)
{
	u64 number = number_of(status, "cpus"), max = number_of(status, "cpus-max");

	printf("cpus:    %s", text_of(status, "cpus"));
	if (max > number)
		printf(" of %s", text_of(status, "cpus-max"));
	if (json_object_object_get_ex(status, "cpus-wanted", NULL))
		printf(", becoming %s", text_of(status, "cpus-wanted"));
	printf("\n");
}

static void print_memory(struct json_object *status)
{
	char memory[32], max[32], wanted[32];

	printf("memory:  %s", size_of(status, "memory", memory));
	if (number_of(status, "memory-max") > number_of(status, "memory"))
		printf(", up to %s", size_of(status, "memory-max", max));
	if (number_of(status, "memory-wanted"))
		printf("; %s are wanted", size_of(status, "memory-wanted", wanted));
	printf("\n");
}

static void print_breath(struct json_object *breath)
{
	char min[32], max[32];

	printf("breath:  %s to %s, %s times under pressure\n", size_of(breath, "min", min),
	       size_of(breath, "max", max), text_of(breath, "pressure"));
}

static void print_limits(struct json_object *status)
{
	char size[32];

	if (!json_object_object_get_ex(status, "cgroup", NULL))
		return;
	printf("cgroup:  %s", text_of(status, "cgroup"));
	if (json_object_object_get_ex(status, "cpu-units", NULL))
		printf(", %s CPU units", text_of(status, "cpu-units"));
	if (number_of(status, "cpu-limit"))
		printf(", at most %s %% of a CPU", text_of(status, "cpu-limit"));
	if (json_object_object_get_ex(status, "cpu-affinity", NULL))
		printf(", CPUs %s", text_of(status, "cpu-affinity"));
	if (number_of(status, "memory-limit"))
		printf(", at most %s", size_of(status, "memory-limit", size));
	printf("\n");
}

static void print_status(struct json_object *status)
{
	struct json_object *disks, *balloon, *breath;
	size_t i;

	printf("name:    %s\n", text_of(status, "name"));
	printf("state:   %s\n", text_of(status, "state"));
	if (number_of(status, "pid"))
		printf("pid:     %s\n", text_of(status, "pid"));
	print_cpus(status);
	print_memory(status);
	printf("kernel:  %s\n", text_of(status, "kernel"));
	if (*text_of(status, "datacenter"))
		printf("datacenter: %s\n", text_of(status, "datacenter"));
	if (json_object_object_get_ex(status, "disks", &disks)) {
		for (i = 0; i < json_object_array_length(disks); i++)
			print_disk(json_object_array_get_idx(disks, i));
	}
	if (json_object_object_get_ex(status, "balloon", &balloon))
		print_balloon(balloon);
	if (json_object_object_get_ex(status, "breath", &breath))
		print_breath(breath);
	print_limits(status);
}

int verb_status(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_JSON, OPTION_NAME, { 0 } };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = options,
	};
	struct json_object *status;
	const char *name;

	if (verb_options_parse(&o))
		return verb_misused();
	if (o.help) {
		fputs(status_help, stdout);
		return STATUS_OK;
	}
	if (verb_options_name(&o, &name))
		return verb_misused();
	status = machine_describe(name);
	if (!status)
		return verb_failed();
	if (o.json)
		print_json(status);
	else
		print_status(status);
	json_object_put(status);
	return STATUS_OK;
}
