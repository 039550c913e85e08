// SPDX-License-Identifier: GPL-2.0-only
/* hvctl run */
#include <stdio.h>
#include <unistd.h>

#include "host_root.h"
#include "machine_process.h"
#include "run_options.h"
#include "verb.h"

static int run_host_root(struct run_options *options)
{
	static struct host_root root;
	int status;

	if (host_root_create(&root, &options->machine, options->command, isatty(STDIN_FILENO)))
		return verb_failed();
	status = machine_process(options, NULL);
	host_root_destroy(&root);
	return status;
}

int verb_run(int argc, char **argv)
{
	static struct run_options options;

	if (run_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(run_help, stdout);
		return STATUS_OK;
	}
	return options.host_root ? run_host_root(&options) : machine_process(&options, NULL);
}
