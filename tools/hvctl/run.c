// SPDX-License-Identifier: GPL-2.0-only
/* hvctl run */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "console.h"
#include "error.h"
#include "host_root.h"
#include "machine.h"
#include "run_options.h"
#include "verb.h"

/* The status for how the machine stopped; says what the user should know. */
static int conclude(const struct machine *m)
{
	switch (m->stop) {
	case STOP_CRASH:
	case STOP_ERROR:
		fprintf(stderr, "hvctl: %s\n", m->stop_text);
		return STATUS_FAIL;
	case STOP_DEBUG_EXIT:
		return m->stop_value << 1 | 1;
	case STOP_STATUS:
		return m->stop_value;
	default:
		return STATUS_OK;
	}
}

/* Both are open, or none is. */
static int open_consoles(struct console *console, struct console *hvc,
			 const struct run_options *options)
{
	const char *where = options->machine.devices.ports.hvc;

	if (console_open(console, "--console", options->console))
		return -1;
	if (!console_open(hvc, "--hvc", where ? where : "none"))
		return 0;
	console_close(console);
	return -1;
}

/* Die of the signal as if it had not been caught, so that a shell sees it. */
static int die_of(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	signal(sig, SIG_DFL);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return STATUS_FAIL;
}

static int run(struct run_options *options)
{
	static struct machine machine;
	static struct console console, hvc;
	int status;

	if (machine_create(&machine, &options->machine, &console, &hvc))
		return verb_failed();
	if (open_consoles(&console, &hvc, options)) {
		machine_destroy(&machine);
		return verb_failed();
	}
	console.tells_end = options->host_root;
	prctl(PR_SET_NAME, options->machine.name);

	status = machine_run(&machine);
	console_close(&hvc);
	console_close(&console);
	status = status ? verb_failed() : conclude(&machine);
	machine_destroy(&machine);
	if (machine.stop == STOP_SIGNAL)
		return die_of(machine.stop_value);
	return status;
}

static int run_host_root(struct run_options *options)
{
	static struct host_root root;
	int status;

	if (host_root_create(&root, &options->machine, options->command, isatty(STDIN_FILENO)))
		return verb_failed();
	status = run(options);
	host_root_destroy(&root);
	return status;
}

int verb_run(int argc, char **argv)
{
	static struct run_options options;

	if (run_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(run_help, stdout);
		return STATUS_OK;
	}
	return options.host_root ? run_host_root(&options) : run(&options);
}
