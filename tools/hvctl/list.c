// SPDX-License-Identifier: GPL-2.0-only
/* hvctl list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column_choice.h"
#include "error.h"
#include "json_members.h"
#include "machine_describe.h"
#include "machine_names.h"
#include "size.h"
#include "table.h"
#include "verb.h"
#include "verb_options.h"

static const char help[] =
"Usage: hvctl list [OPTION]...\n"
"List this user's machines: those that were created, and those that run.\n"
"\n"
"  -o COLUMNS         what to tell of each, in this order, separated by commas: name, state,\n"
"                     pid, cpus, memory, datacenter, kernel, created\n"
"  --json             as JSON, sizes in bytes\n"
"  --help             this text\n";

enum { NAME, STATE, PID, CPUS, MEMORY, DATACENTER, KERNEL, CREATED, COLUMNS };

static const char * const names[COLUMNS] = {
	[NAME] = "name", [STATE] = "state", [PID] = "pid", [CPUS] = "cpus", [MEMORY] = "memory",
	[DATACENTER] = "datacenter", [KERNEL] = "kernel", [CREATED] = "created",
};

static const struct table_column columns[COLUMNS] = {
	[NAME] = { "NAME", TABLE_LEFT, 0 },
	[STATE] = { "STATE", TABLE_LEFT, 0 },
	[PID] = { "PID", TABLE_RIGHT, 0 },
	[CPUS] = { "CPUS", TABLE_RIGHT, 0 },
	[MEMORY] = { "MEMORY", TABLE_RIGHT, 0 },
	[DATACENTER] = { "DATACENTER", TABLE_LEFT, 0 },
	[KERNEL] = { "KERNEL", TABLE_LEFT, 0 },
	[CREATED] = { "CREATED", TABLE_LEFT, 0 },
};

/* ---- what is chosen ------------------------------------------------------------- */

static bool any_label(struct json_object *list)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		if (*text_of(json_object_array_get_idx(list, i), names[DATACENTER]))
			return true;
	}
	return false;
}

static void choose_usual(struct column_choice *choice, struct json_object *list)
{
	static const unsigned int usual[] = { NAME, STATE, PID, CPUS, MEMORY, DATACENTER };

	memcpy(choice->column, usual, sizeof(usual));
	choice->count = ARRAY_SIZE(usual) - !any_label(list);
}

/* ---- printing ------------------------------------------------------------------- */

static void add_cell(struct table *table, struct json_object *status, unsigned int column)
{
	const char *text = text_of(status, names[column]);
	char size[32];

	if (column == MEMORY && *text)
		text = format_size(number_of(status, names[column]), size, sizeof(size));
	if (column == CREATED)
		text = strcmp(text, "true") ? "no" : "yes";
	table_add(table, "%s", *text ? text : "-");
}

static void print_table(struct json_object *list, const struct column_choice *choice)
{
	struct table_column shown[COLUMNS_MAX];
	struct table *table;
	unsigned int i;
	size_t row;

	for (i = 0; i < choice->count; i++)
		shown[i] = columns[choice->column[i]];
	table = table_create(shown, choice->count);
	if (!table)
		return;
	for (row = 0; row < json_object_array_length(list); row++) {
		for (i = 0; i < choice->count; i++)
			add_cell(table, json_object_array_get_idx(list, row), choice->column[i]);
	}
	table_print(table, stdout, TABLE_ALL, 0);
	table_destroy(table);
}

static void print_members(struct json_object *list, const struct column_choice *choice)
{
	struct json_object *chosen = json_object_new_array(), *object, *value;
	unsigned int i;
	size_t row;

	for (row = 0; row < json_object_array_length(list); row++) {
		object = json_object_new_object();
		for (i = 0; i < choice->count; i++) {
			const char *key = names[choice->column[i]];

			if (json_object_object_get_ex(json_object_array_get_idx(list, row), key,
						      &value))
				json_object_object_add(object, key, json_object_get(value));
		}
		json_object_array_add(chosen, object);
	}
	print_json(chosen);
	json_object_put(chosen);
}

/* ---- the verb ------------------------------------------------------------------- */

static struct json_object *describe_all(void)
{
	struct json_object *list, *status;
	char **machines = machine_names(), **name;

	if (!machines)
		return NULL;
	list = json_object_new_array();
	for (name = machines; *name; name++) {
		status = machine_describe_briefly(*name);
		if (status)
			json_object_array_add(list, status);
	}
	free(machines);
	return list;
}

/* @chosen is what -o says, or NULL. */
static int print_list(const struct column_choice *chosen, bool json)
{
	struct json_object *list = describe_all();
	struct column_choice usual;

	if (!list)
		return -1;
	choose_usual(&usual, list);
	if (!json)
		print_table(list, chosen ? chosen : &usual);
	else if (chosen)
		print_members(list, chosen);
	else
		print_json(list);
	json_object_put(list);
	return 0;
}

int verb_list(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_JSON, { 0 } };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":o:", .options = options,
	};
	struct column_choice choice = { .count = 0 };
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option != 'o' || column_choice_parse(&choice, names, COLUMNS, "-o", optarg))
			return verb_misused();
	}
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (argv[optind]) {
		fail("unexpected argument '%s'; 'hvctl status NAME' tells of one machine",
		     argv[optind]);
		return verb_misused();
	}
	return print_list(choice.count ? &choice : NULL, o.json) ? verb_failed() : STATUS_OK;
}
