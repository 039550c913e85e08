// SPDX-License-Identifier: GPL-2.0-only
/* hvctl top */
#include "top.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "size.h"
#include "verb.h"
#include "verb_options.h"

#define INTERVAL_MS	2000
#define INTERVAL_MAX	3600	/* seconds */
#define INTERVAL_MIN_MS	100

static const char help[] =
"Usage: hvctl top [OPTION]...\n"
"Show what this user's machines that run do, again and again.\n"
"\n"
"  -i, --interval SECONDS  from one table to the next (2); 0.5 is possible\n"
"  -n, --count N           end after N tables\n"
"  -b, --batch             print tables one after the other, for scripts\n"
"      --once              the same as --batch --count 1\n"
"      --help              this text\n"
"\n"
"%CPU is of one of the host's CPUs, and %GUEST what of it ran the guest. DISK/S and NET/S are\n"
"bytes both ways. Keys: c, m, e, i, n put first who has most CPU time, memory, exits or I/O, or\n"
"names; r reverses that; space asks now; q ends.\n";

enum { OPT_INTERVAL = 'i', OPT_COUNT = 'n', OPT_BATCH = 'b', OPT_ONCE = OPT_FIRST };

static const struct option long_options[] = {
	{ "batch",	no_argument,		NULL, OPT_BATCH },
	{ "count",	required_argument,	NULL, OPT_COUNT },
	OPTION_HELP,
	{ "interval",	required_argument,	NULL, OPT_INTERVAL },
	{ "once",	no_argument,		NULL, OPT_ONCE },
	{ 0 }
};

/* "2", "0.5" */
static int parse_interval(const char *text, unsigned int *ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds * 1000 >= INTERVAL_MIN_MS) ||
	    seconds > INTERVAL_MAX)
		return fail("--interval: '%s' is not a number of seconds from 0.1 to %u", text,
			    INTERVAL_MAX);
	*ms = seconds * 1000;
	return 0;
}

static int take_option(struct top_options *options, int option)
{
	switch (option) {
	case OPT_BATCH:
		options->batch = true;
		return 0;
	case OPT_ONCE:
		options->batch = true;
		options->rounds = 1;
		return 0;
	case OPT_COUNT:
		return parse_number(optarg, "--count", 1, UINT32_MAX, &options->rounds);
	case OPT_INTERVAL:
		return parse_interval(optarg, &options->interval_ms);
	default:
		return -1;
	}
}

int verb_top(int argc, char **argv)
{
	struct top_options options = { .interval_ms = INTERVAL_MS };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":bi:n:", .options = long_options,
	};
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (take_option(&options, option))
			return verb_misused();
	}
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (argv[optind]) {
		fail("unexpected argument '%s'; 'hvctl stats NAME' tells of one machine",
		     argv[optind]);
		return verb_misused();
	}
	return (options.batch ? top_batch : top_live)(&options) ? verb_failed() : STATUS_OK;
}
