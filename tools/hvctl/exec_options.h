/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_EXEC_OPTIONS_H
#define HVCTL_EXEC_OPTIONS_H

#include "guest_command.h"
#include "types.h"

/* The command lines of "hvctl exec" and "hvctl enter". */
struct exec_options {
	const char *name;
	bool help;
	u64 timeout;		/* seconds; 0: none */
	struct guest_command command;
};

/* Parse it; argv[0] is the verb. @argv is cut. -1 with a sentence */
int exec_options_parse(struct exec_options *options, int argc, char **argv);
int enter_options_parse(struct exec_options *options, int argc, char **argv);

/* The texts of their --help. */
extern const char exec_help[];
extern const char enter_help[];

#endif
