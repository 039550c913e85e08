/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the disk's backend, and their tests, share. */
#ifndef HVCTL_DISK_IMPL_H
#define HVCTL_DISK_IMPL_H

#include <stdatomic.h>

#include "counter.h"
#include "disk.h"
#include "rate_limit.h"

/* What O_DIRECT is content with anywhere, be it a buffer or a block. */
#define DISK_SAFE_ALIGN	4096

struct disk {
	struct disk_config config;
	int fd;
	bool block_device;
	bool can_discard;
	u32 block_size;
	u32 memory_align;	/* of buffers; 1 with the page cache */
	_Atomic u64 size;
	struct rate_limit limit;

	/* What the image's file system turned out to refuse: no need to ask again. */
	atomic_bool no_punch_hole;
	atomic_bool no_zero_range;

	/* All queues' threads write here, so it's apart from what they read. */
	struct {
		counter requests[DISK_OPS];
		counter bytes[DISK_OPS];
		counter errors;
	} counted __attribute__((aligned(64)));
};

/*
 * Have the queue take the time from @now, in ns, instead of from CLOCK_MONOTONIC.
 * It should be a time that the real clock won't reach: that one sets off timers.
 * disk_kick() starts what has become due.
 */
void disk_queue_set_clock(struct disk_queue *queue, u64 (*now)(void));

#endif
