/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a balloon follows the pressure on the host's memory: it grows in steps while there is
 * some, faster the longer that lasts, and shrinks in smaller ones when there has been none for
 * a while. If shrinking brings the pressure back, the next while is longer. This is the rule
 * alone: who calls it says what happens and when, in milliseconds of any clock.
 */
#ifndef HVCTL_MEMORY_BREATH_H
#define HVCTL_MEMORY_BREATH_H

#include "types.h"

#define BREATH_CALM_MS		30000	/* without pressure, before the balloon shrinks */
#define BREATH_CALM_MAX_MS	600000
#define BREATH_FALL_MS		5000	/* between two steps of that */
#define BREATH_BLAME_MS		60000	/* pressure this soon after a step is due to it */

struct memory_breath {
	u64 least, most;	/* what the balloon may hold, in bytes, multiples of 4K */
	u64 size;		/* what it is to hold */
	u64 calm;
	u64 next_fall;		/* when it shrinks, if nothing happens */
	u64 last_fall;
	u64 last_pressure;
	unsigned int in_a_row;	/* reports of pressure */
	bool fell;		/* ever, so that last_fall means something */
};

/* The balloon holds @size now. */
void memory_breath_begin(struct memory_breath *b, u64 least, u64 most, u64 size, u64 now);

/* Other bounds: @size comes within them. */
void memory_breath_set(struct memory_breath *b, u64 least, u64 most, u64 now);

/* There is pressure, which is reported each two seconds at most. */
void memory_breath_pressure(struct memory_breath *b, u64 now);

/* The time is @now; may be called at any. */
void memory_breath_tick(struct memory_breath *b, u64 now);

/* In how many milliseconds memory_breath_tick() has something to do; -1: it hasn't. */
int memory_breath_timeout(const struct memory_breath *b, u64 now);

#endif
