// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "host_root.h"
#include "standard_files.h"
#include "types.h"
#include "verb.h"
#include "verb_options.h"

static const struct {
	const char *name;
	const char *summary;	/* NULL: an option, listed apart */
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "run", "create a machine, boot it, and run it until it ends", verb_run },
	{ "create", "create a machine that is kept while it doesn't run", verb_create },
	{ "start", "run one in the background", verb_start },
	{ "stop", "press a machine's power button, or end it", verb_stop },
	{ "restart", "stop a machine, and start it again", verb_restart },
	{ "suspend", "stop a machine's vCPUs", verb_suspend },
	{ "resume", "let them go on", verb_resume },
	{ "destroy", "remove a machine that was created", verb_destroy },
	{ "set", "change a machine, and what is saved of it", verb_set },
	{ "modify", "the same", verb_set },
	{ "list", "the machines", verb_list },
	{ "status", "what a machine has", verb_status },
	{ "stats", "what machines that run have done so far", verb_stats },
	{ "top", "what machines that run do, again and again", verb_top },
	{ "metrics", "the same as OpenMetrics text, for Prometheus and the like", verb_metrics },
	{ "console", "look at a machine's console, and type there", verb_console },
	{ "log", "what a machine said", verb_log },
	{ "exec", "run a command in a machine", verb_exec },
	{ "enter", "have a shell in a machine", verb_enter },
	{ "--version", NULL, verb_version },
};

static void print_help(void)
{
	unsigned int i;

	puts("Usage: hvctl VERB [OPTION]...\n"
	     "Virtual machines on lhv, the lightweight hypervisor.\n");
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (verbs[i].summary)
			printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
	}
	puts("\n"
	     "  --help     this text; after a verb, that verb's\n"
	     "  --version  the versions of hvctl and of the loaded lhv.ko");
}

int verb_failed(void)
{
	fprintf(stderr, "hvctl: %s\n", fail_text());
	return STATUS_FAIL;
}

int verb_misused(void)
{
	verb_failed();
	return STATUS_USAGE;
}

int verb_take_name(int argc, char **argv, const char *help, const char **name)
{
	static const struct option options[] = { OPTION_HELP, OPTION_NAME, { 0 } };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = options,
	};

	if (verb_options_parse(&o))
		return verb_misused();
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	return verb_options_name(&o, name) ? verb_misused() : VERB_GOES_ON;
}

static int run_verb(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		fail("say what to do; see 'hvctl --help'");
		return verb_misused();
	}
	if (!strcmp(argv[1], "--help")) {
		print_help();
		return STATUS_OK;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	fail("'%s' is not a verb of hvctl; see 'hvctl --help'", argv[1]);
	return verb_misused();
}

int main(int argc, char **argv)
{
	int status;

	if (host_root_is_init())
		host_root_init();
	if (standard_files_fill())
		return verb_failed();
	status = run_verb(argc, argv);
	return standard_output_flush() && !status ? verb_failed() : status;
}
