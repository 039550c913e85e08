/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of a verb's command line, by getopt_long(). */
#ifndef HVCTL_VERB_OPTIONS_H
#define HVCTL_VERB_OPTIONS_H

#include <getopt.h>

#include "types.h"

/* Above any character, which optopt may hold as well. */
enum {
	/* Those that several verbs have; verb_options_next() takes them. */
	OPT_HELP = 256,
	OPT_JSON,
	OPT_NAME,
	/* Where a verb's own begin */
	OPT_FIRST,
};

#define OPTION_HELP	{ "help", no_argument, NULL, OPT_HELP }
#define OPTION_JSON	{ "json", no_argument, NULL, OPT_JSON }
#define OPTION_NAME	{ "name", required_argument, NULL, OPT_NAME }

/* What verb_options_next() returns that is no option. */
#define OPTIONS_END	(-1)
#define OPTIONS_BAD	(-2)	/* with a sentence */

struct verb_options {
	int argc;
	char **argv;		/* argv[0] is the verb */
	const char *letters;	/* "+:" if options come first, ":" if they may stand anywhere */
	const struct option *options;
	/* What of the common ones was given */
	bool help;
	bool json;
	const char *name;	/* NULL: none */
};

/* Whoever used getopt before. */
void verb_options_begin(void);

/* The verb's next option, whose value is in optarg then; at the end, the rest is at optind. */
int verb_options_next(struct verb_options *o);

/* For a verb that has common options only: take them. -1 with a sentence */
int verb_options_parse(struct verb_options *o);

/*
 * The machine's name, to be asked for at the end: it's given by --name, or is the only
 * argument that is left. Returns -1 with a sentence if it is neither, or both, or no name.
 */
int verb_options_name(const struct verb_options *o, const char **name);

#endif
