/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's part of hvctl enter, in a thread of its own, as the agent may take its time:
 * it starts the guest's script, looks whether that still runs, and tells the terminal of
 * another size.
 */
#ifndef HVCTL_ENTER_WATCH_H
#define HVCTL_ENTER_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent_exec.h"
#include "enter_filter.h"
#include "port_options.h"

struct enter_watch {
	pthread_t thread;
	struct agent agent;
	s64 pid;		/* the script's in the guest */
	int wake_fd;		/* eventfd: there is a new @size */
	int stop_fd;		/* eventfd: the thread is to end */
	int ended_fd;		/* eventfd: the script has ended, or was lost; @sentence */
	_Atomic bool started;	/* there is a shell; until then it is looked at often */
	_Atomic u32 size;	/* rows in the high half, columns; 0: the same as before */
	char tty[ENTER_TEXT_MAX];	/* not changed once @started */
	char sentence[512];	/* why; "": it just ended */
};

/*
 * Have the agent at @path start @argv, and look after it. -1 with a sentence, and nothing
 * to stop; @timed_out: the agent didn't answer.
 */
int enter_watch_start(struct enter_watch *watch, const char *path, const char * const *argv,
		      bool *timed_out);
void enter_watch_stop(struct enter_watch *watch);

/* There is a shell on the terminal @tty, "": none, in the guest. */
void enter_watch_begun(struct enter_watch *watch, const char *tty);

/* This terminal has another size. */
void enter_watch_resize(struct enter_watch *watch, u16 rows, u16 columns);

#endif
