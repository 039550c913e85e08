// SPDX-License-Identifier: GPL-2.0-only
/* hvctl start */
#include <stdio.h>

#include "error.h"
#include "guest_wait.h"
#include "machine_names.h"
#include "machine_start.h"
#include "machine_store.h"
#include "port_options.h"
#include "saved_config.h"
#include "size.h"
#include "verb.h"
#include "verb_options.h"

#define PATIENCE	300
#define PATIENCE_MAX	86400

static const char help[] =
"Usage: hvctl start NAME [OPTION]...\n"
"Run a machine that was created, in the background. It has started when this returns.\n"
"\n"
"  --wait             wait until its guest agent answers; the machine needs --agent for that\n"
"  --timeout SECONDS  how long to wait (300); the machine goes on if that takes longer\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

enum { OPT_TIMEOUT = OPT_FIRST, OPT_WAIT };

static const struct option long_options[] = {
	OPTION_HELP,
	OPTION_NAME,
	{ "timeout",	required_argument,	NULL, OPT_TIMEOUT },
	{ "wait",	no_argument,		NULL, OPT_WAIT },
	{ 0 }
};

struct start_options {
	const char *name;
	bool wait;
	u64 timeout;
	bool help;
};

static int parse(struct start_options *options, int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = long_options,
	};
	int option;

	*options = (struct start_options){ .timeout = PATIENCE };
	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option == OPT_WAIT)
			options->wait = true;
		else if (option != OPT_TIMEOUT ||
			 parse_number(optarg, "--timeout", 0, PATIENCE_MAX, &options->timeout))
			return -1;
	}
	options->help = o.help;
	return o.help ? 0 : verb_options_name(&o, &options->name);
}

/* Before it is started: is there anything to wait for? */
static int check_agent(const char *name)
{
	struct saved_machine machine;
	unsigned int agent;

	if (!machine_store_has(name))
		return fail_no_machine(name);
	if (saved_machine_open(&machine, name))
		return -1;
	agent = port_options_find(&machine.options.machine.devices.ports, AGENT_PORT);
	saved_machine_close(&machine);
	return agent ? 0 : fail("--wait: the machine %s has no port for a guest agent; give it one with 'hvctl set %s --agent auto', or leave --wait out",
				name, name);
}

static int start(const struct start_options *options)
{
	if ((options->wait && check_agent(options->name)) || machine_start(options->name))
		return -1;
	return options->wait ? guest_wait(options->name, options->timeout) : 0;
}

int verb_start(int argc, char **argv)
{
	struct start_options options;

	if (parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	return start(&options) ? verb_failed() : STATUS_OK;
}
