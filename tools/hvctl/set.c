// SPDX-License-Identifier: GPL-2.0-only
/* hvctl set */
#include <stdio.h>
#include <unistd.h>

#include "agent_vcpus.h"
#include "control_client.h"
#include "error.h"
#include "machine_dir.h"
#include "machine_lock.h"
#include "machine_names.h"
#include "machine_store.h"
#include "saved_config.h"
#include "set_plan.h"
#include "size.h"
#include "verb.h"

/* ---- what is saved -------------------------------------------------------------- */

/* The config as it is to be, by which the machine can be run; -1 with a sentence */
static int change_config(const struct set_plan *plan, bool runs, struct json_object **config)
{
	struct saved_machine machine;

	if (saved_config_open(plan->name, config))
		return -1;
	if (!set_plan_save(plan, runs, *config) &&
	    !saved_machine_read(&machine, plan->name, json_object_get(*config))) {
		saved_machine_close(&machine);
		return 0;
	}
	json_object_put(*config);
	return -1;
}

/* Nobody else changes it meanwhile. Without @write it's only found out if that could be done. */
static int save(const struct set_plan *plan, bool runs, bool write)
{
	struct json_object *config;
	int ret, lock = machine_lock(plan->name);

	if (lock < 0)
		return -1;
	ret = change_config(plan, runs, &config);
	if (!ret) {
		if (write)
			ret = machine_store_write(plan->name, saved_config_text(config));
		json_object_put(config);
	}
	close(lock);
	return ret;
}

/* ---- what is changed ------------------------------------------------------------ */

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

static int change_live(const struct set_plan *plan, struct json_object *arguments)
{
	unsigned int cpus = cpus_of(arguments);
	int ret = control_ask_patiently(plan->name, "set", arguments, NULL,
					isatty(STDERR_FILENO) ? tell_progress : NULL);

	if (told)
		fputs("\r\33[K", stderr);
	if (!ret && cpus)
		agent_take_vcpus(plan->name, cpus);
	return ret;
}

/*
 * First what may be refused: what can't be saved isn't done, either. @arguments are those for
 * a machine that runs, or NULL; they are given up.
 */
static int change(const struct set_plan *plan, bool runs, struct json_object *arguments)
{
	bool saved = set_plan_is_saved(plan, runs, machine_store_has(plan->name));
	const char *waits = runs && saved ? set_plan_waits(plan) : NULL;

	if (arguments && saved && save(plan, runs, false)) {
		json_object_put(arguments);
		return -1;
	}
	if ((arguments && change_live(plan, arguments)) || (saved && save(plan, runs, true)))
		return -1;
	if (waits)
		say("--%s is saved; the machine has it from its next start", waits);
	return 0;
}

static int set(const struct set_plan *plan)
{
	bool runs = machine_dir_is_alive(plan->name), created = machine_store_has(plan->name);
	struct json_object *arguments = NULL;

	if (!runs && !created) {
		fail_no_machine(plan->name);
		return verb_failed();
	}
	if (set_plan_check(plan, runs, created))
		return verb_failed();
	if (set_plan_is_live(plan, runs) && set_plan_arguments(plan, &arguments))
		return verb_misused();
	return change(plan, runs, arguments) ? verb_failed() : STATUS_OK;
}

int verb_set(int argc, char **argv)
{
	struct set_plan plan;

	if (set_plan_parse(&plan, argc, argv))
		return verb_misused();
	if (plan.help) {
		fputs(set_help, stdout);
		return STATUS_OK;
	}
	return set(&plan);
}
