// SPDX-License-Identifier: GPL-2.0-only
/* hvctl set */
#include <stdio.h>

#include "agent_vcpus.h"
#include "control_client.h"
#include "set_options.h"
#include "verb.h"

/* How many CPUs it is to have; 0: as many as it has. */
static unsigned int cpus_of(struct json_object *arguments)
{
	struct json_object *cpus;

	return json_object_object_get_ex(arguments, "cpus", &cpus) ? json_object_get_int(cpus) : 0;
}

int verb_set(int argc, char **argv)
{
	struct set_options options;
	unsigned int cpus;

	if (set_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(set_help, stdout);
		return STATUS_OK;
	}
	cpus = cpus_of(options.arguments);
	if (control_ask(options.name, "set", options.arguments, NULL))
		return verb_failed();
	if (cpus)
		agent_take_vcpus(options.name, cpus);
	return STATUS_OK;
}
