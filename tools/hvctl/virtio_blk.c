// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_blk.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define CLASS_STORAGE		0x018000
#define QUEUE_SIZE		256
#define CONFIG_SIZE		offsetof(struct virtio_blk_config, max_secure_erase_sectors)

/* Room for the header, the status and what a segment is cut into beside them. */
#define SEGMENTS_MAX		(VIRTQ_IOV_MAX - 2)

/* Of discards and zeros: what one request may name. */
#define RANGES_MAX		16
#define RANGE_SECTORS_MAX	(GIB(1) / DISK_SECTOR)

/* A driver's request on its way */
struct blk_request {
	struct blk_request *next;	/* while it is free */
	struct virtq_chain chain;
	struct disk_request disk[RANGES_MAX];	/* several for discards and zeros alone */
	struct iovec iov[VIRTQ_IOV_MAX];	/* the data's */
	unsigned int pending;	/* of @disk */
	u8 status;
};

struct blk_queue {
	struct disk_queue *disk;
	struct blk_request *requests;
	struct blk_request *free;
};

struct virtio_blk {
	struct virtio_device virtio;
	struct disk *disk;
	struct blk_queue *queues;
};

static struct virtio_blk *blk_of(struct virtio_queue *q)
{
	return (struct virtio_blk *)q->device;
}

static struct blk_queue *blk_queue(struct virtio_queue *q)
{
	return &blk_of(q)->queues[q->index];
}

/* ---- ends ----------------------------------------------------------------------- */

static u8 status_of(int error)
{
	switch (error) {
	case 0:
		return VIRTIO_BLK_S_OK;
	case -EOPNOTSUPP:
		return VIRTIO_BLK_S_UNSUPP;
	default:
		return VIRTIO_BLK_S_IOERR;
	}
}

/* The status is the last byte that the device may write (5.2.6). */
static void finish(struct virtio_queue *q, struct blk_request *r)
{
	virtq_write(&r->chain, r->chain.in_bytes - 1, &r->status, 1);
	/* Of what failed nobody knows how much was written, so none is promised. */
	virtq_push(&q->ring, r->chain.head, r->status == VIRTIO_BLK_S_OK ? r->chain.in_bytes : 0);
	r->next = blk_queue(q)->free;
	blk_queue(q)->free = r;
}

/* The first error is the request's. */
static void part_ended(struct virtio_queue *q, struct blk_request *r, int error)
{
	if (r->status == VIRTIO_BLK_S_OK)
		r->status = status_of(error);
	if (!--r->pending)
		finish(q, r);
}

static void submit(struct virtio_queue *q, struct blk_request *r, unsigned int count)
{
	unsigned int i;
	int error;

	r->status = VIRTIO_BLK_S_OK;
	r->pending = count;
	for (i = 0; i < count; i++) {
		r->disk[i].opaque = r;
		error = disk_submit(blk_queue(q)->disk, &r->disk[i]);
		if (error)
			part_ended(q, r, error);
	}
}

/* At once, without the disk */
static void answer(struct virtio_queue *q, struct blk_request *r, u8 status)
{
	r->status = status;
	finish(q, r);
}

/* ---- requests ------------------------------------------------------------------- */

/* Sectors fit: more of them than 2^55 would be beyond any image. */
static u64 sector_offset(u64 sector)
{
	return min_u64(sector, UINT64_MAX / DISK_SECTOR) * DISK_SECTOR;
}

static void start_read(struct virtio_queue *q, struct blk_request *r, u64 sector)
{
	const struct virtq_chain *chain = &r->chain;
	u64 len = chain->in_bytes - 1;

	r->disk[0] = (struct disk_request){
		.op = DISK_READ, .offset = sector_offset(sector), .length = len, .iov = r->iov,
		.iov_count = virtq_slice(r->iov, chain->iov + chain->out_count, chain->in_count,
					 0, len),
	};
	submit(q, r, 1);
}

static void start_write(struct virtio_queue *q, struct blk_request *r, u64 sector)
{
	const struct virtq_chain *chain = &r->chain;
	u64 header = sizeof(struct virtio_blk_outhdr), len = chain->out_bytes - header;

	r->disk[0] = (struct disk_request){
		.op = DISK_WRITE, .offset = sector_offset(sector), .length = len, .iov = r->iov,
		.iov_count = virtq_slice(r->iov, chain->iov, chain->out_count, header, len),
	};
	submit(q, r, 1);
}

static void start_flush(struct virtio_queue *q, struct blk_request *r)
{
	r->disk[0] = (struct disk_request){ .op = DISK_FLUSH };
	submit(q, r, 1);
}

static void give_id(struct virtio_queue *q, struct blk_request *r)
{
	char id[VIRTIO_BLK_ID_BYTES] = "";
	u64 room = r->chain.in_bytes - 1;

	memcpy(id, disk_serial(blk_of(q)->disk), strlen(disk_serial(blk_of(q)->disk)));
	virtq_write(&r->chain, 0, id, min_u64(room, sizeof(id)));
	answer(q, r, VIRTIO_BLK_S_OK);
}

/* What else a range may say: 5.2.6.2 */
static bool range_is_ok(const struct virtio_blk_discard_write_zeroes *range, u32 type)
{
	u32 known = type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	return !(range->flags & ~known) && range->num_sectors <= RANGE_SECTORS_MAX;
}

static void start_ranges(struct virtio_queue *q, struct blk_request *r, u32 type)
{
	struct virtio_blk_discard_write_zeroes range[RANGES_MAX];
	u64 header = sizeof(struct virtio_blk_outhdr), len = r->chain.out_bytes - header;
	unsigned int i, count = len / sizeof(range[0]);

	if (!count || len % sizeof(range[0]) || count > RANGES_MAX) {
		answer(q, r, VIRTIO_BLK_S_IOERR);
		return;
	}
	virtq_read(&r->chain, header, range, len);
	for (i = 0; i < count; i++) {
		if (!range_is_ok(&range[i], type)) {
			answer(q, r, VIRTIO_BLK_S_UNSUPP);
			return;
		}
		r->disk[i] = (struct disk_request){
			.op = type == VIRTIO_BLK_T_DISCARD ? DISK_DISCARD : DISK_WRITE_ZEROES,
			.unmap = range[i].flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP,
			.offset = sector_offset(range[i].sector),
			.length = (u64)range[i].num_sectors * DISK_SECTOR,
		};
	}
	submit(q, r, count);
}

static void start(struct virtio_queue *q, struct blk_request *r)
{
	struct virtio_blk_outhdr header;

	virtq_read(&r->chain, 0, &header, sizeof(header));
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		start_read(q, r, header.sector);
		break;
	case VIRTIO_BLK_T_OUT:
		start_write(q, r, header.sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		start_flush(q, r);
		break;
	case VIRTIO_BLK_T_GET_ID:
		give_id(q, r);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		start_ranges(q, r, header.type);
		break;
	default:
		answer(q, r, VIRTIO_BLK_S_UNSUPP);
	}
}

/* ---- the queue's thread --------------------------------------------------------- */

/* A request without room for its header or its status can't even be refused. */
static bool take(struct virtio_queue *q)
{
	struct blk_queue *bq = blk_queue(q);
	struct blk_request *r = bq->free;

	/* There are as many as can be in flight. */
	if (!r || virtq_pop(&q->ring, &r->chain) <= 0)
		return false;
	if (r->chain.out_bytes < sizeof(struct virtio_blk_outhdr) || !r->chain.in_bytes) {
		q->ring.broken = true;
		return false;
	}
	bq->free = r->next;
	start(q, r);
	return true;
}

static void serve(struct virtio_queue *q)
{
	struct blk_queue *bq = blk_queue(q);
	struct disk_request *done;

	do {
		virtq_disable_notify(&q->ring);
		while (take(q))
			;
		disk_kick(bq->disk);
		while ((done = disk_complete(bq->disk)))
			part_ended(q, done->opaque, done->result);
		virtio_interrupt(q);
	} while (virtq_enable_notify(&q->ring));
}

static int start_queue(struct virtio_queue *q)
{
	struct blk_queue *bq = blk_queue(q);
	unsigned int i;

	bq->requests = calloc(q->ring.size, sizeof(bq->requests[0]));
	if (!bq->requests)
		return fail("out of memory");
	if (disk_queue_create(&bq->disk, blk_of(q)->disk, q->ring.size)) {
		free(bq->requests);
		return -1;
	}
	bq->free = NULL;
	for (i = 0; i < q->ring.size; i++) {
		bq->requests[i].next = bq->free;
		bq->free = &bq->requests[i];
	}
	return disk_queue_fd(bq->disk);
}

static void stop_queue(struct virtio_queue *q)
{
	struct blk_queue *bq = blk_queue(q);

	disk_queue_destroy(bq->disk);
	free(bq->requests);
}

/* ---- the device ----------------------------------------------------------------- */

static void fill_config(const struct virtio_blk *blk, struct virtio_blk_config *config)
{
	*config = (struct virtio_blk_config){
		.capacity = disk_size(blk->disk) / DISK_SECTOR,
		.seg_max = SEGMENTS_MAX,
		.blk_size = disk_block_size(blk->disk),
		.num_queues = blk->virtio.queue_count,
		.max_discard_sectors = RANGE_SECTORS_MAX,
		.max_discard_seg = RANGES_MAX,
		.discard_sector_alignment = disk_block_size(blk->disk) / DISK_SECTOR,
		.max_write_zeroes_sectors = RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = RANGES_MAX,
		.write_zeroes_may_unmap = 1,
	};
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	struct virtio_blk_config config;

	fill_config((struct virtio_blk *)dev, &config);
	memcpy(data, (u8 *)&config + offset, size);
}

/* 5.2.3. Without CONFIG_WCE the cache is always write-back, which FLUSH tells. */
static u64 features_of(const struct disk *disk, unsigned int queues)
{
	u64 features = BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
		       BIT_ULL(VIRTIO_BLK_F_FLUSH);

	if (queues > 1)
		features |= BIT_ULL(VIRTIO_BLK_F_MQ);
	if (disk_readonly(disk))
		return features | BIT_ULL(VIRTIO_BLK_F_RO);
	features |= BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES);
	if (disk_can_discard(disk))
		features |= BIT_ULL(VIRTIO_BLK_F_DISCARD);
	return features;
}

static void destroy(struct virtio_device *dev)
{
	struct virtio_blk *blk = (struct virtio_blk *)dev;

	virtio_destroy(dev);
	disk_close(blk->disk);
	free(blk->queues);
	free(blk);
}

static const struct virtio_class virtio_blk_class = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.pci_class = CLASS_STORAGE,
	.config_size = CONFIG_SIZE,
	.read_config = read_config,
	.start_queue = start_queue,
	.stop_queue = stop_queue,
	.serve = serve,
	.destroy = destroy,
};

const struct disk *virtio_blk_disk(struct virtio_device *dev)
{
	return ((struct virtio_blk *)dev)->disk;
}

int virtio_blk_grow(struct virtio_device *dev, u64 size)
{
	int ret = disk_grow(((struct virtio_blk *)dev)->disk, size);

	if (ret > 0)
		virtio_config_changed(dev);
	return ret;
}

/* Better told to the user now than to the guest when its driver starts. */
static int try_queue(struct disk *disk)
{
	struct disk_queue *queue;

	if (disk_queue_create(&queue, disk, 1))
		return -1;
	disk_queue_destroy(queue);
	return 0;
}

struct virtio_device *virtio_blk_create(const struct disk_config *config, unsigned int queues,
					const struct guest_memory *mem)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));

	if (!blk) {
		fail("out of memory");
		return NULL;
	}
	blk->queues = calloc(queues, sizeof(blk->queues[0]));
	if (!blk->queues) {
		fail("out of memory");
		goto err_free;
	}
	if (disk_open(&blk->disk, config))
		goto err_free;
	if (try_queue(blk->disk))
		goto err_disk;
	if (virtio_init(&blk->virtio, &virtio_blk_class, features_of(blk->disk, queues), queues,
			QUEUE_SIZE, mem))
		goto err_disk;
	return &blk->virtio;

err_disk:
	disk_close(blk->disk);
err_free:
	free(blk->queues);
	free(blk);
	return NULL;
}
