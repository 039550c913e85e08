// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <time.h>

#include "fail.h"
#include "fuzz.h"
#include "random.h"

#define DEFAULT_SEED	1

static struct random numbers;
static u64 rounds;		/* to go; without an end if there is a deadline */
static struct timespec deadline;

/* The environment's @name, a number from 1 to @max; 0 if it isn't there. */
static u64 from_environment(const char *name, u64 max)
{
	const char *text = getenv(name);
	char *end;
	u64 n;

	if (!text)
		return 0;
	n = strtoull(text, &end, 10);
	if (!n || n > max || *end)
		FAIL("%s takes a number from 1 to %llu, not '%s'", name, max, text);
	return n;
}

u64 fuzz_seed(void)
{
	return from_environment("FUZZ_SEED", UINT64_MAX) ?: DEFAULT_SEED;
}

void fuzz_begin(u32 default_rounds)
{
	u64 seconds = from_environment("FUZZ_SECONDS", FUZZ_SECONDS_MAX);

	numbers.state = fuzz_seed();
	rounds = from_environment("FUZZ_ROUNDS", UINT32_MAX) ?: default_rounds;
	if (seconds) {
		rounds = UINT64_MAX;
		REQUIRE_SYS(clock_gettime(CLOCK_MONOTONIC, &deadline));
		deadline.tv_sec += seconds;
	}
}

bool fuzz_goes_on(void)
{
	struct timespec now;

	if (deadline.tv_sec) {
		REQUIRE_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
		if (now.tv_sec > deadline.tv_sec ||
		    (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec))
			return false;
	}
	return rounds-- > 0;
}

u64 random64(void)
{
	return random_u64(&numbers);
}

u32 random32(void)
{
	return random64() >> 32;
}
