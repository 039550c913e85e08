// SPDX-License-Identifier: GPL-2.0-only
/* hvctl set */
#include <stdio.h>

#include "control_client.h"
#include "set_options.h"
#include "verb.h"

int verb_set(int argc, char **argv)
{
	struct set_options options;

	if (set_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(set_help, stdout);
		return STATUS_OK;
	}
	return control_ask(options.name, "set", options.arguments, NULL) ? verb_failed() :
	       STATUS_OK;
}
