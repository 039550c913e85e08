// SPDX-License-Identifier: GPL-2.0-only
#include "verb_options.h"

#include "error.h"
#include "machine_dir.h"

void verb_options_begin(void)
{
	/* 0, not 1: glibc then starts afresh. */
	optind = 0;
	opterr = 0;
}

/* getopt() stays on an argument until it has seen all of its letters. */
static int fail_unknown(const struct verb_options *o)
{
	if (optopt && optopt < OPT_FIRST)
		fail("unknown option -%c; see 'hvctl %s --help'", optopt, o->argv[0]);
	else
		fail("unknown or ambiguous option %s; see 'hvctl %s --help'", o->argv[optind - 1],
		     o->argv[0]);
	return OPTIONS_BAD;
}

int verb_options_next(const struct verb_options *o)
{
	int option = getopt_long(o->argc, o->argv, o->letters, o->options, NULL);

	if (option == ':') {
		fail("%s needs a value; see 'hvctl %s --help'", o->argv[optind - 1], o->argv[0]);
		return OPTIONS_BAD;
	}
	return option == '?' ? fail_unknown(o) : option;
}

int verb_options_name(const char *option, char **rest, const char **name)
{
	if (!option && !*rest)
		return fail("say which machine, by its name; 'hvctl list' tells those that run");
	if (option && *rest)
		return fail("unexpected argument '%s'; the machine's name is given as --name %s",
			    *rest, option);
	if (!option && rest[1])
		return fail("unexpected argument '%s'; a machine has one name", rest[1]);
	*name = option ? option : *rest;
	return machine_dir_check_name(*name, option ? "--name" : "NAME");
}
