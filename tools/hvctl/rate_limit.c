// SPDX-License-Identifier: GPL-2.0-only
#include "rate_limit.h"

#define NS_PER_SECOND	1000000000ULL

void rate_limit_init(struct rate_limit *limit, u64 iops, u64 bps)
{
	*limit = (struct rate_limit){ .requests.rate = iops, .bytes.rate = bps };
	pthread_mutex_init(&limit->lock, NULL);
}

void rate_limit_destroy(struct rate_limit *limit)
{
	pthread_mutex_destroy(&limit->lock);
}

/* When the bucket has no debt from before. */
static u64 bucket_ready(const struct rate_bucket *bucket, u64 now)
{
	if (bucket->full_at <= now || bucket->full_at - now <= RATE_LIMIT_BURST_NS)
		return now;
	return bucket->full_at - RATE_LIMIT_BURST_NS;
}

static void bucket_take(struct rate_bucket *bucket, u64 start, u64 tokens)
{
	unsigned __int128 cost;

	if (bucket->full_at <= start) {
		bucket->full_at = start;
		bucket->rest = 0;
	}
	/* What a division leaves is carried on, so that many small costs add up right. */
	cost = (unsigned __int128)tokens * NS_PER_SECOND + bucket->rest;
	bucket->rest = cost % bucket->rate;
	cost = cost / bucket->rate + bucket->full_at;
	bucket->full_at = min_u64(cost >> 64 ? UINT64_MAX : (u64)cost, RATE_LIMIT_NEVER);
}

u64 rate_limit_reserve(struct rate_limit *limit, u64 now, u64 bytes)
{
	bool by_bytes = limit->bytes.rate && bytes;
	u64 start;

	pthread_mutex_lock(&limit->lock);
	start = max_u64(now, limit->last_start);
	if (limit->requests.rate)
		start = bucket_ready(&limit->requests, start);
	if (by_bytes)
		start = bucket_ready(&limit->bytes, start);
	limit->last_start = start;
	/* At the time that it begins: what waits for one bucket must not pile up for the other. */
	if (limit->requests.rate)
		bucket_take(&limit->requests, start, 1);
	if (by_bytes)
		bucket_take(&limit->bytes, start, bytes);
	pthread_mutex_unlock(&limit->lock);
	return start;
}

void rate_limit_charge(struct rate_limit *limit, u64 now, u64 bytes)
{
	pthread_mutex_lock(&limit->lock);
	if (limit->bytes.rate)
		bucket_take(&limit->bytes, now, bytes);
	pthread_mutex_unlock(&limit->lock);
}
