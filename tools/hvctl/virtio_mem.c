// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_mem.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define CLASS_OTHER	0xff0000
#define QUEUE_SIZE	16	/* a driver has one request at a time */

struct virtio_mem {
	struct virtio_device virtio;
	struct guest_memory *mem;
	const struct virtio_mem_host *host;
	/* Held while a request is carried out, and while what is wanted changes. */
	pthread_mutex_t lock;
	_Atomic u64 requested;	/* bytes */
	_Atomic u64 plugged;	/* bytes: what the region says, for who doesn't count */
};

static struct virtio_mem *mem_of(struct virtio_device *dev)
{
	return (struct virtio_mem *)dev;
}

/* ---- blocks --------------------------------------------------------------------- */

/* Blocks of the region; a request's is none if there are no such blocks. */
struct blocks {
	unsigned int first;
	unsigned int count;
};

/* 5.15.6.2: aligned, at least one, and all of them within the region */
static bool find_blocks(const struct virtio_mem *m, u64 addr, u16 count, struct blocks *blocks)
{
	const struct memory_region *region = &m->mem->region;
	u64 offset = addr - region->start;

	if (!memory_region_has(region, addr) || offset % region->block || !count ||
	    count > (region->size - offset) / region->block)
		return false;
	*blocks = (struct blocks){ offset / region->block, count };
	return true;
}

static unsigned int count_plugged(const struct virtio_mem *m, struct blocks blocks)
{
	unsigned int i, plugged = 0;

	for (i = 0; i < blocks.count; i++)
		plugged += memory_block_plugged(&m->mem->region, blocks.first + i);
	return plugged;
}

static void set_plugged(struct virtio_mem *m, struct blocks blocks, bool plugged)
{
	memory_region_set(&m->mem->region, blocks.first, blocks.count, plugged);
	m->plugged = memory_region_bytes(&m->mem->region);
	m->host->changed(m->host->opaque);
}

/*
 * Undo what was done to @count of the blocks. Where the host is too short of memory even for
 * that, a block that's hidden counts as unplugged; one that's shown stays in the guest's
 * sight, and is there when it's plugged next.
 */
static void undo_map(struct virtio_mem *m, struct blocks blocks, bool map)
{
	unsigned int i;

	for (i = 0; i < blocks.count; i++) {
		struct blocks block = { blocks.first + i, 1 };

		if (m->host->map(m->host->opaque, block.first, !map) && !map)
			set_plugged(m, block, false);
	}
}

/* Show or hide all of the blocks, or none. */
static bool map_blocks(struct virtio_mem *m, struct blocks blocks, bool map)
{
	unsigned int i;

	for (i = 0; i < blocks.count; i++) {
		if (m->host->map(m->host->opaque, blocks.first + i, map)) {
			undo_map(m, (struct blocks){ blocks.first, i }, map);
			return false;
		}
	}
	return true;
}

/*
 * A device that still worked with what was unplugged may have left something there since, so
 * that it's given back once more; the guest finds zeros.
 */
static u16 plug(struct virtio_mem *m, struct blocks blocks)
{
	u64 bytes = blocks.count * m->mem->region.block;

	if (count_plugged(m, blocks))
		return VIRTIO_MEM_RESP_ERROR;
	if (bytes > m->requested || m->plugged > m->requested - bytes)
		return VIRTIO_MEM_RESP_NACK;
	if (memory_discard_blocks(m->mem, blocks.first, blocks.count) ||
	    !map_blocks(m, blocks, true))
		return VIRTIO_MEM_RESP_BUSY;
	set_plugged(m, blocks, true);
	return VIRTIO_MEM_RESP_ACK;
}

/* A page that the host won't take back now is so when the block is plugged again. */
static u16 unplug(struct virtio_mem *m, struct blocks blocks)
{
	if (count_plugged(m, blocks) != blocks.count)
		return VIRTIO_MEM_RESP_ERROR;
	if (!map_blocks(m, blocks, false))
		return VIRTIO_MEM_RESP_BUSY;
	set_plugged(m, blocks, false);
	memory_discard_blocks(m->mem, blocks.first, blocks.count);
	return VIRTIO_MEM_RESP_ACK;
}

/* Run by run of plugged blocks; if one can't be, those before it are gone all the same. */
static u16 unplug_all(struct virtio_mem *m)
{
	const struct memory_region *region = &m->mem->region;
	unsigned int first, next, end = memory_region_blocks(region);

	for (first = 0; first < end; first = next) {
		for (next = first; next < end && memory_block_plugged(region, next); next++)
			;
		if (next == first)
			next++;
		else if (unplug(m, (struct blocks){ first, next - first }))
			return VIRTIO_MEM_RESP_BUSY;
	}
	return VIRTIO_MEM_RESP_ACK;
}

static u16 state(const struct virtio_mem *m, struct blocks blocks)
{
	unsigned int plugged = count_plugged(m, blocks);

	if (!plugged)
		return VIRTIO_MEM_STATE_UNPLUGGED;
	return plugged == blocks.count ? VIRTIO_MEM_STATE_PLUGGED : VIRTIO_MEM_STATE_MIXED;
}

/* ---- requests ------------------------------------------------------------------- */

/* All requests but UNPLUG_ALL name blocks, at the same place. */
static struct virtio_mem_resp handle(struct virtio_mem *m, const struct virtio_mem_req *req)
{
	struct virtio_mem_resp resp = { .type = VIRTIO_MEM_RESP_ERROR };
	struct blocks blocks;

	if (req->type == VIRTIO_MEM_REQ_UNPLUG_ALL) {
		resp.type = unplug_all(m);
		return resp;
	}
	if (!find_blocks(m, req->u.plug.addr, req->u.plug.nb_blocks, &blocks))
		return resp;
	switch (req->type) {
	case VIRTIO_MEM_REQ_PLUG:
		resp.type = plug(m, blocks);
		break;
	case VIRTIO_MEM_REQ_UNPLUG:
		resp.type = unplug(m, blocks);
		break;
	case VIRTIO_MEM_REQ_STATE:
		resp.type = VIRTIO_MEM_RESP_ACK;
		resp.u.state.state = state(m, blocks);
		break;
	}
	return resp;
}

/* A request that is too short is none; a buffer that is too small gets what fits. */
static u32 answer(struct virtio_mem *m, const struct virtq_chain *chain)
{
	struct virtio_mem_resp resp = { .type = VIRTIO_MEM_RESP_ERROR };
	struct virtio_mem_req req;

	if (virtq_read(chain, 0, &req, sizeof(req)) == sizeof(req)) {
		pthread_mutex_lock(&m->lock);
		resp = handle(m, &req);
		pthread_mutex_unlock(&m->lock);
	}
	return virtq_write(chain, 0, &resp, sizeof(resp));
}

static void serve(struct virtio_queue *q)
{
	struct virtio_mem *m = mem_of(q->device);
	struct virtq_chain chain;

	do {
		virtq_disable_notify(&q->ring);
		while (virtq_pop(&q->ring, &chain) > 0) {
			virtq_push(&q->ring, chain.head, answer(m, &chain));
			virtio_interrupt(q);
		}
	} while (virtq_enable_notify(&q->ring));
}

/* ---- what there should be -------------------------------------------------------- */

static void set_requested(struct virtio_mem *m, u64 bytes)
{
	bool changed = m->requested != bytes;

	m->requested = bytes;
	if (changed)
		virtio_config_changed(&m->virtio);
}

void virtio_mem_request(struct virtio_device *dev, u64 bytes)
{
	struct virtio_mem *m = mem_of(dev);

	pthread_mutex_lock(&m->lock);
	set_requested(m, bytes);
	pthread_mutex_unlock(&m->lock);
}

u64 virtio_mem_requested(struct virtio_device *dev)
{
	return mem_of(dev)->requested;
}

u64 virtio_mem_plugged(struct virtio_device *dev)
{
	return mem_of(dev)->plugged;
}

u64 virtio_mem_settle(struct virtio_device *dev)
{
	struct virtio_mem *m = mem_of(dev);
	u64 plugged;

	pthread_mutex_lock(&m->lock);
	plugged = m->plugged;
	set_requested(m, plugged);
	pthread_mutex_unlock(&m->lock);
	return plugged;
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	const struct virtio_mem *m = mem_of(dev);
	const struct memory_region *region = &m->mem->region;
	const struct virtio_mem_config config = {
		.block_size = region->block,
		.addr = region->start,
		.region_size = region->size,
		.usable_region_size = region->size,
		.plugged_size = m->plugged,
		.requested_size = m->requested,
	};

	memcpy(data, (const u8 *)&config + offset, size);
}

/* ---- the device ----------------------------------------------------------------- */

void virtio_mem_power_off(struct virtio_device *dev)
{
	struct virtio_mem *m = mem_of(dev);
	unsigned int blocks = memory_region_blocks(&m->mem->region);

	memory_region_set(&m->mem->region, 0, blocks, false);
	m->plugged = 0;
	memory_discard_blocks(m->mem, 0, blocks);
}

static void destroy(struct virtio_device *dev)
{
	virtio_destroy(dev);
	pthread_mutex_destroy(&mem_of(dev)->lock);
	free(mem_of(dev));
}

/*
 * A driver's reset unplugs nothing (5.15.5): who drives it next finds what the last one had.
 * One that would read unplugged memory, as drivers may without the feature, can't drive it.
 */
#define FEATURES	BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE)

static const struct virtio_class virtio_mem_class = {
	.name = "mem",
	.id = VIRTIO_ID_MEM,
	.pci_class = CLASS_OTHER,
	.config_size = sizeof(struct virtio_mem_config),
	.required = FEATURES,
	.read_config = read_config,
	.serve = serve,
	.destroy = destroy,
};

struct virtio_device *virtio_mem_create(struct guest_memory *mem,
					const struct virtio_mem_host *host)
{
	struct virtio_mem *m = calloc(1, sizeof(*m));

	if (!m) {
		fail("out of memory");
		return NULL;
	}
	m->mem = mem;
	m->host = host;
	if (virtio_init(&m->virtio, &virtio_mem_class, FEATURES, 1, QUEUE_SIZE, mem)) {
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->lock, NULL);
	return &m->virtio;
}
