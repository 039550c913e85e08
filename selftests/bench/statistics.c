// SPDX-License-Identifier: GPL-2.0-only
/* What a set of samples comes to. */
#include <stdlib.h>

#include "bench.h"

static int compare(const void *left, const void *right)
{
	u64 a = *(const u64 *)left, b = *(const u64 *)right;

	return (a > b) - (a < b);
}

struct sample_set summarize(u64 *samples, size_t count)
{
	struct sample_set set = { .count = count };
	double sum = 0;
	size_t i;

	if (!count)
		return set;
	qsort(samples, count, sizeof(*samples), compare);
	for (i = 0; i < count; i++)
		sum += samples[i];
	set.min = samples[0];
	set.median = (samples[(count - 1) / 2] + samples[count / 2]) / 2.0;
	set.mean = sum / count;
	return set;
}

struct sample_set single(double value)
{
	return (struct sample_set){ .count = 1, .min = value, .median = value, .mean = value };
}
