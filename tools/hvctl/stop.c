// SPDX-License-Identifier: GPL-2.0-only
/* hvctl stop and hvctl restart */
#include <stdio.h>

#include "error.h"
#include "machine_dir.h"
#include "machine_end.h"
#include "machine_names.h"
#include "machine_start.h"
#include "machine_store.h"
#include "stop_options.h"
#include "verb.h"

static const char stop_help[] =
"Usage: hvctl stop NAME [OPTION]...\n"
"Press a machine's power button, and wait until it has ended.\n"
"\n"
"  --force            end it at once, as if its power were cut\n"
"  --timeout SECONDS  how long to wait for its guest (60); it goes on if that takes longer\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static const char restart_help[] =
"Usage: hvctl restart NAME [OPTION]...\n"
"Stop a machine that was created, if it runs, and start it with what is saved of it.\n"
"\n"
"  --force            end it at once, as if its power were cut\n"
"  --timeout SECONDS  how long to wait for its guest (60); it goes on if that takes longer\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static int restart(const char *name, const struct end_options *end)
{
	bool alive = machine_dir_is_alive(name);

	if (!machine_store_has(name))
		return alive ? fail("the machine %s was made by 'hvctl run', which alone can run it again",
				    name) : fail_no_machine(name);
	if (alive && machine_end(name, end))
		return -1;
	return machine_start(name);
}

static int end_with(int argc, char **argv, const char *help,
		    int (*end)(const char *name, const struct end_options *options))
{
	struct stop_options options;

	if (stop_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	return end(options.name, &options.end) ? verb_failed() : STATUS_OK;
}

int verb_stop(int argc, char **argv)
{
	return end_with(argc, argv, stop_help, machine_end);
}

int verb_restart(int argc, char **argv)
{
	return end_with(argc, argv, restart_help, restart);
}
