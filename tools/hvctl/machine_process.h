/* SPDX-License-Identifier: GPL-2.0-only */
/* This process as a machine, from taking its name to giving it up. */
#ifndef HVCTL_MACHINE_PROCESS_H
#define HVCTL_MACHINE_PROCESS_H

#include "machine_log.h"
#include "run_options.h"

/* How one that was created runs in the background. */
struct machine_background {
	int lock;		/* machine_lock() of its name; closed when it has started */
	struct machine_log *log;
	/* To be called once: it has started, or it can't, for the reason that fail() keeps. */
	void (*started)(struct machine_background *background, bool ok);
};

/*
 * Be the machine of @options until it ends. @background is NULL for "hvctl run": then its
 * console may be the terminal, and its name must not be that of one that was created.
 * Returns the exit status of hvctl, having told the user why it isn't 0.
 */
int machine_process(struct run_options *options, struct machine_background *background);

#endif
