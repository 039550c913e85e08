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
	if (optopt && optopt < OPT_HELP)
		fail("unknown option -%c; see 'hvctl %s --help'", optopt, o->argv[0]);
	else
		fail("unknown or ambiguous option %s; see 'hvctl %s --help'", o->argv[optind - 1],
		     o->argv[0]);
	return OPTIONS_BAD;
}

int verb_options_next(struct verb_options *o)
{
	int option;

	for (;;) {
		option = getopt_long(o->argc, o->argv, o->letters, o->options, NULL);
		switch (option) {
		case OPT_HELP:
			o->help = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_NAME:
			o->name = optarg;
			break;
		case ':':
			fail("%s needs a value; see 'hvctl %s --help'", o->argv[optind - 1],
			     o->argv[0]);
			return OPTIONS_BAD;
		case '?':
			return fail_unknown(o);
		default:
			return option;
		}
	}
}

int verb_options_parse(struct verb_options *o)
{
	verb_options_begin();
	return verb_options_next(o) == OPTIONS_END ? 0 : -1;
}

int verb_options_name(const struct verb_options *o, const char **name)
{
	char **rest = o->argv + optind;

	if (!o->name && !*rest)
		return fail("say which machine, by its name; 'hvctl list' tells those that run");
	if (o->name && *rest)
		return fail("unexpected argument '%s'; the machine's name is given as --name %s",
			    *rest, o->name);
	if (!o->name && rest[1])
		return fail("unexpected argument '%s'; a machine has one name", rest[1]);
	*name = o->name ? o->name : *rest;
	return machine_dir_check_name(*name, o->name ? "--name" : "NAME");
}
