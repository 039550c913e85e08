// SPDX-License-Identifier: GPL-2.0-only
#include "machine_process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "console.h"
#include "console_viewers.h"
#include "control.h"
#include "error.h"
#include "machine.h"
#include "machine_control.h"
#include "machine_dir.h"
#include "machine_limits.h"
#include "machine_lock.h"
#include "machine_store.h"
#include "verb.h"

/* All of it is static: there is one machine, and it is large. */
struct process {
	struct machine machine;
	struct machine_dir dir;
	struct machine_limits limits;
	struct console console, hvc;
	struct console_viewers *viewers;
	struct machine_background *background;
	int lock;		/* machine_lock() until it has started; -1: not any more */
};

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

/* ---- its name ------------------------------------------------------------------- */

static void let_others(struct process *p)
{
	if (p->lock >= 0)
		close(p->lock);
	p->lock = -1;
}

static int take_own_name(struct process *p, const char *name)
{
	p->lock = machine_lock(name);
	if (p->lock < 0)
		return -1;
	if (!machine_store_has(name) && !machine_dir_claim(&p->dir, name))
		return 0;
	if (machine_store_has(name))
		fail("there is a machine %s already, which was created; start it, or choose another --name",
		     name);
	let_others(p);
	return -1;
}

/*
 * Take the machine's name. One that has none of its own also runs where no folder can be had
 * for it; then no other verb finds it.
 */
static int take_name(struct process *p, struct machine_config *config)
{
	static char name[NAME_MAX_LENGTH + 1];

	if (config->name)
		prctl(PR_SET_NAME, config->name);
	if (p->background) {
		p->lock = p->background->lock;
		return machine_dir_claim(&p->dir, config->name);
	}
	if (config->name)
		return take_own_name(p, config->name);
	snprintf(name, sizeof(name), "run-%d", (int)getpid());
	config->name = name;
	take_own_name(p, name);
	return 0;
}

/* ---- its sockets ---------------------------------------------------------------- */

static int open_control(struct process *p)
{
	struct machine *machine = &p->machine;
	struct sockaddr_un address;

	if (!*p->dir.path)
		return 0;
	if (machine_dir_control(machine->config->name, &address))
		return -1;
	machine->control = control_create(&address, machine->config->name, machine_control,
					  machine);
	return machine->control ? 0 : -1;
}

static int open_viewers(struct process *p)
{
	struct sockaddr_un address;

	if (!p->background)
		return 0;
	if (machine_dir_console(p->machine.config->name, &address))
		return -1;
	p->viewers = console_viewers_create(&address, p->background->log);
	return p->viewers ? 0 : -1;
}

static int open_sockets(struct process *p)
{
	if (open_control(p))
		return -1;
	if (!open_viewers(p))
		return 0;
	control_destroy(p->machine.control);
	return -1;
}

static void close_sockets(struct process *p)
{
	if (p->viewers)
		console_viewers_destroy(p->viewers);
	if (p->machine.control)
		control_destroy(p->machine.control);
}

/* ---- its consoles --------------------------------------------------------------- */

/* In the background "stdio" is who looks at it. */
static int open_console(struct process *p, struct console *console, const char *option,
			const char *where)
{
	if (!p->viewers || strcmp(where, "stdio"))
		return console_open(console, option, where);
	console_open_viewers(console, p->viewers);
	return 0;
}

/* Both are open, or none is. */
static int open_consoles(struct process *p, const struct run_options *options)
{
	const char *where = options->machine.devices.ports.hvc;

	if (open_console(p, &p->console, "--console", options->console))
		return -1;
	if (!open_console(p, &p->hvc, "--hvc", where ? where : "none"))
		return 0;
	console_close(&p->console);
	return -1;
}

/* ---- its life ------------------------------------------------------------------- */

/* Called from within machine_run(). */
static void on_started(void *opaque)
{
	struct process *p = opaque;

	machine_dir_started(&p->dir);
	let_others(p);
	if (p->background)
		p->background->started(p->background, true);
}

/* The user is told, wherever he is. */
static int failed(struct process *p)
{
	if (p->background)
		p->background->started(p->background, false);
	return verb_failed();
}

static int run_machine(struct process *p, const struct run_options *options)
{
	struct machine *m = &p->machine;
	int status;

	if (open_consoles(p, options))
		return failed(p);
	p->console.tells_end = options->host_root;
	m->started = on_started;
	m->started_opaque = p;
	status = machine_run(m);
	console_close(&p->hvc);
	console_close(&p->console);
	if (status)
		return failed(p);
	/* It ended before it had started, for which there are only errors. */
	if (p->background && p->lock >= 0) {
		fail("%s", m->stop_text);
		return failed(p);
	}
	return conclude(m);
}

static int run(struct process *p, struct run_options *options)
{
	int status;

	if (machine_create(&p->machine, &options->machine, &p->console, &p->hvc))
		return failed(p);
	p->machine.limits = &p->limits;
	if (!machine_breath_limit(&p->machine.breath, &p->limits) && !open_sockets(p)) {
		status = run_machine(p, options);
		close_sockets(p);
	} else {
		status = failed(p);
	}
	machine_destroy(&p->machine);
	return status;
}

/* Without a folder, each machine has a copy of its own of all that it boots. */
static void choose_copies(struct machine_config *config, const struct machine_dir *dir)
{
	static char path[PATH_MAX];

	if (*dir->path && !machine_dir_copies(path))
		config->files.copies = path;
}

static int run_limited(struct process *p, struct run_options *options)
{
	struct machine_config *config = &options->machine;
	int status;

	if (port_options_place(&config->devices.ports, p->dir.path) ||
	    machine_limits_begin(&p->limits, &config->limits, config->name, &p->dir))
		return failed(p);
	status = run(p, options);
	machine_limits_end(&p->limits);
	return status;
}

int machine_process(struct run_options *options, struct machine_background *background)
{
	static struct process process;
	struct process *p = &process;
	int status;

	p->background = background;
	p->lock = -1;
	if (take_name(p, &options->machine))
		return failed(p);
	choose_copies(&options->machine, &p->dir);
	status = run_limited(p, options);
	let_others(p);
	machine_dir_release(&p->dir);
	if (p->machine.stop == STOP_SIGNAL)
		return die_of(p->machine.stop_value);
	return status;
}
