// SPDX-License-Identifier: GPL-2.0-only
/* hvctl stats */
#include <stdio.h>

#include "control_client.h"
#include "error.h"
#include "json_members.h"
#include "proc_stat.h"
#include "stats_text.h"
#include "survey.h"
#include "verb.h"
#include "verb_options.h"

static const char help[] =
"Usage: hvctl stats [NAME] [OPTION]...\n"
"Tell what a machine that runs has done so far, or for each of them in short.\n"
"\n"
"  --json             as JSON, all that there is: times in ns, sizes in bytes\n"
"  --pss              of a machine's memory also its own share; Linux walks all of it for that\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

enum { OPT_PSS = OPT_FIRST };

static const struct option long_options[] = {
	OPTION_HELP,
	OPTION_JSON,
	OPTION_NAME,
	{ "pss", no_argument, NULL, OPT_PSS },
	{ 0 }
};

static int tell_one(const char *name, bool json, bool pss)
{
	struct json_object *stats;
	u64 share = 0;

	if (control_ask(name, "stats", NULL, &stats))
		return -1;
	if (pss) {
		share = proc_share(number_of(stats, "pid"));
		if (!share) {
			json_object_put(stats);
			return fail("--pss: cannot read the share of memory of %s; ask as the machine's user or as root",
				    name);
		}
		if (object_of(stats, "memory"))
			add_number(object_of(stats, "memory"), "share", share);
	}
	if (json)
		print_json(stats);
	else
		stats_text_print(stats, share, stdout);
	json_object_put(stats);
	return 0;
}

static int tell_all(bool json)
{
	struct json_object *list = survey_all("stats");

	if (!list)
		return -1;
	if (json)
		print_json(list);
	else
		stats_text_list(list, stdout);
	json_object_put(list);
	return 0;
}

int verb_stats(int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = long_options,
	};
	const char *name = NULL;
	bool pss = false;
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option != OPT_PSS)
			return verb_misused();
		pss = true;
	}
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if ((o.name || argv[optind]) && verb_options_name(&o, &name))
		return verb_misused();
	if (pss && !name) {
		fail("--pss: say which machine, by its name");
		return verb_misused();
	}
	return (name ? tell_one(name, o.json, pss) : tell_all(o.json)) ? verb_failed() : STATUS_OK;
}
