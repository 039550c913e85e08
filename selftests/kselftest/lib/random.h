/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that are the same each time for the same seed
 */
#ifndef LHV_TEST_RANDOM_H
#define LHV_TEST_RANDOM_H

#include "types.h"

struct random {
	u64 state;
};

/* SplitMix64: any seed will do, and neighbouring ones give unlike numbers. */
static inline u64 random_u64(struct random *random)
{
	u64 z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* From 0 to @n - 1. */
static inline u32 random_below(struct random *random, u32 n)
{
	return (u64)(u32)random_u64(random) * n >> 32;
}

static inline bool one_in(struct random *random, u32 n)
{
	return !random_below(random, n);
}

#define random_of(random, array)					\
	((array)[random_below(random, sizeof(array) / sizeof((array)[0]))])

#endif /* LHV_TEST_RANDOM_H */
