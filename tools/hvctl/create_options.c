// SPDX-License-Identifier: GPL-2.0-only
#include "create_options.h"

#include "config_changes.h"
#include "error.h"
#include "option_table.h"
#include "saved_config.h"
#include "verb_options.h"

const char create_help[] =
"Usage: hvctl create NAME [OPTION]... --kernel FILE\n"
"Create a machine, which is kept while it doesn't run, until 'hvctl destroy NAME'.\n"
"\n"
"All options of 'hvctl run' but --host-root say what it is run with; paths are made absolute.\n"
"Its console is for 'hvctl console NAME' where 'hvctl run' has the terminal (stdio).\n"
"\n"
"  --disk-img FILE    the same as --disk path=FILE\n"
"  --image FILE       the same, before all other drives: the image with the system\n"
"  --network ID       the same as --net network=ID\n"
"  --datacenter LABEL where the machine belongs, for 'hvctl list'\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

/* As 'hvctl run' would find it, of which nothing is kept. */
static int check(const char *name, struct json_object *config)
{
	struct saved_machine machine;

	if (saved_machine_read(&machine, name, json_object_get(config)))
		return -1;
	saved_machine_close(&machine);
	return 0;
}

static int parse(struct create_options *options, struct verb_options *o,
		 const struct option_table *table)
{
	int value;

	verb_options_begin();
	while ((value = verb_options_next(o)) != OPTIONS_END) {
		if (value == OPTIONS_BAD ||
		    config_add(options->config, option_table_find(table, value)->name, optarg))
			return -1;
	}
	options->help = o->help;
	if (o->help)
		return 0;
	return verb_options_name(o, &options->name) || check(options->name, options->config) ?
	       -1 : 0;
}

int create_options_parse(struct create_options *options, int argc, char **argv)
{
	struct option_table table = { .count = 0 };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = table.option,
	};
	int ret;

	option_table_add(&table, run_long_options);
	option_table_add(&table, config_long_options);
	*options = (struct create_options){ .config = saved_config_create() };
	ret = parse(options, &o, &table);
	if (ret || options->help) {
		json_object_put(options->config);
		options->config = NULL;
	}
	return ret;
}
