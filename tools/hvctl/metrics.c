// SPDX-License-Identifier: GPL-2.0-only
/* hvctl metrics */
#include <stdio.h>

#include "control_client.h"
#include "error.h"
#include "metrics_text.h"
#include "survey.h"
#include "verb.h"
#include "verb_options.h"

static const char help[] =
"Usage: hvctl metrics [NAME] [OPTION]...\n"
"Tell what a machine that runs, or each of them, has done so far, as OpenMetrics text.\n"
"\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static struct json_object *ask_one(const char *name)
{
	struct json_object *list, *stats;

	if (control_ask(name, "stats", NULL, &stats))
		return NULL;
	list = json_object_new_array();
	json_object_array_add(list, stats);
	return list;
}

int verb_metrics(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_NAME, { 0 } };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = options,
	};
	struct json_object *list;
	const char *name = NULL;

	if (verb_options_parse(&o))
		return verb_misused();
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if ((o.name || argv[optind]) && verb_options_name(&o, &name))
		return verb_misused();
	list = name ? ask_one(name) : survey_all("stats");
	if (!list)
		return verb_failed();
	metrics_text_print(list, stdout);
	json_object_put(list);
	return STATUS_OK;
}
