/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many requests and bytes a second a device may do. Each of the two has a
 * bucket of tokens that fills at its rate, up to a tenth of a second's. A request
 * may begin as soon as neither is in debt, and takes then what it costs, if need
 * be more than there is: so one larger than the bucket gets through, and the
 * next ones pay for it.
 *
 * A request's time is fixed when it comes, first come first served: no queue of
 * the device's can starve another.
 */
#ifndef HVCTL_RATE_LIMIT_H
#define HVCTL_RATE_LIMIT_H

#include <pthread.h>

#include "types.h"

#define RATE_LIMIT_BURST_NS	100000000ULL
/* Later than any time that anyone will see, and still right as a signed number. */
#define RATE_LIMIT_NEVER	((u64)INT64_MAX)

/*
 * A bucket, kept as a time: when it will be full, all that was promised being
 * paid for.
 */
struct rate_bucket {
	u64 rate;		/* tokens a second, 0: no limit */
	u64 full_at;		/* in ns */
	u64 rest;		/* billionths of a token that full_at doesn't show yet */
};

struct rate_limit {
	pthread_mutex_t lock;
	u64 last_start;
	struct rate_bucket requests;
	struct rate_bucket bytes;
};

/* @iops requests and @bps bytes a second; 0 is no limit. */
void rate_limit_init(struct rate_limit *limit, u64 iops, u64 bps);
void rate_limit_destroy(struct rate_limit *limit);

/* Is there a limit at all? It never changes. */
static inline bool rate_limit_is_set(const struct rate_limit *limit)
{
	return limit->requests.rate || limit->bytes.rate;
}

/*
 * Take tokens for a request of @bytes. Returns when it may begin, in ns of the
 * clock that shows @now: @now if that is at once, and never before the ones that
 * came earlier. Any thread.
 */
u64 rate_limit_reserve(struct rate_limit *limit, u64 now, u64 bytes);

/* Take tokens for @bytes more of a request that has begun. Any thread. */
void rate_limit_charge(struct rate_limit *limit, u64 now, u64 bytes);

#endif
