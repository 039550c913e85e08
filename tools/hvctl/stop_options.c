// SPDX-License-Identifier: GPL-2.0-only
#include "stop_options.h"

#include "size.h"
#include "verb_options.h"

#define PATIENCE	60
#define PATIENCE_MAX	86400

enum { OPT_FORCE = OPT_FIRST, OPT_TIMEOUT };

static const struct option long_options[] = {
	{ "force",	no_argument,		NULL, OPT_FORCE },
	OPTION_HELP,
	OPTION_NAME,
	{ "timeout",	required_argument,	NULL, OPT_TIMEOUT },
	{ 0 }
};

int stop_options_parse(struct stop_options *options, int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = long_options,
	};
	int option;

	*options = (struct stop_options){ .end.timeout = PATIENCE };
	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option == OPT_FORCE)
			options->end.force = true;
		else if (option != OPT_TIMEOUT ||
			 parse_number(optarg, "--timeout", 0, PATIENCE_MAX, &options->end.timeout))
			return -1;
	}
	options->help = o.help;
	return o.help ? 0 : verb_options_name(&o, &options->name);
}
