// SPDX-License-Identifier: GPL-2.0-only
#include "memory_region.h"

#include "error.h"
#include "memory.h"
#include "size.h"

#define BLOCK_MIN	MIB(2)

/*
 * Linux adds memory by blocks of its own: 128 MiB on most machines, and up to 2 GiB where
 * there is much of it. What it couldn't use at either end of the region isn't the region's.
 */
#define START_ALIGN	GIB(2)
#define SIZE_ALIGN	MIB(128)
#define SIZE_ALIGN_MUCH	GIB(2)
#define MUCH		GIB(64)

#define SIZE_MAX_ALL	(1ULL << 52)	/* no CPU addresses more */

static u64 end_of_ram(u64 size)
{
	return size > LOW_MEMORY_END ? HIGH_MEMORY_START + size - LOW_MEMORY_END :
				       HIGH_MEMORY_START;
}

int memory_region_plan(struct memory_region *region, u64 size, u64 max)
{
	char text[32], other[32];
	u64 more = max - size;

	*region = (struct memory_region){ 0 };
	if (max == size)
		return 0;
	if (max < size)
		return fail("--memory: max=%s is less than the %s at the start; give at least as much",
			    format_size(max, text, sizeof(text)),
			    format_size(size, other, sizeof(other)));
	if (max > SIZE_MAX_ALL)
		return fail("--memory: max=%s is more than any machine can have",
			    format_size(max, text, sizeof(text)));
	region->size = align_up(more, size < MUCH ? SIZE_ALIGN : SIZE_ALIGN_MUCH);
	region->block = BLOCK_MIN;
	while (region->size / region->block > MEMORY_BLOCKS_MAX)
		region->block *= 2;
	region->size = align_up(region->size, region->block);
	if (more % region->block)
		return fail("--memory: a machine that grows to %s does so in steps of %s; make max= the size at the start and a multiple of that",
			    format_size(max, text, sizeof(text)),
			    format_size(region->block, other, sizeof(other)));
	region->max = more;
	region->start = align_up(end_of_ram(size), max_u64(START_ALIGN, region->block));
	region->offset = align_up(size, BLOCK_MIN);
	return 0;
}

bool memory_region_plugged(const struct memory_region *region, u64 gpa, u64 len)
{
	unsigned int block, last;

	if (!memory_region_has(region, gpa) || len > region->size - (gpa - region->start))
		return false;
	gpa -= region->start;
	last = (gpa + (len ? len - 1 : 0)) / region->block;
	for (block = gpa / region->block; block <= last; block++) {
		if (!memory_block_plugged(region, block))
			return false;
	}
	return true;
}

u64 memory_region_bytes(const struct memory_region *region)
{
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(region->plugged); i++)
		count += __builtin_popcountll(__atomic_load_n(&region->plugged[i],
							      __ATOMIC_RELAXED));
	return count * region->block;
}

void memory_region_set(struct memory_region *region, unsigned int first, unsigned int count,
		       bool plugged)
{
	unsigned int block;

	for (block = first; block < first + count; block++) {
		u64 *word = &region->plugged[block / 64], bit = BIT_ULL(block % 64);

		if (plugged)
			__atomic_fetch_or(word, bit, __ATOMIC_RELEASE);
		else
			__atomic_fetch_and(word, ~bit, __ATOMIC_RELEASE);
	}
}
