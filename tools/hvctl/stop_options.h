/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_STOP_OPTIONS_H
#define HVCTL_STOP_OPTIONS_H

#include "machine_end.h"

/* The command line of "hvctl stop" and "hvctl restart". */
struct stop_options {
	const char *name;
	struct end_options end;
	bool help;
};

/* Parse it; argv[0] is the verb. -1 with a sentence */
int stop_options_parse(struct stop_options *options, int argc, char **argv);

#endif
