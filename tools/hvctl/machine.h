/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine of model lhv-1: its parts, and how it stops. */
#ifndef HVCTL_MACHINE_H
#define HVCTL_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "boot.h"
#include "bus.h"
#include "debug_exit.h"
#include "devices.h"
#include "ged.h"
#include "ioapic.h"
#include "limit_options.h"
#include "lhv_dev.h"
#include "machine_breath.h"
#include "machine_change.h"
#include "machine_cpus.h"
#include "machine_memory.h"
#include "machine_pause.h"
#include "memory.h"
#include "rtc_cmos.h"
#include "serial16550.h"
#include "types.h"
#include "vcpu.h"

struct console;
struct control;
struct machine_limits;

#define DEBUG_EXIT_NONE		(-1)

/* What the user asked for. */
struct machine_config {
	const char *name;	/* NULL: one is made up */
	unsigned int cpus;	/* at the start */
	unsigned int cpus_max;	/* @cpus at least */
	bool cpus_change;	/* while it runs, between 1 and that */
	u64 memory;		/* at the start */
	u64 memory_max;		/* what it may grow to */
	struct boot_files files;
	struct devices_config devices;
	struct limits limits;
	struct breath_bounds breath;
	int debug_exit_port;	/* or DEBUG_EXIT_NONE */
	bool host_root;		/* it has host_root_ops */
	bool exit_on_reset;
};

/* Why a machine stops. Where there is a value, it is said what it means. */
enum stop_reason {
	STOP_NONE,
	STOP_POWEROFF,
	STOP_RESET,
	STOP_DEBUG_EXIT,	/* the byte that the guest wrote */
	STOP_STATUS,		/* hvctl's status */
	STOP_CRASH,
	STOP_ERROR,		/* of the host's */
	STOP_QUIT,
	STOP_SIGNAL,		/* its number */
};

struct machine {
	const struct machine_config *config;
	struct console *console;	/* the serial port's */
	struct console *hvc_console;
	struct port *hvc;		/* the console device's end at it; NULL: none */
	struct control *control;	/* NULL: none */
	struct machine_limits *limits;	/* NULL: they can't be changed */
	struct machine_change change;
	struct machine_memory resize;
	struct machine_breath breath;
	struct machine_pause pause;
	/* To be called once, when its vCPUs run and control is served; NULL: that was done. */
	void (*started)(void *opaque);
	void *started_opaque;
	struct lhv_dev dev;
	int vm_fd;
	struct guest_memory memory;
	struct bus ports;
	struct bus mmio;
	struct ioapic ioapic;
	struct ged ged;
	bool asked_to_end;	/* the power button was pressed */
	atomic_bool input_waits;	/* for host_root_ops */
	struct serial serial;
	struct rtc rtc;
	struct devices devices;
	struct debug_memory debug_memory;
	struct machine_cpus cpus;
	struct vcpu *vcpus;	/* by id, for as many as there may be */
	int wake_fd;		/* eventfd that wakes the thread in machine_run() */
	int signal_fd;		/* the signals that it takes; blocked elsewhere */

	/* Only the first reason to stop counts. */
	pthread_mutex_t stop_lock;
	atomic_bool stopping;
	enum stop_reason stop;
	int stop_value;
	char stop_text[2048];	/* for STOP_CRASH and STOP_ERROR: what to tell */
};

/*
 * Check @config against the module, and get what lives as long as the process.
 * Signals that would end hvctl are blocked from then on, so that the consoles can
 * be opened safely.
 */
int machine_create(struct machine *m, const struct machine_config *config,
		   struct console *console, struct console *hvc_console);
void machine_destroy(struct machine *m);

/*
 * Power on, boot, and run until something stops the machine, restarting it when
 * the guest resets it. Returns -1 if it could not be started.
 */
int machine_run(struct machine *m);

/*
 * Stop the machine; any thread may say so. @text, which may be NULL, is what
 * the user should be told.
 */
void machine_stop(struct machine *m, enum stop_reason reason, int value, const char *text);

static inline bool machine_stopping(struct machine *m)
{
	return atomic_load_explicit(&m->stopping, memory_order_acquire);
}

/* Has it stopped only to start again? */
bool machine_restarts(const struct machine *m);

/*
 * Press the power button; for the thread in machine_run() alone. false if the guest takes no
 * such events, or not yet.
 */
bool machine_press_power_button(struct machine *m);

/*
 * Suspend the machine: its vCPUs stop, and the request @ticket is replied to when they have;
 * and have them go on. For the thread in machine_run() alone.
 */
void machine_suspend(struct machine *m, control_ticket ticket);
void machine_resume(struct machine *m);

/* "running" or "suspended" */
const char *machine_state(struct machine *m);

/* Have the thread in machine_run() look at everything again. */
void machine_wake(struct machine *m);

#endif
