// SPDX-License-Identifier: GPL-2.0-only
#include "machine_pause.h"

#include <sys/eventfd.h>

#include "error.h"

void machine_pause_init(struct machine_pause *pause, int wake_fd)
{
	*pause = (struct machine_pause){ .wake_fd = wake_fd };
	pthread_mutex_init(&pause->lock, NULL);
	pthread_cond_init(&pause->changed, NULL);
}

void machine_pause_destroy(struct machine_pause *pause)
{
	pthread_cond_destroy(&pause->changed);
	pthread_mutex_destroy(&pause->lock);
}

/* ---- a vCPU's thread ------------------------------------------------------------ */

void machine_pause_enter(struct machine_pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	pause->running++;
	pthread_mutex_unlock(&pause->lock);
}

/* With the lock held. */
static void stop_running(struct machine_pause *pause)
{
	if (!--pause->running && pause->wanted)
		eventfd_write(pause->wake_fd, 1);
}

void machine_pause_leave(struct machine_pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	stop_running(pause);
	pthread_mutex_unlock(&pause->lock);
}

void machine_pause_wait(struct machine_pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	stop_running(pause);
	while (pause->wanted)
		pthread_cond_wait(&pause->changed, &pause->lock);
	pause->running++;
	pthread_mutex_unlock(&pause->lock);
}

/* ---- the main thread ------------------------------------------------------------ */

void machine_pause_begin(struct machine_pause *pause, control_ticket ticket)
{
	pause->asked = true;
	pause->ticket = ticket;
	pthread_mutex_lock(&pause->lock);
	pause->wanted = true;
	/* It may be that none runs, or not yet. */
	if (!pause->running)
		eventfd_write(pause->wake_fd, 1);
	pthread_mutex_unlock(&pause->lock);
}

bool machine_pause_is_complete(struct machine_pause *pause)
{
	bool complete;

	pthread_mutex_lock(&pause->lock);
	complete = pause->wanted && !pause->running;
	pthread_mutex_unlock(&pause->lock);
	return complete;
}

void machine_pause_serve(struct machine_pause *pause, struct control *control)
{
	if (!pause->asked || !machine_pause_is_complete(pause))
		return;
	pause->asked = false;
	control_reply(control, pause->ticket, 0, NULL);
}

void machine_pause_end(struct machine_pause *pause)
{
	pthread_mutex_lock(&pause->lock);
	pause->wanted = false;
	pthread_cond_broadcast(&pause->changed);
	pthread_mutex_unlock(&pause->lock);
}

void machine_pause_give_up(struct machine_pause *pause, struct control *control)
{
	machine_pause_end(pause);
	if (!pause->asked)
		return;
	pause->asked = false;
	control_reply(control, pause->ticket, fail("the machine ended, or was reset"), NULL);
}
