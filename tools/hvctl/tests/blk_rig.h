/* SPDX-License-Identifier: GPL-2.0-only */
/* A drive's driver, with one queue at a time and one request at a time. */
#ifndef HVCTL_BLK_RIG_H
#define HVCTL_BLK_RIG_H

#include "virtio.h"

#define BLK_QUEUE_SIZE	16
#define BLK_DATA	0x20000	/* where requests' data is */

struct blk_rig {
	struct guest_memory memory;	/* 4 MiB, shared */
	struct virtio_device *device;
	int signal_fd;		/* the interrupt of queues */
	int config_fd;		/* and of the configuration */
	unsigned int queue;	/* the one that requests go to */
	u16 offered[8];		/* of each queue */
};

extern struct blk_rig blk;

void blk_begin(void);		/* there is no device yet */
void blk_end(void);		/* destroys it, if there is one */

/* The driver's probe, and the opposite. Returns what virtio_start() does. */
int blk_start(void);
void blk_reset(void);

void *blk_at(u64 gpa);

/* Offer a request with @len bytes at BLK_DATA, which the device writes if @write. */
void blk_offer(u32 type, u64 sector, u32 len, bool write);
/* Is it done, after at most @ms without an interrupt? They may come for nothing. */
bool blk_done(int ms);
/* It is done: returns the status, or 0xff if it isn't after ten seconds. */
u8 blk_wait(void);
u8 blk_request(u32 type, u64 sector, u32 len, bool write);
u8 blk_read(u64 sector, u32 count);

/* The eventfd @fd is signalled within @ms. */
bool blk_signalled(int fd, int ms);

/* NEEDS_RESET is there, or comes within ten seconds. */
bool blk_needs_reset(void);

#endif
