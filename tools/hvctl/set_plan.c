// SPDX-License-Identifier: GPL-2.0-only
#include "set_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_changes.h"
#include "error.h"
#include "option_table.h"
#include "run_options.h"
#include "verb_options.h"

static const struct option own_options[] = {
	{ "live",	no_argument,		NULL, OPT_FIRST },
	{ "save",	no_argument,		NULL, OPT_FIRST },
	{ "without",	required_argument,	NULL, OPT_FIRST },
	{ 0 }
};

/* ---- parsing -------------------------------------------------------------------- */

/* "path=FILE" and "size=SIZE" alone make a drive that there is larger. */
static bool is_growth(const char *value)
{
	for (; value; value = strchr(value, ',')) {
		value += *value == ',';
		if (strncmp(value, "path=", 5) && strncmp(value, "size=", 5))
			return false;
	}
	return true;
}

static bool has_size(const char *value)
{
	return !strncmp(value, "size=", 5) || strstr(value, ",size=");
}

static bool is_disk(const struct set_change *change)
{
	return !strcmp(change->name, "disk");
}

static int add_change(struct set_plan *plan, const char *name, const char *value)
{
	struct set_change *change = &plan->change[plan->count];

	if (plan->count == SET_CHANGES_MAX)
		return fail("more than %u changes; give them in several commands",
			    SET_CHANGES_MAX);
	*change = (struct set_change){
		.name = name, .value = value,
		.live = option_find(set_long_options, name),
		.saved = config_can_change(name) || !strcmp(name, "without"),
	};
	if (is_disk(change)) {
		change->live = is_growth(value);
		change->saved = !has_size(value);
	}
	if (!change->live && !change->saved)
		return fail("--%s is for 'hvctl run' alone", name);
	plan->count++;
	return 0;
}

static int take_option(struct set_plan *plan, const struct option *option, const char *value)
{
	if (!strcmp(option->name, "live"))
		plan->live_only = true;
	else if (!strcmp(option->name, "save"))
		plan->save_only = true;
	else
		return add_change(plan, option->name,
				  option->has_arg == no_argument ? NULL : value);
	return 0;
}

int set_plan_parse(struct set_plan *plan, int argc, char **argv)
{
	struct option_table table = { .count = 0 };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = table.option,
	};
	int value;

	option_table_add(&table, set_long_options);
	option_table_add(&table, own_options);
	option_table_add(&table, run_long_options);
	option_table_add(&table, config_long_options);
	*plan = (struct set_plan){ .count = 0 };
	verb_options_begin();
	while ((value = verb_options_next(&o)) != OPTIONS_END) {
		if (value == OPTIONS_BAD ||
		    take_option(plan, option_table_find(&table, value), optarg))
			return -1;
	}
	plan->help = o.help;
	if (o.help)
		return 0;
	if (!plan->count)
		return fail("say what is to change; see 'hvctl %s --help'", argv[0]);
	if (plan->live_only && plan->save_only)
		return fail("--live and --save: give one of them, or none for both");
	return verb_options_name(&o, &plan->name);
}

/* ---- what is done --------------------------------------------------------------- */

/*
 * A drive is made larger, or is another one that is kept. Which of these "path=FILE" alone
 * means depends on whether the machine runs.
 */
static bool is_live(const struct set_plan *plan, const struct set_change *change, bool runs)
{
	return runs && change->live && !plan->save_only;
}

static bool is_saved(const struct set_plan *plan, const struct set_change *change, bool runs)
{
	if (plan->live_only || !change->saved)
		return false;
	return !is_disk(change) || !is_live(plan, change, runs);
}

static int check_change(const struct set_plan *plan, const struct set_change *change, bool runs,
			bool created)
{
	if (is_live(plan, change, runs) || (created && is_saved(plan, change, runs)))
		return 0;
	if (plan->live_only)
		return fail("--%s can't be changed while the machine runs; leave --live out to save it for the next start",
			    change->name);
	if (change->saved)
		return fail("--%s can't be changed while the machine runs, and 'hvctl run', which made it, saves nothing",
			    change->name);
	if (plan->save_only)
		return fail("--%s: that isn't saved; leave --save out, while the machine runs",
			    change->name);
	return fail("--%s: that is for a machine that runs; start it first", change->name);
}

int set_plan_check(const struct set_plan *plan, bool runs, bool created)
{
	unsigned int i;

	if (plan->live_only && !runs)
		return fail("--live: the machine %s doesn't run; start it, or leave --live out to save the change",
			    plan->name);
	if (plan->save_only && !created)
		return fail("--save: the machine %s was made by 'hvctl run', which saves nothing",
			    plan->name);
	for (i = 0; i < plan->count; i++) {
		if (check_change(plan, &plan->change[i], runs, created))
			return -1;
	}
	return 0;
}

bool set_plan_is_live(const struct set_plan *plan, bool runs)
{
	unsigned int i;

	for (i = 0; i < plan->count; i++) {
		if (is_live(plan, &plan->change[i], runs))
			return true;
	}
	return false;
}

bool set_plan_is_saved(const struct set_plan *plan, bool runs, bool created)
{
	unsigned int i;

	for (i = 0; created && i < plan->count; i++) {
		if (is_saved(plan, &plan->change[i], runs))
			return true;
	}
	return false;
}

const char *set_plan_waits(const struct set_plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->count; i++) {
		if (!is_live(plan, &plan->change[i], true) &&
		    strcmp(plan->change[i].name, "datacenter"))
			return plan->change[i].name;
	}
	return NULL;
}

int set_plan_arguments(const struct set_plan *plan, struct json_object **arguments)
{
	char *argv[SET_CHANGES_MAX + 3] = { "set", NULL };
	struct set_options options = { .arguments = NULL };
	int ret = 0, argc = 1;
	unsigned int i;

	for (i = 0; i < plan->count && ret >= 0; i++) {
		const struct set_change *change = &plan->change[i];

		if (!is_live(plan, change, true))
			continue;
		ret = asprintf(&argv[argc], "--%s%s%s", change->name, change->value ? "=" : "",
			       change->value ? change->value : "");
		argc += ret >= 0;
	}
	if (ret >= 0)
		ret = asprintf(&argv[argc], "--name=%s", plan->name);
	argc += ret >= 0;
	argv[argc] = NULL;
	ret = ret < 0 ? fail("out of memory") : set_options_parse(&options, argc, argv);
	while (argc > 1)
		free(argv[--argc]);
	*arguments = options.arguments;
	return ret;
}

int set_plan_save(const struct set_plan *plan, bool runs, struct json_object *config)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < plan->count && !ret; i++) {
		const struct set_change *change = &plan->change[i];

		if (!is_saved(plan, change, runs))
			continue;
		if (!strcmp(change->name, "without"))
			ret = config_change_without(config, change->value);
		else
			ret = config_change(config, change->name, change->value);
	}
	return ret;
}
