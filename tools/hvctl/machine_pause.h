/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine that is suspended: the threads of all its vCPUs have left the guest and wait. Its
 * memory, devices and clocks stay as they are, and go on.
 */
#ifndef HVCTL_MACHINE_PAUSE_H
#define HVCTL_MACHINE_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>

#include "control.h"
#include "types.h"

struct machine_pause {
	atomic_bool wanted;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int running;	/* vCPUs' threads that don't wait */
	int wake_fd;
	/* The main thread's: a request that is replied to when none runs. */
	bool asked;
	control_ticket ticket;
};

/* To @wake_fd, an eventfd, is written when the main thread has something to serve. */
void machine_pause_init(struct machine_pause *pause, int wake_fd);
void machine_pause_destroy(struct machine_pause *pause);

/* ---- a vCPU's thread ------------------------------------------------------------ */

/* At its start and at its end. */
void machine_pause_enter(struct machine_pause *pause);
void machine_pause_leave(struct machine_pause *pause);

/* Is it to wait? To be asked before it runs the guest; who changes that kicks it. */
static inline bool machine_pause_wanted(struct machine_pause *pause)
{
	return atomic_load(&pause->wanted);
}

/* Wait as long as that is so. */
void machine_pause_wait(struct machine_pause *pause);

/* ---- the main thread ------------------------------------------------------------ */

/*
 * Have the threads wait; the caller kicks them afterwards, and the request @ticket is replied
 * to when they do.
 */
void machine_pause_begin(struct machine_pause *pause, control_ticket ticket);

/* Do they all wait, as they should? */
bool machine_pause_is_complete(struct machine_pause *pause);

/* When it was woken: reply, if it is time for that. Not from within a control_handler. */
void machine_pause_serve(struct machine_pause *pause, struct control *control);

/* Let them go on. */
void machine_pause_end(struct machine_pause *pause);

/*
 * Let them go on, as the machine ends; so a request that waits fails. Not from within a
 * control_handler.
 */
void machine_pause_give_up(struct machine_pause *pause, struct control *control);

#endif
