/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's RAM: one mapping, which Linux may back with transparent huge pages;
 * private and anonymous, unless other processes serve devices. The guest sees it
 * from 0 up to LOW_MEMORY_END at most, and what is left from 4 GiB. Above that there
 * may be a region that is plugged and unplugged.
 */
#ifndef HVCTL_MEMORY_H
#define HVCTL_MEMORY_H

#include "memory_file.h"
#include "memory_region.h"
#include "types.h"

#define LOW_MEMORY_END		GIB(3)
#define HIGH_MEMORY_START	GIB(4)

/* From here to 1 MiB is the firmware's. */
#define EBDA_START		0x9fc00ULL

#define MEMORY_MIN		MIB(2)
#define MEMORY_PAGE		KIB(4)

struct guest_memory {
	u8 *host;		/* 2 MiB aligned */
	u64 low;		/* bytes from guest-physical 0 */
	u64 high;		/* bytes from HIGH_MEMORY_START */
	bool shared;		/* it is a file's, which other processes may map */
	int fd;			/* that file; what is at @host + N is at its offset N */
	u64 mapped;		/* bytes at @host */
	struct memory_region region;
	struct memory_files files;
};

int memory_create(struct guest_memory *mem, u64 size);
/* The same, shared. The file's size can't be changed, whoever is given the fd. */
int memory_create_shared(struct guest_memory *mem, u64 size);
/* Either, with room to grow to @max; nothing of that is plugged yet. */
int memory_create_growing(struct guest_memory *mem, u64 size, u64 max, bool shared);
void memory_destroy(struct guest_memory *mem);

/* Bytes that the guest has: RAM, and what is plugged; any thread. */
static inline u64 memory_size(const struct guest_memory *mem)
{
	return mem->low + mem->high + memory_region_bytes(&mem->region);
}

/* Give all pages back to the host; the guest then reads zeros. Plugged blocks stay so. */
int memory_clear(struct guest_memory *mem);

/*
 * Where @len bytes at @gpa are, or NULL if they are not wholly RAM, or plugged. Any thread.
 * Of what is unplugged while somebody uses it, hvctl keeps the mapping, and the host the
 * pages until it's plugged again: it's nobody else's.
 */
void *memory_at(const struct guest_memory *mem, u64 gpa, u64 len);

/* The opposite: what the guest calls @host, which memory_at() led to. */
u64 memory_gpa(const struct guest_memory *mem, const void *host);

/*
 * Give the whole pages among @len bytes at @gpa back to the host; the guest then reads
 * zeros there, and gets new ones when it writes. Any thread, while the guest runs. -1 if
 * the bytes are not wholly RAM, where nothing is given back, or if the host refuses.
 */
int memory_discard(const struct guest_memory *mem, u64 gpa, u64 len);

/*
 * Give @count blocks of the region from @first back to the host, plugged or not. -1 with a
 * sentence if the host refuses.
 */
int memory_discard_blocks(const struct guest_memory *mem, unsigned int first, unsigned int count);

/* Where block @block of the region is. */
static inline u8 *memory_block_at(const struct guest_memory *mem, unsigned int block)
{
	return mem->host + mem->region.offset + block * mem->region.block;
}

/* A stretch of guest-physical memory that is one of the host's, too. */
struct memory_part {
	u64 gpa;
	u64 size;
	u64 offset;		/* from guest_memory.host */
};

#define MEMORY_PARTS_MAX	3

/*
 * All of it, as others are to be told: the whole region as well, as what is plugged there
 * changes while they have it. Returns the number of parts.
 */
unsigned int memory_parts(const struct guest_memory *mem,
			  struct memory_part part[static MEMORY_PARTS_MAX]);

/* One line of the memory map that firmware gives to a kernel. */
struct memory_range {
	u64 start;
	u64 size;
	bool ram;		/* else reserved */
};

#define MEMORY_MAP_MAX		4

/* Fill @map in rising order; returns the number of lines. */
unsigned int memory_map(const struct guest_memory *mem,
			struct memory_range map[static MEMORY_MAP_MAX]);

#endif
