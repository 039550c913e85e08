/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_SET_OPTIONS_H
#define HVCTL_SET_OPTIONS_H

#include <getopt.h>
#include <json-c/json.h>

#include "types.h"

/* The part of the command line of "hvctl set" that is for a machine that runs. */
struct set_options {
	const char *name;
	bool help;
	/* Of the command "set" (docs/control.md): json_object_put() frees it. NULL with @help. */
	struct json_object *arguments;
};

/*
 * Parse it; argv[0] is the verb. No machine is asked, but files are looked up, as only
 * this process knows from where. Returns -1 with a sentence, and nothing to free.
 */
int set_options_parse(struct set_options *options, int argc, char **argv);

/* The options that there are for that; an empty one ends. */
extern const struct option set_long_options[];

/* The text of "hvctl set --help". */
extern const char set_help[];

#endif
