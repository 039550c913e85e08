// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk's queue: requests on their way through a ring of io_uring.
 *
 * A request is one or more steps, one of which is in the kernel at a time. One
 * that moves data goes on where the last ended, until all is done. One that
 * clears goes on to the next way to do it if the file system refuses one.
 *
 * Even what needs no kernel goes through the ring, as a NOP: so the ring's own
 * fd tells of everything, and results have one way only.
 */
#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "disk_impl.h"
#include "error.h"

/* The most that one step moves: what is copied, and what the kernel takes. */
#define BOUNCE_MAX	MIB(1)
#define MOVE_MAX	MIB(1024)
#define ZEROS		KIB(256)

#define NS_PER_SECOND	1000000000ULL

enum step {
	STEP_NOTHING,
	STEP_MOVE,		/* between the image and the buffers themselves */
	STEP_BOUNCE,		/* the same by a copy */
	STEP_SYNC,
	STEP_PUNCH_HOLE,
	STEP_ZERO_RANGE,
	STEP_ZEROS,		/* write zeros */
};

struct disk_queue {
	struct disk *disk;
	struct io_uring ring;
	unsigned int depth;
	unsigned int in_kernel;	/* requests, of which some may still be in the ring */
	struct disk_request *first;	/* those that wait, in their order */
	struct disk_request **end;
	bool closing;
	bool timer_set;		/* for the first that waits */
	struct __kernel_timespec timer;
	u64 (*now)(void);
};

/* Never written to. Not const, as then it would be in hvctl's file. */
static u8 zeros[ZEROS] __attribute__((aligned(4096)));

static u64 monotonic_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

/* ---- a request's buffers ------------------------------------------------- */

/* @iov has the request's length, so this ends in it. */
static const struct iovec *find_piece(const struct disk_request *r, u64 at, u64 *offset)
{
	const struct iovec *iov = r->iov;

	while (at >= iov->iov_len) {
		at -= iov->iov_len;
		iov++;
	}
	*offset = at;
	return iov;
}

/* Copy @len bytes at @at of what the buffers hold. */
static void copy_buffers(const struct disk_request *r, u64 at, u8 *bounce, u64 len, bool out)
{
	const struct iovec *iov;
	u64 offset;

	for (iov = find_piece(r, at, &offset); len; iov++, offset = 0) {
		u64 n = min_u64(len, iov->iov_len - offset);
		u8 *buffer = (u8 *)iov->iov_base + offset;

		if (out)
			memcpy(bounce, buffer, n);
		else
			memcpy(buffer, bounce, n);
		bounce += n;
		len -= n;
	}
}

/* O_DIRECT wants each piece to begin and to end well. */
static bool must_bounce(const struct disk *disk, const struct disk_request *r)
{
	unsigned int i;

	if (!disk->config.direct)
		return false;
	for (i = 0; i < r->iov_count; i++) {
		if ((uintptr_t)r->iov[i].iov_base % disk->memory_align ||
		    r->iov[i].iov_len % disk->block_size)
			return true;
	}
	return false;
}

static bool buffers_fit(const struct disk_request *r)
{
	u64 left = r->length;
	unsigned int i;

	for (i = 0; i < r->iov_count; i++) {
		if (r->iov[i].iov_len > left)
			return false;
		left -= r->iov[i].iov_len;
	}
	return !left;
}

/* ---- steps ------------------------------------------------------------- */

static void prepare_move(struct disk_queue *q, const struct disk_request *r,
			 struct io_uring_sqe *sqe)
{
	u64 at = r->offset + r->engine.done;
	const struct iovec *iov;
	unsigned int count;
	u64 offset;

	iov = find_piece(r, r->engine.done, &offset);
	count = min_u64(r->iov + r->iov_count - iov, IOV_MAX);
	/* The rest of one that was cut goes alone: the array is not ours to change. */
	if (offset || count == 1) {
		u8 *buffer = (u8 *)iov->iov_base + offset;
		u32 len = min_u64(iov->iov_len - offset, MOVE_MAX);

		if (r->op == DISK_READ)
			io_uring_prep_read(sqe, q->disk->fd, buffer, len, at);
		else
			io_uring_prep_write(sqe, q->disk->fd, buffer, len, at);
	} else if (r->op == DISK_READ) {
		io_uring_prep_readv(sqe, q->disk->fd, iov, count, at);
	} else {
		io_uring_prep_writev(sqe, q->disk->fd, iov, count, at);
	}
}

static void prepare_bounce(struct disk_queue *q, struct disk_request *r, struct io_uring_sqe *sqe)
{
	u64 at = r->offset + r->engine.done;
	u32 len = min_u64(r->length - r->engine.done, BOUNCE_MAX);

	if (r->op == DISK_READ) {
		io_uring_prep_read(sqe, q->disk->fd, r->engine.bounce, len, at);
	} else {
		copy_buffers(r, r->engine.done, r->engine.bounce, len, true);
		io_uring_prep_write(sqe, q->disk->fd, r->engine.bounce, len, at);
	}
}

static void prepare(struct disk_queue *q, struct disk_request *r, struct io_uring_sqe *sqe)
{
	u64 left = r->length - r->engine.done;
	int fd = q->disk->fd;

	switch (r->engine.step) {
	case STEP_MOVE:
		prepare_move(q, r, sqe);
		break;
	case STEP_BOUNCE:
		prepare_bounce(q, r, sqe);
		break;
	case STEP_SYNC:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case STEP_PUNCH_HOLE:
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					r->offset, r->length);
		break;
	case STEP_ZERO_RANGE:
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
					r->offset, r->length);
		break;
	case STEP_ZEROS:
		io_uring_prep_write(sqe, fd, zeros, min_u64(left, ZEROS),
				    r->offset + r->engine.done);
		break;
	default:
		io_uring_prep_nop(sqe);
		break;
	}
}

/* The ring has a place for each request that may be in the kernel, and the timer. */
static void issue(struct disk_queue *q, struct disk_request *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);

	prepare(q, r, sqe);
	io_uring_sqe_set_data(sqe, r);
}

/* The next way to clear. Zeros written count as bytes, though they come too late to wait. */
static enum step clearing_step(struct disk_queue *q, const struct disk_request *r)
{
	struct disk *disk = q->disk;

	if (r->op == DISK_DISCARD || (r->unmap && !disk->no_punch_hole))
		return STEP_PUNCH_HOLE;
	if (!disk->no_zero_range)
		return STEP_ZERO_RANGE;
	if (rate_limit_is_set(&disk->limit))
		rate_limit_charge(&disk->limit, q->now(), r->length);
	return STEP_ZEROS;
}

static enum step first_step(struct disk_queue *q, struct disk_request *r)
{
	if (r->op == DISK_FLUSH)
		return STEP_SYNC;
	if (!r->length)
		return STEP_NOTHING;
	if (r->op == DISK_DISCARD || r->op == DISK_WRITE_ZEROES)
		return clearing_step(q, r);
	if (!must_bounce(q->disk, r))
		return STEP_MOVE;
	r->engine.bounce = aligned_alloc(DISK_SAFE_ALIGN, align_up(min_u64(r->length, BOUNCE_MAX),
								  DISK_SAFE_ALIGN));
	if (r->engine.bounce)
		return STEP_BOUNCE;
	r->result = -ENOMEM;
	return STEP_NOTHING;
}

/* ---- what waits ---------------------------------------------------------- */

static void set_timer(struct disk_queue *q, u64 when)
{
	struct io_uring_sqe *sqe;

	if (q->timer_set)
		return;
	q->timer_set = true;
	q->timer.tv_sec = when / NS_PER_SECOND;
	q->timer.tv_nsec = when % NS_PER_SECOND;
	sqe = io_uring_get_sqe(&q->ring);
	io_uring_prep_timeout(sqe, &q->timer, 0, IORING_TIMEOUT_ABS);
	io_uring_sqe_set_data(sqe, NULL);
}

/* Start those that wait, as far as the ring and the limits allow. */
static void start_waiting(struct disk_queue *q)
{
	while (q->first && q->in_kernel < q->depth) {
		struct disk_request *r = q->first;

		if (r->engine.start && r->engine.start > q->now()) {
			set_timer(q, r->engine.start);
			return;
		}
		q->first = r->engine.next;
		if (!q->first)
			q->end = &q->first;
		q->in_kernel++;
		r->engine.step = first_step(q, r);
		issue(q, r);
	}
}

static int check(const struct disk *disk, const struct disk_request *r)
{
	bool moves = r->op == DISK_READ || r->op == DISK_WRITE;
	u64 size = disk->size;

	if (r->op == DISK_FLUSH)
		return 0;
	if (r->op >= DISK_OPS)
		return -EINVAL;
	if (r->op != DISK_READ && disk->config.readonly)
		return -EROFS;
	if (r->offset % disk->block_size || r->length % disk->block_size)
		return -EINVAL;
	if (r->offset > size || r->length > size - r->offset)
		return -ERANGE;
	return moves && !buffers_fit(r) ? -EINVAL : 0;
}

int disk_submit(struct disk_queue *q, struct disk_request *r)
{
	bool moves = r->op == DISK_READ || r->op == DISK_WRITE;
	struct rate_limit *limit = &q->disk->limit;
	int ret = check(q->disk, r);

	if (ret) {
		counter_add(&q->disk->counted.errors, 1);
		return ret;
	}
	r->result = 0;
	memset(&r->engine, 0, sizeof(r->engine));
	if (rate_limit_is_set(limit))
		r->engine.start = rate_limit_reserve(limit, q->now(), moves ? r->length : 0);
	*q->end = r;
	q->end = &r->engine.next;
	start_waiting(q);
	return 0;
}

/*
 * The kernel takes less than all when it has no memory for more. That passes,
 * and nothing else would bring us here again.
 */
static void enter(struct disk_queue *q)
{
	while (io_uring_sq_ready(&q->ring)) {
		int ret = io_uring_submit(&q->ring);

		if (ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM)
			sched_yield();
		else if (ret < 0 && ret != -EINTR)
			abort();	/* the ring isn't one any more */
	}
}

void disk_kick(struct disk_queue *q)
{
	start_waiting(q);
	enter(q);
}

/* ---- results ----------------------------------------------------------- */

/* @moved bytes are done. Returns true if these were the last. */
static bool account(struct disk_queue *q, struct disk_request *r, u32 moved)
{
	/* The end of a file that isn't where it was: O_DIRECT can't go on in a block. */
	moved -= moved % (q->disk->config.direct ? q->disk->block_size : 1);
	if (!moved) {
		r->result = -EIO;
		return true;
	}
	if (r->engine.step == STEP_BOUNCE && r->op == DISK_READ)
		copy_buffers(r, r->engine.done, r->engine.bounce, moved, false);
	r->engine.done += moved;
	return r->engine.done == r->length;
}

/* Another way, for what the file system has not. Returns true if there is none. */
static bool refused(struct disk_queue *q, struct disk_request *r)
{
	if (r->engine.step == STEP_PUNCH_HOLE)
		q->disk->no_punch_hole = true;
	else if (r->engine.step == STEP_ZERO_RANGE)
		q->disk->no_zero_range = true;
	if (r->op != DISK_WRITE_ZEROES || r->engine.step == STEP_ZEROS) {
		r->result = -EOPNOTSUPP;
		return true;
	}
	r->engine.step = clearing_step(q, r);
	return false;
}

/* A step ended in @res. Returns true if the request is done, else its next one is to come. */
static bool step_done(struct disk_queue *q, struct disk_request *r, int res)
{
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (res == -EOPNOTSUPP)
		return refused(q, r);
	if (res < 0) {
		r->result = res;
		return true;
	}
	switch (r->engine.step) {
	case STEP_MOVE:
	case STEP_BOUNCE:
	case STEP_ZEROS:
		return account(q, r, res);
	default:
		return true;
	}
}

static void count_request(struct disk *disk, const struct disk_request *r)
{
	if (r->result) {
		counter_add(&disk->counted.errors, 1);
		return;
	}
	counter_add(&disk->counted.requests[r->op], 1);
	if (r->op != DISK_FLUSH)
		counter_add(&disk->counted.bytes[r->op], r->length);
}

/* Take one result. Returns the request if it is done. */
static struct disk_request *take(struct disk_queue *q, struct io_uring_cqe *cqe)
{
	struct disk_request *r = io_uring_cqe_get_data(cqe);
	int res = cqe->res;
	bool done;

	io_uring_cqe_seen(&q->ring, cqe);
	if (!r) {
		q->timer_set = false;
		start_waiting(q);
		return NULL;
	}
	done = step_done(q, r, res);
	if (!done && !q->closing) {
		issue(q, r);
		return NULL;
	}
	free(r->engine.bounce);
	q->in_kernel--;
	if (done)
		count_request(q->disk, r);
	return r;
}

struct disk_request *disk_complete(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	for (;;) {
		struct disk_request *r;

		if (io_uring_peek_cqe(&q->ring, &cqe)) {
			start_waiting(q);
			if (!io_uring_sq_ready(&q->ring))
				return NULL;
			/* What is in the page cache may be done on the way. */
			enter(q);
			continue;
		}
		r = take(q, cqe);
		if (r)
			return r;
	}
}

/* ---- queues ------------------------------------------------------------ */

static int ring_failed(int error)
{
	errno = error;
	switch (error) {
	case ENOSYS:
		return fail("--disk: this host's kernel has no io_uring, without which there are no disks; it needs one with CONFIG_IO_URING");
	case EPERM:
	case EACCES:
		return fail("--disk: this host doesn't allow io_uring, without which there are no disks; see its sysctl kernel.io_uring_disabled, and the seccomp profile if this is a container");
	default:
		return fail_errno("--disk: cannot set up io_uring");
	}
}

int disk_queue_create(struct disk_queue **out, struct disk *disk, unsigned int depth)
{
	struct disk_queue *q;
	int ret;

	if (!depth || depth > DISK_QUEUE_DEPTH_MAX)
		return fail("a disk's queue has from 1 to %u places, not %u",
			    DISK_QUEUE_DEPTH_MAX, depth);
	q = calloc(1, sizeof(*q));
	if (!q)
		return fail("out of memory");
	q->disk = disk;
	q->depth = depth;
	q->end = &q->first;
	q->now = monotonic_now;
	/* One more is for the timer. The kernel rounds up to a power of two. */
	ret = io_uring_queue_init(depth + 1, &q->ring, 0);
	if (ret) {
		free(q);
		return ring_failed(-ret);
	}
	*out = q;
	return 0;
}

void disk_queue_destroy(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	if (!q)
		return;
	q->closing = true;
	q->first = NULL;
	q->end = &q->first;
	enter(q);
	while (q->in_kernel) {
		if (!io_uring_wait_cqe(&q->ring, &cqe))
			take(q, cqe);
	}
	io_uring_queue_exit(&q->ring);
	free(q);
}

int disk_queue_fd(const struct disk_queue *q)
{
	return q->ring.ring_fd;
}

void disk_queue_set_clock(struct disk_queue *q, u64 (*now)(void))
{
	q->now = now;
}
