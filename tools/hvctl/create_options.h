/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_CREATE_OPTIONS_H
#define HVCTL_CREATE_OPTIONS_H

#include <json-c/json.h>

#include "types.h"

/* The command line of "hvctl create". */
struct create_options {
	const char *name;
	bool help;
	/* What is to be saved, by which the machine can be run; NULL with @help. */
	struct json_object *config;
};

/* Parse it; argv[0] is the verb. -1 with a sentence, and nothing to free */
int create_options_parse(struct create_options *options, int argc, char **argv);

/* The text of "hvctl create --help". */
extern const char create_help[];

#endif
