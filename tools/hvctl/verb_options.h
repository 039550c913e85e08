/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of a verb's command line, by getopt_long(). */
#ifndef HVCTL_VERB_OPTIONS_H
#define HVCTL_VERB_OPTIONS_H

#include <getopt.h>

/* Where the values of options begin: above any character, which optopt may hold as well. */
#define OPT_FIRST	256

/* What verb_options_next() returns that is no option. */
#define OPTIONS_END	(-1)
#define OPTIONS_BAD	(-2)	/* with a sentence */

struct verb_options {
	int argc;
	char **argv;		/* argv[0] is the verb */
	const char *letters;	/* "+:" if options come first, ":" if they may stand anywhere */
	const struct option *options;
};

/* Whoever used getopt before. */
void verb_options_begin(void);

/* The next option, whose value is in optarg then; at the end, the rest is at optind. */
int verb_options_next(const struct verb_options *o);

/*
 * The machine's name is given by --name, whose value @option is then, or is the only argument
 * in @rest. Returns -1 with a sentence if it is neither, or both, or no name.
 */
int verb_options_name(const char *option, char **rest, const char **name);

#endif
