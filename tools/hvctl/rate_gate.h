/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rate limit (rate_limit.h) on what one thread moves, one thing after the other. The thread
 * doesn't sleep for it, but lets what it holds wait, and waits for an epoll's fd as ever.
 */
#ifndef HVCTL_RATE_GATE_H
#define HVCTL_RATE_GATE_H

#include "rate_limit.h"

struct rate_gate {
	struct rate_limit limit;
	int timer_fd;		/* -1: none yet, or no limit */
	u64 timer_at;		/* what it is set to, in ns; 0: it isn't */
	u64 start;		/* when what is in front may go; 0: nothing has asked */
};

/* @bps bytes a second; 0 is no limit. */
void rate_gate_init(struct rate_gate *gate, u64 bps);
void rate_gate_destroy(struct rate_gate *gate);

/* From here on, @epoll_fd is ready when what was refused may go. -1 with a sentence */
int rate_gate_open(struct rate_gate *gate, int epoll_fd);

/* May what is in front, of @bytes, go now? Whoever asks again pays no second time. */
bool rate_gate_may_pass(struct rate_gate *gate, u64 bytes);

/* It went, or was dropped: what asks from now on is the next one. */
void rate_gate_next(struct rate_gate *gate);

#endif
