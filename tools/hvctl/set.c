// SPDX-License-Identifier: GPL-2.0-only
/* hvctl set */
#include <stdio.h>
#include <unistd.h>

#include "agent_vcpus.h"
#include "control_client.h"
#include "set_options.h"
#include "size.h"
#include "verb.h"

static bool told;

/* How far it is, on a terminal, in one line that is written over. */
static void tell_progress(struct json_object *status)
{
	struct json_object *now, *wanted;
	char text[32], other[32];

	if (!json_object_object_get_ex(status, "memory", &now) ||
	    !json_object_object_get_ex(status, "memory-wanted", &wanted))
		return;
	fprintf(stderr, "\rmemory: %s, going to %s\33[K",
		format_size(json_object_get_uint64(now), text, sizeof(text)),
		format_size(json_object_get_uint64(wanted), other, sizeof(other)));
	told = true;
}

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
	int ret;

	if (set_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(set_help, stdout);
		return STATUS_OK;
	}
	cpus = cpus_of(options.arguments);
	ret = control_ask_patiently(options.name, "set", options.arguments, NULL,
				    isatty(STDERR_FILENO) ? tell_progress : NULL);
	if (told)
		fputs("\r\33[K", stderr);
	if (ret)
		return verb_failed();
	if (cpus)
		agent_take_vcpus(options.name, cpus);
	return STATUS_OK;
}
