/* SPDX-License-Identifier: GPL-2.0-only */
/* An image, on a file system in memory or on a real one, with a queue. One at a time. */
#ifndef HVCTL_DISK_QUEUE_RIG_H
#define HVCTL_DISK_QUEUE_RIG_H

#include "disk_impl.h"

#define IMAGE_SIZE	MIB(4)
#define DEPTH		4

struct disk_queue_rig {
	struct disk_config config;	/* all but the path is set before dq_begin() */
	struct disk *disk;
	struct disk_queue *queue;
};

extern struct disk_queue_rig dq;

extern u8 dq_buffer[IMAGE_SIZE + 4096];	/* at a page's begin */
extern u8 dq_image[IMAGE_SIZE];		/* what the file should hold */

/*
 * Open the image at @path, as the rest of config says. false, and nothing is open,
 * if this host can't; the test is skipped then.
 */
bool dq_begin(const char *path);
/* The image is all random, and what dq_image says. */
bool dq_begin_random(const char *path);
void dq_end(void);

/* A file in memory, for dq_begin(). */
const char *dq_in_memory(void);

void dq_fill_random(u8 *to, size_t size);

/* The image has this content, past the disk's own way of reading. */
bool dq_file_is(const u8 *want, u64 offset, u64 size);

/* The next that is done, waited for; NULL if there is none after ten seconds. */
struct disk_request *dq_next_done(void);

/* Submit one, and wait. Returns its result, or what disk_submit() says. */
int dq_run(struct disk_request *r);
/* READ or WRITE with one buffer. */
int dq_move(enum disk_op op, u64 offset, void *buf, u64 length);
/* Those without buffers. */
int dq_clear(enum disk_op op, u64 offset, u64 length, bool unmap);

#endif
