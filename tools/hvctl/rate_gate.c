// SPDX-License-Identifier: GPL-2.0-only
#include "rate_gate.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "error.h"

#define NS_PER_SECOND	1000000000ULL

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Also forgets that the time came that it was set to before. */
static void set_timer(struct rate_gate *gate, u64 at)
{
	const struct itimerspec spec = {
		.it_value = { .tv_sec = at / NS_PER_SECOND, .tv_nsec = at % NS_PER_SECOND },
	};

	if (at == gate->timer_at)
		return;
	timerfd_settime(gate->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	gate->timer_at = at;
}

void rate_gate_init(struct rate_gate *gate, u64 bps)
{
	*gate = (struct rate_gate){ .timer_fd = -1 };
	rate_limit_init(&gate->limit, 0, bps);
}

void rate_gate_destroy(struct rate_gate *gate)
{
	if (gate->timer_fd >= 0)
		close(gate->timer_fd);
	rate_limit_destroy(&gate->limit);
}

int rate_gate_open(struct rate_gate *gate, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (!rate_limit_is_set(&gate->limit))
		return 0;
	gate->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (gate->timer_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, gate->timer_fd, &event))
		return fail_errno("cannot wait for a rate limit's timer");
	return 0;
}

bool rate_gate_may_pass(struct rate_gate *gate, u64 bytes)
{
	u64 now;

	if (!rate_limit_is_set(&gate->limit))
		return true;
	now = now_ns();
	if (!gate->start)
		gate->start = rate_limit_reserve(&gate->limit, now, bytes);
	/* One whose time came would wake the thread until it is set again. */
	set_timer(gate, gate->start > now ? gate->start : 0);
	return gate->start <= now;
}

void rate_gate_next(struct rate_gate *gate)
{
	gate->start = 0;
	set_timer(gate, 0);
}
