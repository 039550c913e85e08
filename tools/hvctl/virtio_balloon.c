// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_balloon.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "counter.h"
#include "error.h"
#include "size.h"

#define CLASS_OTHER		0xff0000
#define QUEUE_SIZE		128
#define PAGE			BIT_ULL(VIRTIO_BALLOON_PFN_SHIFT)

/*
 * Of one inflation. More may be ignored, as the driver gives pages up without a claim that
 * they are taken; and a queue's thread is soon done, whatever a request says, when the
 * device is to be reset.
 */
#define PFNS_MAX		4096
#define PFNS_AT_ONCE		256

/* More than there are; a driver may know others than hvctl. */
#define STATISTICS_MAX		64

/*
 * 5.5.2 counts five queues, some of which exist only with their features. Whether the
 * others then keep their numbers it doesn't say: Linux numbers those that exist, others go
 * by the list. There is room for either, and what isn't another queue is for reports.
 */
#define INFLATE			0
#define DEFLATE			1
#define STATISTICS		2
#define QUEUES			5

struct virtio_balloon {
	struct virtio_device virtio;
	const struct guest_memory *mem;
	/* Of the configuration; the driver's vCPUs and the queues' threads have it. */
	_Atomic u32 target;	/* pages */
	_Atomic u32 actual;	/* pages that the driver says it gave up */
	_Atomic u32 poison;	/* what the driver finds in free pages */
	counter reported;	/* bytes of free pages, at any time */

	/* The driver's buffer for statistics is kept until new ones are wanted. */
	bool has_buffer;	/* its queue's thread alone has this */
	u16 buffer;
	pthread_mutex_t lock;	/* what follows */
	struct balloon_statistics last;
	bool wanted;
};

static struct virtio_balloon *balloon_of(struct virtio_device *dev)
{
	return (struct virtio_balloon *)dev;
}

static bool has(const struct virtio_device *dev, unsigned int feature)
{
	return dev->accepted & BIT_ULL(feature);
}

/* ---- statistics ----------------------------------------------------------------- */

static void keep_statistics(struct virtio_balloon *b, const struct virtq_chain *chain)
{
	struct virtio_balloon_stat stat[STATISTICS_MAX];
	unsigned int i, count = virtq_read(chain, 0, stat, sizeof(stat)) / sizeof(stat[0]);

	pthread_mutex_lock(&b->lock);
	b->last = (struct balloon_statistics){ 0 };
	for (i = 0; i < count; i++) {
		if (stat[i].tag >= VIRTIO_BALLOON_S_NR)
			continue;
		b->last.value[stat[i].tag] = stat[i].val;
		b->last.given |= BIT(stat[i].tag);
	}
	b->wanted = false;
	pthread_mutex_unlock(&b->lock);
}

static bool statistics_wanted(struct virtio_balloon *b)
{
	bool wanted;

	pthread_mutex_lock(&b->lock);
	wanted = b->wanted;
	pthread_mutex_unlock(&b->lock);
	return wanted;
}

static void give_buffer_back(struct virtio_queue *q)
{
	struct virtio_balloon *b = balloon_of(q->device);

	if (b->has_buffer)
		virtq_push(&q->ring, b->buffer, 0);
	b->has_buffer = false;
}

/* A driver is to have one buffer there; with another, it gets the first one back. */
static void serve_statistics(struct virtio_queue *q)
{
	struct virtio_balloon *b = balloon_of(q->device);
	struct virtq_chain chain;

	do {
		virtq_disable_notify(&q->ring);
		if (statistics_wanted(b))
			give_buffer_back(q);
		while (virtq_pop(&q->ring, &chain) > 0) {
			give_buffer_back(q);
			keep_statistics(b, &chain);
			b->buffer = chain.head;
			b->has_buffer = true;
		}
		virtio_interrupt(q);
	} while (virtq_enable_notify(&q->ring));
}

void virtio_balloon_statistics(struct virtio_device *dev, struct balloon_statistics *s)
{
	struct virtio_balloon *b = balloon_of(dev);

	pthread_mutex_lock(&b->lock);
	*s = b->last;
	b->wanted = true;
	pthread_mutex_unlock(&b->lock);
	eventfd_write(dev->queue[STATISTICS].kick_fd, 1);
}

/* ---- requests ------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/*
 * Discard neighbours in one go. A number outside of RAM names nothing that could be given
 * back. The ring is not to blame for it, and a device need not take what it is offered
 * (5.5.6), so it is ignored, as is a page that the host won't take back.
 */
static void discard_pages(const struct guest_memory *mem, u32 *pfn, unsigned int count)
{
	unsigned int first, next;

	qsort(pfn, count, sizeof(*pfn), compare);
	for (first = 0; first < count; first = next) {
		u64 start = pfn[first] * PAGE, len = PAGE;

		for (next = first + 1; next < count && pfn[next] - pfn[next - 1] <= 1; next++) {
			u64 more = (pfn[next] + 1ULL) * PAGE - start;

			if (!memory_at(mem, start, more))
				break;
			len = more;
		}
		memory_discard(mem, start, len);
	}
}

static void inflate(struct virtio_balloon *b, const struct virtq_chain *chain)
{
	u64 offset, end = min_u64(chain->out_bytes, PFNS_MAX * sizeof(u32));
	u32 pfn[PFNS_AT_ONCE];

	for (offset = 0; offset < end; offset += sizeof(pfn)) {
		size_t len = min_u64(end - offset, sizeof(pfn));

		virtq_read(chain, offset, pfn, len);
		discard_pages(b->mem, pfn, len / sizeof(pfn[0]));
	}
}

/* Discarded pages have zeros, which the driver must not mind (5.5.6.7). */
static bool may_take_reports(const struct virtio_balloon *b)
{
	return has(&b->virtio, VIRTIO_BALLOON_F_REPORTING) &&
	       !(has(&b->virtio, VIRTIO_BALLOON_F_PAGE_POISON) && b->poison);
}

static void report(struct virtio_balloon *b, const struct virtq_chain *chain)
{
	const struct iovec *iov = chain->iov + chain->out_count;
	unsigned int i;

	for (i = 0; may_take_reports(b) && i < chain->in_count; i++) {
		u64 gpa = memory_gpa(b->mem, iov[i].iov_base);

		if (!memory_discard(b->mem, gpa, iov[i].iov_len))
			counter_add(&b->reported, iov[i].iov_len);
	}
}

/* Pages are the host's until the chain is pushed; then they may be in use again. */
static void handle(struct virtio_queue *q, const struct virtq_chain *chain)
{
	struct virtio_balloon *b = balloon_of(q->device);

	switch (q->index) {
	case INFLATE:
		inflate(b, chain);
		break;
	case DEFLATE:
		/* The host gives pages when they are touched. */
		break;
	default:
		report(b, chain);
	}
}

static void serve_requests(struct virtio_queue *q)
{
	struct virtq_chain chain;

	do {
		virtq_disable_notify(&q->ring);
		while (virtq_pop(&q->ring, &chain) > 0) {
			handle(q, &chain);
			virtq_push(&q->ring, chain.head, 0);
		}
		virtio_interrupt(q);
	} while (virtq_enable_notify(&q->ring));
}

static void serve(struct virtio_queue *q)
{
	if (q->index == STATISTICS && has(q->device, VIRTIO_BALLOON_F_STATS_VQ))
		serve_statistics(q);
	else
		serve_requests(q);
}

/* ---- configuration -------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	const struct virtio_balloon *b = balloon_of(dev);
	const struct virtio_balloon_config config = {
		.num_pages = b->target,
		.actual = b->actual,
		.poison_val = b->poison,
	};

	memcpy(data, (const u8 *)&config + offset, size);
}

/* Whole fields only; drivers write no others. */
static void write_config(struct virtio_device *dev, unsigned int offset, const void *data,
			 unsigned int size)
{
	struct virtio_balloon *b = balloon_of(dev);
	u32 value;

	if (size != sizeof(value))
		return;
	memcpy(&value, data, sizeof(value));
	if (offset == offsetof(struct virtio_balloon_config, actual))
		b->actual = value;
	else if (offset == offsetof(struct virtio_balloon_config, poison_val))
		b->poison = value;
}

static int check_size(const struct virtio_balloon *b, u64 bytes)
{
	u64 size = memory_size(b->mem);
	char text[32], limit[32];

	if (bytes % PAGE)
		return fail("a balloon of %llu bytes is not possible; give a multiple of 4K",
			    (unsigned long long)bytes);
	format_size(bytes, text, sizeof(text));
	if (bytes >= size)
		return fail("a balloon of %s is too large; give less than the memory of %s",
			    text, format_size(size, limit, sizeof(limit)));
	if (bytes / PAGE > UINT32_MAX)
		return fail("a balloon of %s is too large; the driver counts to less than 16384G",
			    text);
	return 0;
}

int virtio_balloon_check(const struct virtio_device *dev, u64 bytes)
{
	return check_size((const struct virtio_balloon *)dev, bytes);
}

int virtio_balloon_resize(struct virtio_device *dev, u64 bytes)
{
	if (virtio_balloon_check(dev, bytes))
		return -1;
	balloon_of(dev)->target = bytes / PAGE;
	virtio_config_changed(dev);
	return 0;
}

u64 virtio_balloon_target(struct virtio_device *dev)
{
	return balloon_of(dev)->target * PAGE;
}

u64 virtio_balloon_actual(struct virtio_device *dev)
{
	return balloon_of(dev)->actual * PAGE;
}

u64 virtio_balloon_reported(struct virtio_device *dev)
{
	return counter_read(&balloon_of(dev)->reported);
}

/* ---- the device ----------------------------------------------------------------- */

/* A driver has yet to say what it has; what it is to have is the host's affair. */
static void reset(struct virtio_device *dev)
{
	struct virtio_balloon *b = balloon_of(dev);

	b->actual = 0;
	b->poison = 0;
	b->has_buffer = false;
	pthread_mutex_lock(&b->lock);
	b->last = (struct balloon_statistics){ 0 };
	b->wanted = false;
	pthread_mutex_unlock(&b->lock);
}

static void destroy(struct virtio_device *dev)
{
	virtio_destroy(dev);
	pthread_mutex_destroy(&balloon_of(dev)->lock);
	free(balloon_of(dev));
}

static const struct virtio_class virtio_balloon_class = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.pci_class = CLASS_OTHER,
	.config_size = sizeof(struct virtio_balloon_config),
	.read_config = read_config,
	.write_config = write_config,
	.serve = serve,
	.reset = reset,
	.destroy = destroy,
};

/*
 * Not MUST_TELL_HOST: a page may be used before its deflation, as it is there when it is
 * touched. With DEFLATE_ON_OOM a driver takes some back before processes are killed; the
 * rest of that is the driver's, too.
 */
#define FEATURES	(BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ) | \
			 BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | \
			 BIT_ULL(VIRTIO_BALLOON_F_PAGE_POISON) | \
			 BIT_ULL(VIRTIO_BALLOON_F_REPORTING))

struct virtio_device *virtio_balloon_create(const struct guest_memory *mem, u64 bytes)
{
	struct virtio_balloon *b = calloc(1, sizeof(*b));

	if (!b) {
		fail("out of memory");
		return NULL;
	}
	b->mem = mem;
	b->target = bytes / PAGE;
	pthread_mutex_init(&b->lock, NULL);
	if (check_size(b, bytes) ||
	    virtio_init(&b->virtio, &virtio_balloon_class, FEATURES, QUEUES, QUEUE_SIZE, mem)) {
		pthread_mutex_destroy(&b->lock);
		free(b);
		return NULL;
	}
	return &b->virtio;
}
