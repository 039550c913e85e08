/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of guest/keeper.h: a VM whose two vCPUs watch over @area
 */
#ifndef LHV_TEST_KEEP_H
#define LHV_TEST_KEEP_H

#include "guest/keeper.h"
#include "vm.h"

/* The memory of most tests, and its pages */
#define KEEP_AREA	MIB(4)
#define KEEP_PAGES	(KEEP_AREA / GUEST_PAGE)

struct keep {
	struct vm *vm;
	u8 *area;
	u64 bytes;
};

/* No memory yet; that is unmapped in the end. */
void keep_create(struct keep *k);
void keep_free(struct keep *k);

/* Private memory from a 2 MiB boundary on, with advice about large pages. */
void keep_map(struct keep *k, u64 bytes, int advice);
/* What the caller mapped itself. */
void keep_use(struct keep *k, u8 *area, u64 bytes);

/* The guest begins; when this returns, it has been through all pages. */
void keep_start_plan(struct keep *k, const struct keeper_plan *plan);
/* All of the memory, a quarter of it written in each pass. */
void keep_start(struct keep *k);
/* Each vCPU ends its pass, and makes @n more. */
void keep_wait(struct keep *k, u64 n);
/* The guest goes on running, but leaves its pages alone until it is released. */
void keep_hold(struct keep *k);
void keep_release(struct keep *k);
/* While it is held: the host reclaims its memory. */
void keep_page_out(struct keep *k);
/* While it is held: what has become of some pages is as it should be (KEEPER_*). */
void keep_lose(struct keep *k, u64 first, u64 pages, u8 how);
/* How many pages the guest found zeroed. */
u64 keep_zeros(struct keep *k);
/* The guest ends, and the host finds in the pages what the guest does. */
void keep_stop(struct keep *k);

#endif /* LHV_TEST_KEEP_H */
