// SPDX-License-Identifier: GPL-2.0-only
/* hvctl run */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "console.h"
#include "control.h"
#include "error.h"
#include "host_root.h"
#include "machine.h"
#include "machine_control.h"
#include "machine_dir.h"
#include "machine_limits.h"
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

/*
 * Take the machine's name. One that has none of its own also runs where no folder can be had
 * for it; then no other verb finds it.
 */
static int take_name(struct machine_config *config, struct machine_dir *dir)
{
	static char name[NAME_MAX_LENGTH + 1];

	if (config->name) {
		prctl(PR_SET_NAME, config->name);
		return machine_dir_claim(dir, config->name);
	}
	snprintf(name, sizeof(name), "run-%d", (int)getpid());
	config->name = name;
	machine_dir_claim(dir, name);
	return 0;
}

/* Without a folder, each machine has a copy of its own of all that it boots. */
static void choose_copies(struct machine_config *config, const struct machine_dir *dir)
{
	static char path[PATH_MAX];

	if (*dir->path && !machine_dir_copies(path))
		config->files.copies = path;
}

static int open_control(struct machine *machine, const struct machine_dir *dir)
{
	struct sockaddr_un address;

	if (!*dir->path)
		return 0;
	if (machine_dir_control(machine->config->name, &address))
		return -1;
	machine->control = control_create(&address, machine->config->name, machine_control,
					  machine);
	return machine->control ? 0 : -1;
}

static int run_machine(struct machine *machine, const struct run_options *options)
{
	int status;

	if (open_consoles(machine->console, machine->hvc_console, options))
		return verb_failed();
	machine->console->tells_end = options->host_root;
	status = machine_run(machine);
	console_close(machine->hvc_console);
	console_close(machine->console);
	return status ? verb_failed() : conclude(machine);
}

static int run(struct run_options *options)
{
	static struct machine machine;
	static struct machine_dir dir;
	static struct machine_limits limits;
	static struct console console, hvc;
	int status;

	if (take_name(&options->machine, &dir))
		return verb_failed();
	choose_copies(&options->machine, &dir);
	if (port_options_place(&options->machine.devices.ports, dir.path) ||
	    machine_limits_begin(&limits, &options->machine.limits, options->machine.name, &dir)) {
		status = verb_failed();
		goto out_name;
	}
	if (machine_create(&machine, &options->machine, &console, &hvc)) {
		status = verb_failed();
		goto out_limits;
	}
	machine.limits = &limits;
	if (machine_breath_limit(&machine.breath, &limits) || open_control(&machine, &dir)) {
		status = verb_failed();
		goto out_machine;
	}
	status = run_machine(&machine, options);
	if (machine.control)
		control_destroy(machine.control);
out_machine:
	machine_destroy(&machine);
out_limits:
	machine_limits_end(&limits);
out_name:
	machine_dir_release(&dir);
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
