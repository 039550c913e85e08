/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: random numbers that repeat, and how long to go on. A
 * test, which is a process of its own, is a loop:
 *
 *	fuzz_begin(400);
 *	while (fuzz_goes_on())
 *		... random32() ...
 *
 * In the environment, FUZZ_SEED=N gives other numbers than those of each test
 * run; FUZZ_ROUNDS=N asks for N rounds instead of the test's own number, and
 * FUZZ_SECONDS=N for as many as N seconds of the host's clock allow.
 */
#ifndef LHV_TEST_FUZZ_H
#define LHV_TEST_FUZZ_H

#include "types.h"

/* A test is ended after TEST_TIMEOUT_DEFAULT. */
#define FUZZ_SECONDS_MAX	100

/* FUZZ_SEED, or the one of each test run */
u64 fuzz_seed(void);

/* Seeds the numbers, and starts the clock. */
void fuzz_begin(u32 default_rounds);

/* Whether another round is to be made. */
bool fuzz_goes_on(void);

u32 random32(void);
u64 random64(void);

#endif /* LHV_TEST_FUZZ_H */
