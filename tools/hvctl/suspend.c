// SPDX-License-Identifier: GPL-2.0-only
/* hvctl suspend and hvctl resume */
#include "control_client.h"
#include "verb.h"

static const char suspend_help[] =
"Usage: hvctl suspend NAME\n"
"Stop all vCPUs of a machine that runs, which stays in memory; if it is suspended, it stays so.\n"
"\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static const char resume_help[] =
"Usage: hvctl resume NAME\n"
"Let a machine that was suspended go on; if it runs, it runs on.\n"
"\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

static int ask(int argc, char **argv, const char *help)
{
	const char *name;
	int status = verb_take_name(argc, argv, help, &name);

	if (status != VERB_GOES_ON)
		return status;
	return control_ask(name, argv[0], NULL, NULL) ? verb_failed() : STATUS_OK;
}

int verb_suspend(int argc, char **argv)
{
	return ask(argc, argv, suspend_help);
}

int verb_resume(int argc, char **argv)
{
	return ask(argc, argv, resume_help);
}
