/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's RAM: one mapping, which Linux may back with transparent huge pages;
 * private and anonymous, unless other processes serve devices. The guest sees it
 * from 0 up to LOW_MEMORY_END at most, and what is left from 4 GiB.
 */
#ifndef HVCTL_MEMORY_H
#define HVCTL_MEMORY_H

#include "memory_file.h"
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
	struct memory_files files;
};

int memory_create(struct guest_memory *mem, u64 size);
/* The same, shared. The file's size can't be changed, whoever is given the fd. */
int memory_create_shared(struct guest_memory *mem, u64 size);
void memory_destroy(struct guest_memory *mem);

/* Give all pages back to the host; the guest then reads zeros. */
int memory_clear(struct guest_memory *mem);

/* Where @len bytes at @gpa are, or NULL if they are not wholly RAM. */
void *memory_at(const struct guest_memory *mem, u64 gpa, u64 len);

/* The opposite: what the guest calls @host, which memory_at() led to. */
u64 memory_gpa(const struct guest_memory *mem, const void *host);

/*
 * Give the whole pages among @len bytes at @gpa back to the host; the guest then reads
 * zeros there, and gets new ones when it writes. Any thread, while the guest runs. -1 if
 * the bytes are not wholly RAM, where nothing is given back, or if the host refuses.
 */
int memory_discard(const struct guest_memory *mem, u64 gpa, u64 len);

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
