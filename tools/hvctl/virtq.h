/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's side of a split virtqueue (virtio 1.2, 2.7): takes the driver's
 * requests out of guest memory, and gives them back.
 *
 * The driver is not trusted. It can change everything at any time, so each field
 * is fetched once, checked, and used as fetched. What it may not do breaks its
 * queue, and nothing else.
 *
 * One thread at a time uses a queue: the device's worker, or the vCPU that
 * configures it while the worker rests. Only the driver is concurrent.
 */
#ifndef HVCTL_VIRTQ_H
#define HVCTL_VIRTQ_H

#include <linux/virtio_ring.h>
#include <sys/uio.h>

#include "memory.h"
#include "types.h"

/* The largest queue that a device may offer, and the longest indirect table. */
#define VIRTQ_SIZE_MAX	1024

/*
 * Descriptors of a chain. A device tells its driver less, where it can: a disk's
 * seg_max leaves room for header and status.
 */
#define VIRTQ_IOV_MAX	256

/* 2.7.5.2: bytes of a chain, readable and writable together. */
#define VIRTQ_BYTES_MAX	GIB(4)

/* All zeros: a queue that isn't started. */
struct virtq {
	/* Set before virtq_start(), and left alone until virtq_stop(). */
	const struct guest_memory *mem;
	u16 size;		/* entries, a power of two, 1 to VIRTQ_SIZE_MAX */
	u64 desc, avail, used;	/* guest-physical addresses */
	bool event_idx;		/* VIRTIO_F_EVENT_IDX was negotiated */
	bool indirect;		/* VIRTIO_F_INDIRECT_DESC was negotiated */

	/*
	 * The device's positions. Whoever resets a queue sets both to 0; whoever
	 * restores one that had nothing in flight, to what they were.
	 */
	u16 next_avail;		/* how many chains were taken, modulo 65536 */
	u16 next_used;		/* how many were given back, modulo 65536 */

	bool broken;		/* the driver did what it may not */

	/* virtq.c's own. */
	struct vring vring;	/* the mapped parts; num is 0 while stopped */
	u16 avail_idx;		/* what the driver's index was when last looked at */
	u16 signalled;		/* next_used at the last virtq_needs_interrupt() */
	u64 in_flight[VIRTQ_SIZE_MAX / 64];	/* a bit for each head that is out */
};

/*
 * A request. It stays good until it is pushed or the queue is stopped; what the
 * iovecs point to is the guest's, and may change while it is read.
 */
struct virtq_chain {
	u16 head;		/* names the chain; no two in flight have the same */
	unsigned int out_count;	/* segments that the device reads: iov[0] and on */
	unsigned int in_count;	/* that it writes: iov[out_count] and on */
	u64 out_bytes, in_bytes;	/* VIRTQ_BYTES_MAX at most, together */
	struct iovec iov[VIRTQ_IOV_MAX];	/* none is empty */
};

/* A chain that is given back; see virtq_push(). */
struct virtq_done {
	u16 head;
	u32 written;
};

/*
 * Check and map the queue as its fields describe it. The driver is asked to
 * notify; what it offered before is there without a notification, so look once.
 * Clears @broken. Returns 0, or -1 if the size is wrong, or a part is not
 * aligned or not wholly RAM; the queue is broken then, and not started.
 */
int virtq_start(struct virtq *q);

/*
 * Touch the guest's memory no more. Chains in flight are forgotten; pushing them
 * does nothing, after a new virtq_start() too unless their heads were taken again.
 * Also for a queue that isn't started.
 */
void virtq_stop(struct virtq *q);

/*
 * Take the next chain. Returns 1 if there is one; 0 if not, or if the queue isn't
 * started; -1 if the queue is broken, now or before, and @chain is undefined.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *chain);

/*
 * Give back the chain of @head, in any order. The device wrote at least the first
 * @written bytes of its writable part (2.7.8.2), 0 to in_bytes. Chains that were
 * taken before the queue broke may be pushed. A head that isn't out is ignored.
 */
void virtq_push(struct virtq *q, u16 head, u32 written);

/* The same of @count chains, at most the queue's size: the driver sees all of them, or none. */
void virtq_push_all(struct virtq *q, const struct virtq_done *done, unsigned int count);

/*
 * As if the last @count chains had not been taken: the next virtq_pop() takes the first of
 * them again. They are those of @done; none taken since, and none of them pushed.
 */
void virtq_unpop(struct virtq *q, const struct virtq_done *done, unsigned int count);

/*
 * Does the driver want to be interrupted for what was pushed since this was asked
 * last? To be asked after each push or batch of pushes, of less than 65536.
 */
bool virtq_needs_interrupt(struct virtq *q);

/*
 * Ask the driver not to notify, while the queue is looked at anyway. A hint only:
 * notifications may still come.
 */
void virtq_disable_notify(struct virtq *q);

/*
 * Ask the driver to notify when it offers the next chain. Returns true if it has
 * done so already, perhaps without a notification, and virtq_pop() must be called
 * again. False from a broken queue, where that is of no use.
 */
bool virtq_enable_notify(struct virtq *q);

/*
 * Copy @len bytes out of a chain's readable part, or into its writable part, from
 * byte @offset of that part. Returns how many bytes were copied: fewer than @len
 * where the part ends, 0 beyond it. What was read once may not be what is there
 * the next time.
 */
size_t virtq_read(const struct virtq_chain *chain, u64 offset, void *buf, size_t len);
size_t virtq_write(const struct virtq_chain *chain, u64 offset, const void *buf, size_t len);

/*
 * Bytes @skip to @skip + @len of the @count segments @from, as segments of their own in @to,
 * which has room for @count. Returns how many there are.
 */
unsigned int virtq_slice(struct iovec *to, const struct iovec *from, unsigned int count,
			 u64 skip, u64 len);

#endif
