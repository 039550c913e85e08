/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk's image: a raw file or a block device, which is opened, checked and
 * locked here, and read and written without waiting, by io_uring. What kind of
 * device the guest sees it through is no concern of this file's.
 *
 * A disk has queues, each with a ring of its own, so that threads need not know
 * of each other. Only the limits (iops, bps) are shared.
 */
#ifndef HVCTL_DISK_H
#define HVCTL_DISK_H

#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "types.h"

#define DISK_SECTOR		512	/* what offsets and lengths are multiples of */
#define DISK_SERIAL_MAX		20	/* characters */
#define DISK_QUEUE_DEPTH_MAX	4096

/* ---- the image --------------------------------------------------------- */

struct disk;

/* What the user asked for; disk_options_parse() fills it in. */
struct disk_config {
	char path[PATH_MAX];
	bool vhost_user;	/* @path is a socket's, and the rest is its back-end's affair */
	char serial[DISK_SERIAL_MAX + 1];	/* printable ASCII, or "" */
	bool readonly;
	bool direct;		/* past the host's page cache */
	u64 iops;		/* requests a second, of any kind; 0: no limit */
	u64 bps;		/* bytes read and written a second; 0: no limit */
};

/*
 * Open the image that @config, which is copied, names. For writing nobody else
 * may have it open through this function, in this process or another, be it on
 * the same machine or through a file system that shares locks; readers share
 * it. Returns -1 with a sentence if it isn't there, isn't allowed or is locked,
 * if it is neither a regular file nor a block device, if its length is 0 or no
 * multiple of disk_block_size(), or if it can't be @direct.
 */
int disk_open(struct disk **disk, const struct disk_config *config);

/* Unlock and close. All its queues are destroyed by now. NULL is fine. */
void disk_close(struct disk *disk);

/* Bytes, a multiple of disk_block_size(). Any thread may ask; it only grows. */
u64 disk_size(const struct disk *disk);

/* The disk never changes what the following tell; any thread may ask. */
bool disk_readonly(const struct disk *disk);
const char *disk_serial(const struct disk *disk);	/* "" if the user gave none */

/*
 * Bytes that each request's offset and length must be a multiple of: what the
 * guest is to be told as the size of a logical block. 512, or for a block device
 * and past the page cache what these need, up to 4096 or so. Buffers may lie
 * anywhere; those that O_DIRECT can't take are copied.
 */
u32 disk_block_size(const struct disk *disk);

/*
 * Does DISK_DISCARD give space back? false for what is read-only. DISK_DISCARD may
 * be tried all the same; where it can't be done it ends in -EOPNOTSUPP.
 */
bool disk_can_discard(const struct disk *disk);

/*
 * Could disk_grow() do it? -1 with a sentence if @size bytes are no multiple of
 * disk_block_size(), less than the image has, or not for this disk to make: it is
 * read-only, or a block device.
 */
int disk_check_growth(const struct disk *disk, u64 size);

/*
 * Make the image @size bytes long; if that is 0, see if somebody else has made it
 * longer. Returns 1 if it has grown since it was opened or last looked at, and
 * disk_size() is the new one from then on; 0 if it is as long as it was; -1 with a
 * sentence if it is shorter, can't be asked or can't be made longer. It then keeps its
 * size, and what would be read beyond its end ends in -EIO. What is left of the
 * last block is not counted. One thread at a time.
 */
int disk_grow(struct disk *disk, u64 size);

/* Is this file the image? */
bool disk_is_file(const struct disk *disk, const struct stat *st);

/* ---- requests ---------------------------------------------------------- */

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,		/* no offset, length and buffers */
	DISK_DISCARD,		/* no buffers; what is read there later is undefined */
	DISK_WRITE_ZEROES,	/* no buffers */
	DISK_OPS
};

/*
 * A request. It belongs to its queue from disk_submit() until disk_complete()
 * returns it; until then it, the array @iov and the buffers stay where they are.
 * They are not changed, but for @result and what is the engine's own. Buffers are
 * memory that this process can access: the kernel answers -EFAULT where it can't,
 * but for what is copied (disk_block_size()) a fault is a fault.
 */
struct disk_request {
	enum disk_op op;
	bool unmap;		/* WRITE_ZEROES: the space may be given back, too */
	u64 offset;		/* in bytes */
	u64 length;		/* in bytes; 0 is fine, and done at once */
	const struct iovec *iov;	/* READ and WRITE: @length bytes in all */
	unsigned int iov_count;
	int result;		/* 0 or -errno, when it is done */
	void *opaque;		/* the caller's */

	/* The engine's own: nothing in it needs to be set before. */
	struct {
		struct disk_request *next;
		u64 start;	/* when it may begin, as rate_limit_reserve() said */
		u64 done;	/* bytes */
		void *bounce;	/* aligned memory, or NULL */
		u8 step;
	} engine;
};

/*
 * A queue is used by one thread, which lives until its requests are done: the
 * kernel cancels what a thread that ends has under way.
 */
struct disk_queue;

/*
 * Create a queue that has up to @depth (1 to DISK_QUEUE_DEPTH_MAX) requests in
 * the kernel. More can be submitted, and wait. Returns -1 with a sentence if the
 * host refuses io_uring.
 */
int disk_queue_create(struct disk_queue **queue, struct disk *disk, unsigned int depth);

/*
 * Wait until the kernel has let go of all buffers, and free the queue. Requests
 * that disk_complete() has not returned are the caller's again; those among them
 * that aren't done may have been carried out completely, partly or not at all.
 * NULL is fine.
 */
void disk_queue_destroy(struct disk_queue *queue);

/*
 * Take a request. Never waits; disk_kick() then gets it going. Returns 0, and
 * disk_complete() will return it, with any error in @result; or, if nothing can
 * come of it, a negative errno at once, and the request is the caller's:
 *   -EINVAL	unknown @op; @offset or @length no multiple of disk_block_size();
 *		@iov does not have @length bytes in all
 *   -ERANGE	it reaches beyond disk_size()
 *   -EROFS	it would change a read-only disk
 *
 * Requests that are under way at the same time are carried out in any order.
 * DISK_FLUSH makes permanent all that was written by requests which
 * disk_complete() had returned before DISK_FLUSH was submitted.
 *
 * @result, if it is not 0, is what the host's file system or device said: -EIO,
 * also for what lies beyond the end of an image that was made shorter; -ENOSPC;
 * -EOPNOTSUPP for a DISK_DISCARD that it doesn't know; -ENOMEM.
 */
int disk_submit(struct disk_queue *queue, struct disk_request *request);

/* Hand the kernel all that was submitted, in one system call. Never waits for it. */
void disk_kick(struct disk_queue *queue);

/*
 * What to poll for reading: it is readable when disk_complete() has something to
 * do, be it only to let a request go on that its limits held back. poll() and
 * epoll_wait() may fail with EINTR though there was no signal.
 */
int disk_queue_fd(const struct disk_queue *queue);

/*
 * The next request that is done, or NULL if there is none now. To be called
 * until it returns NULL, as that also gets going what had to wait.
 */
struct disk_request *disk_complete(struct disk_queue *queue);

/* ---- what was done ------------------------------------------------------- */

/* Of all its queues since it was opened. */
struct disk_counts {
	u64 requests[DISK_OPS];	/* that were carried out, by their kind */
	u64 bytes[DISK_OPS];
	u64 errors;		/* requests that failed, or that disk_submit() refused */
};

/* Any thread may ask. */
void disk_count(const struct disk *disk, struct disk_counts *counts);

#endif
