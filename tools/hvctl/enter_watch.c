// SPDX-License-Identifier: GPL-2.0-only
#include "enter_watch.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "thread.h"

/* Between two looks: at one that begins, and one that would tell of its end by itself */
#define BEGIN_MS	300
#define LOOK_MS		10000

/* ---- the thread ----------------------------------------------------------------- */

/* Only the terminal's sight suffers if it fails. */
static void resize(struct enter_watch *w, u32 size)
{
	char rows[8], columns[8];
	const char * const argv[] = {
		"stty", "-F", w->tty, "rows", rows, "cols", columns, NULL,
	};
	s64 pid;

	snprintf(rows, sizeof(rows), "%u", size >> 16);
	snprintf(columns, sizeof(columns), "%u", size & 0xffff);
	if (*w->tty && !agent_open(&w->agent, AGENT_SECONDS))
		agent_exec_start(&w->agent, argv, NULL, 0, false, &pid);
	agent_close(&w->agent);
}

static const char *explain(int status)
{
	switch (status) {
	case ENTER_NO_PORT:
		return "the guest doesn't see its port " ENTER_PORT
		       "; its kernel may lack the driver virtio_console";
	case ENTER_PORT_BUSY:
		return "another process in the guest has its port " ENTER_PORT;
	case 127:
		return "the guest lacks sh(1) or setsid(1), which 'hvctl enter' needs there";
	default:
		return "";
	}
}

/* Has the script ended, or been lost? One that can't be seen just now runs on. */
static bool look(struct enter_watch *w)
{
	struct agent_outcome outcome = { 0 };
	int ret = -1;

	if (!agent_open(&w->agent, AGENT_SECONDS))
		ret = agent_exec_poll(&w->agent, w->pid, &outcome);
	agent_close(&w->agent);
	if (ret > 0) {
		snprintf(w->sentence, sizeof(w->sentence), "%s", explain(outcome.status));
		agent_exec_free(&outcome);
	} else if (ret < 0 && !w->agent.timed_out) {
		snprintf(w->sentence, sizeof(w->sentence), "%s", fail_text());
		ret = 1;
	}
	return ret > 0;
}

static void *watch_thread(void *opaque)
{
	struct enter_watch *w = opaque;
	eventfd_t count;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = w->stop_fd, .events = POLLIN },
			{ .fd = w->wake_fd, .events = POLLIN },
		};
		u32 size;

		poll(fds, ARRAY_SIZE(fds), w->started ? LOOK_MS : BEGIN_MS);
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents) {
			eventfd_read(w->wake_fd, &count);
			size = atomic_exchange(&w->size, 0);
			if (size && w->started)
				resize(w, size);
		} else if (look(w)) {
			eventfd_write(w->ended_fd, 1);
			return NULL;
		}
	}
}

/* ---- its owner ------------------------------------------------------------------ */

static int open_fds(struct enter_watch *w)
{
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	w->ended_fd = eventfd(0, EFD_CLOEXEC);
	return w->wake_fd < 0 || w->stop_fd < 0 || w->ended_fd < 0 ?
	       fail_errno("cannot create an eventfd") : 0;
}

static void close_fds(struct enter_watch *w)
{
	const int fds[] = { w->wake_fd, w->stop_fd, w->ended_fd };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

int enter_watch_start(struct enter_watch *w, const char *path, const char * const *argv,
		      bool *timed_out)
{
	int ret;

	*w = (struct enter_watch){ .agent = AGENT(path) };
	ret = open_fds(w) || agent_open(&w->agent, AGENT_SECONDS) ||
	      agent_exec_start(&w->agent, argv, NULL, 0, false, &w->pid);
	*timed_out = w->agent.timed_out;
	agent_close(&w->agent);
	w->agent.cancel_fd = w->stop_fd;
	if (!ret && !thread_start(&w->thread, "enter", 0, watch_thread, w))
		return 0;
	close_fds(w);
	return -1;
}

void enter_watch_stop(struct enter_watch *w)
{
	eventfd_write(w->stop_fd, 1);
	pthread_join(w->thread, NULL);
	close_fds(w);
}

void enter_watch_begun(struct enter_watch *w, const char *tty)
{
	snprintf(w->tty, sizeof(w->tty), "%s", tty);
	w->started = true;
}

void enter_watch_resize(struct enter_watch *w, u16 rows, u16 columns)
{
	w->size = (u32)rows << 16 | columns;
	eventfd_write(w->wake_fd, 1);
}
