// SPDX-License-Identifier: GPL-2.0-only
/* hvctl stop */
#include <stdio.h>
#include <unistd.h>

#include "control_client.h"
#include "error.h"
#include "size.h"
#include "verb.h"
#include "verb_options.h"

#define PATIENCE	60
#define PATIENCE_MAX	86400

static const char help[] =
"Usage: hvctl stop NAME [OPTION]...\n"
"Press a machine's power button, and wait until it has ended.\n"
"\n"
"  --force            end it at once, as if its power were cut\n"
"  --timeout SECONDS  how long to wait for its guest (60); it goes on if that takes longer\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

enum { OPT_FORCE = OPT_FIRST, OPT_TIMEOUT };

static const struct option long_options[] = {
	{ "force",	no_argument,		NULL, OPT_FORCE },
	OPTION_HELP,
	OPTION_NAME,
	{ "timeout",	required_argument,	NULL, OPT_TIMEOUT },
	{ 0 }
};

struct stop_options {
	const char *name;
	u64 timeout;
	bool force;
	bool help;
};

static int parse(struct stop_options *options, int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = long_options,
	};
	int option;

	*options = (struct stop_options){ .timeout = PATIENCE };
	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option == OPT_FORCE)
			options->force = true;
		else if (option != OPT_TIMEOUT ||
			 parse_number(optarg, "--timeout", 0, PATIENCE_MAX, &options->timeout))
			return -1;
	}
	options->help = o.help;
	return o.help ? 0 : verb_options_name(&o, &options->name);
}

static int stop(const struct stop_options *options)
{
	int ret, connection = control_connect(options->name);

	if (connection < 0)
		return -1;
	ret = control_call(connection, options->force ? "end" : "power-button", NULL, NULL);
	if (!ret && control_wait_end(connection, options->timeout))
		ret = fail("the machine %s has not ended in %llu seconds; wait, or end it with --force",
			   options->name, (unsigned long long)options->timeout);
	close(connection);
	return ret;
}

int verb_stop(int argc, char **argv)
{
	struct stop_options options;

	if (parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	return stop(&options) ? verb_failed() : STATUS_OK;
}
