/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that keeps watch over memory: each vCPU owns every second page, writes
 * a pattern of its own generation all over it, and checks each word before it
 * writes the next one. Whatever the host does, nothing else may be found there;
 * the host says by keeper_lost[] what it took away on purpose.
 */
#ifndef LHV_TEST_KEEPER_H
#define LHV_TEST_KEEPER_H

#include "guest.h"

#define KEEPER_BASE	0x40000000UL
#define KEEPER_PAGES	2048
#define KEEPER_CPUS	2

/* What a page may hold, in keeper_lost[]. The guest makes it KEPT again. */
#define KEEPER_KEPT	0
#define KEEPER_ZERO	1	/* zeros, all over */
#define KEEPER_EITHER	2	/* zeros, or what was there */

/**
 * struct keeper_plan - set by the host before the start, or while the guest waits
 * @pages:	how many there are
 * @write_every: of so many pages, a pass writes one; the others it only checks
 * @alike:	pages that aren't being written are all the same
 */
struct keeper_plan {
	u64 pages;
	u64 write_every;
	u64 alike;
};

extern struct keeper_plan keeper_plan;
extern u32 keeper_generation[KEEPER_PAGES];
extern u8 keeper_lost[KEEPER_PAGES];
/* Since the host said what a page may hold, it was written again. */
extern u8 keeper_written[KEEPER_PAGES];

/* Both wait, the owners of all pages, until @keeper_hold is 0 again. */
extern u64 keeper_hold;
extern u64 keeper_held[KEEPER_CPUS];
extern u64 keeper_stop;

/* Of each vCPU: times through all pages; pages that were found zeroed */
extern u64 keeper_passes[KEEPER_CPUS];
extern u64 keeper_zeros[KEEPER_CPUS];

/* The word at @i of a page that was written @generation times. */
static inline u64 keeper_word(u64 key, u32 generation, u64 i)
{
	return (key << 32 | generation) * 0x9e3779b97f4a7c15 + i * 0xbf58476d1ce4e5b9;
}

/* What makes a page's pattern its own: where pages are alike, not the first. */
static inline u64 keeper_key(u64 alike, u64 page, u32 generation)
{
	return alike && generation == 1 ? 0 : page;
}

void keeper_main(void);

#endif /* LHV_TEST_KEEPER_H */
