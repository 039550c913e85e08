/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that comes and goes while the guest runs: a region above all RAM, in blocks of
 * which each is either plugged, and then as good as RAM, or there is nothing.
 */
#ifndef HVCTL_MEMORY_REGION_H
#define HVCTL_MEMORY_REGION_H

#include "types.h"

/* Each plugged one is a memory slot of lhv.ko's, which has 512. */
#define MEMORY_BLOCKS_MAX	256

/* All zeros: there is no such region. */
struct memory_region {
	u64 start;		/* guest-physical */
	u64 size;		/* what there is room for: @max, up to what guests can use */
	u64 max;		/* what may be plugged */
	u64 block;		/* bytes, a power of two */
	u64 offset;		/* where it is in the host's mapping of all memory */
	u64 plugged[MEMORY_BLOCKS_MAX / 64];	/* a bit for each block */
};

/*
 * The region, empty, of a machine that begins with @size bytes, and is to grow to @max.
 * -1 with a sentence if it can't be that.
 */
int memory_region_plan(struct memory_region *region, u64 size, u64 max);

static inline unsigned int memory_region_blocks(const struct memory_region *region)
{
	return region->block ? region->size / region->block : 0;
}

static inline bool memory_region_has(const struct memory_region *region, u64 gpa)
{
	return gpa >= region->start && gpa - region->start < region->size;
}

/* Any thread: is it, as things are? */
static inline bool memory_block_plugged(const struct memory_region *region, unsigned int block)
{
	return __atomic_load_n(&region->plugged[block / 64], __ATOMIC_ACQUIRE) >> block % 64 & 1;
}

/* Any thread: whether @len bytes at @gpa are wholly in plugged blocks. */
bool memory_region_plugged(const struct memory_region *region, u64 gpa, u64 len);

/* How many bytes are plugged; any thread. */
u64 memory_region_bytes(const struct memory_region *region);

/* For the device: @count blocks from @first, which there are, are plugged from now on, or not. */
void memory_region_set(struct memory_region *region, unsigned int first, unsigned int count,
		       bool plugged);

#endif
