/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_RUN_OPTIONS_H
#define HVCTL_RUN_OPTIONS_H

#include <getopt.h>

#include "machine.h"
#include "types.h"

struct run_options {
	struct machine_config machine;
	const char *console;
	bool host_root;
	char **command;		/* what is to run there; ends with NULL */
	bool help;
};

/* Parse the command line of "hvctl run"; argv[0] is the verb. */
int run_options_parse(struct run_options *options, int argc, char **argv);

/* All options, whose names are those of saved configs (saved_config.h), too; an empty one ends. */
extern const struct option run_long_options[];

/* The text of "hvctl run --help". */
extern const char run_help[];

#endif
