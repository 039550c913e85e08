// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver asks of memory that comes and goes: each request is judged here once more, by
 * a list of blocks. What is plugged is mapped, and memory; what isn't is neither, whatever
 * the host refused on the way.
 */
#include <linux/virtio_mem.h>

#include "error.h"
#include "fuzz.h"
#include "virtio_mem.h"

#define RAM		MIB(2)
#define REGION		GIB(4)
#define BLOCK		MIB(2)
#define BLOCKS		64
#define MAX_BLOCKS	40	/* that may be plugged */
#define STEPS		64

#define DESC		0x0000
#define AVAIL		0x1000
#define USED		0x2000
#define REQUEST		0x3000
#define RESPONSE	0x4000

static struct guest_memory memory;
static struct fuzz *input;
static bool mapped[BLOCKS], plugged[BLOCKS];
static u32 requested;		/* blocks */
static bool refuses;		/* the host, sometimes */
static bool refused;		/* and it did during this request */

static int map_block(void *opaque, unsigned int block, bool map)
{
	(void)opaque;
	MUST(block < BLOCKS);
	/* What may be done again: hide what couldn't be hidden before. */
	MUST(mapped[block] != map || map);
	if (refuses && fuzz_u8(input) % 8 == 0) {
		refused = true;
		return fail("no memory");
	}
	mapped[block] = map;
	return 0;
}

static void on_change(void *opaque)
{
	(void)opaque;
}

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	(void)vector;
}

/* ---- the model ------------------------------------------------------------------ */

static unsigned int count(unsigned int first, unsigned int n)
{
	unsigned int i, all = 0;

	for (i = first; i < first + n; i++)
		all += plugged[i];
	return all;
}

static void set(unsigned int first, unsigned int n, bool on)
{
	unsigned int i;

	for (i = first; i < first + n; i++)
		plugged[i] = on;
}

/* The answer to a request that the host does not stand in the way of, and what it does */
static u16 judge(const struct virtio_mem_req *req, u16 *state)
{
	u64 addr = req->u.plug.addr;
	u32 n = req->u.plug.nb_blocks, first;

	if (req->type == VIRTIO_MEM_REQ_UNPLUG_ALL) {
		set(0, BLOCKS, false);
		return VIRTIO_MEM_RESP_ACK;
	}
	if (addr % BLOCK || addr < REGION || addr >= REGION + BLOCKS * BLOCK || !n)
		return VIRTIO_MEM_RESP_ERROR;
	first = (addr - REGION) / BLOCK;
	if (first + n > BLOCKS)
		return VIRTIO_MEM_RESP_ERROR;
	switch (req->type) {
	case VIRTIO_MEM_REQ_PLUG:
		if (count(first, n))
			return VIRTIO_MEM_RESP_ERROR;
		if (count(0, BLOCKS) + n > requested)
			return VIRTIO_MEM_RESP_NACK;
		set(first, n, true);
		return VIRTIO_MEM_RESP_ACK;
	case VIRTIO_MEM_REQ_UNPLUG:
		if (count(first, n) != n)
			return VIRTIO_MEM_RESP_ERROR;
		set(first, n, false);
		return VIRTIO_MEM_RESP_ACK;
	case VIRTIO_MEM_REQ_STATE:
		*state = !count(first, n) ? VIRTIO_MEM_STATE_UNPLUGGED :
			 count(first, n) == n ? VIRTIO_MEM_STATE_PLUGGED : VIRTIO_MEM_STATE_MIXED;
		return VIRTIO_MEM_RESP_ACK;
	default:
		return VIRTIO_MEM_RESP_ERROR;
	}
}

/* ---- the device ------------------------------------------------------------------ */

static u64 any_addr(void)
{
	u8 kind = fuzz_u8(input);

	if (kind < 240)
		return REGION + kind % (BLOCKS + 2) * BLOCK;
	return kind < 248 ? REGION + fuzz_u32(input) : fuzz_u64(input);
}

static struct virtio_mem_req any_request(void)
{
	u8 blocks = fuzz_u8(input);

	return (struct virtio_mem_req){
		.type = fuzz_u8(input) % 5,
		.u.plug.addr = any_addr(),
		.u.plug.nb_blocks = blocks < 250 ? blocks % 9 : blocks * 257,
	};
}

static struct virtio_mem_resp send(struct virtio_device *dev, const struct virtio_mem_req *req,
				   u16 *offered)
{
	struct vring_desc *desc = (void *)(memory.host + DESC);
	struct virtio_mem_resp *resp = (void *)(memory.host + RESPONSE);
	u16 *avail = (u16 *)(memory.host + AVAIL);

	memcpy(memory.host + REQUEST, req, sizeof(*req));
	memset(resp, 0xff, sizeof(*resp));
	desc[0] = (struct vring_desc){ REQUEST, sizeof(*req), VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc){ RESPONSE, sizeof(*resp), VRING_DESC_F_WRITE, 0 };
	avail[1] = ++*offered;
	dev->class->serve(&dev->queue[0]);
	MUST(dev->queue[0].ring.next_used == *offered);
	return *resp;
}

static void check(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		u64 gpa = REGION + i * BLOCK;

		MUST(memory_block_plugged(&memory.region, i) == plugged[i]);
		MUST(!plugged[i] || mapped[i]);
		MUST(mapped[i] == plugged[i] || refuses);
		MUST(!memory_at(&memory, gpa + BLOCK - 1, 1) == !plugged[i]);
	}
	MUST(virtio_mem_plugged(dev) == count(0, BLOCKS) * BLOCK);
}

/* The host's troubles: nothing was done, or what is gone is gone. */
static void take_over(const bool before[BLOCKS])
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		plugged[i] = memory_block_plugged(&memory.region, i);
		MUST(!plugged[i] || before[i]);
	}
}

static void step(struct virtio_device *dev, u16 *offered)
{
	struct virtio_mem_req req = any_request();
	struct virtio_mem_resp resp;
	bool before[BLOCKS];
	u16 type, state = 0;

	if (fuzz_u8(input) % 8 == 0) {
		requested = fuzz_u8(input) % (MAX_BLOCKS + 1);
		virtio_mem_request(dev, requested * BLOCK);
	}
	memcpy(before, plugged, sizeof(before));
	refused = false;
	type = judge(&req, &state);
	resp = send(dev, &req, offered);
	if (refused) {
		MUST(resp.type == VIRTIO_MEM_RESP_BUSY);
		take_over(before);
	} else {
		MUST(resp.type == type);
		MUST(resp.u.state.state == state);
	}
	check(dev);
}

static void run(struct virtio_device *dev)
{
	struct virtio_queue *q = &dev->queue[0];
	unsigned int i;
	u16 offered = 0;

	dev->signal = on_signal;
	memset(memory.host, 0, RESPONSE);
	q->ring.size = 1 << fuzz_u8(input) % 5;
	if (q->ring.size < 2)
		q->ring.size = 2;
	q->ring.desc = DESC;
	q->ring.avail = AVAIL;
	q->ring.used = USED;
	MUST(!virtq_start(&q->ring));
	refuses = fuzz_u8(input) & 1;
	for (i = 0; i < STEPS && input->left; i++)
		step(dev, &offered);
	if (fuzz_u8(input) & 1) {
		requested = virtio_mem_settle(dev) / BLOCK;
		MUST(requested == count(0, BLOCKS));
	}
	virtio_mem_power_off(dev);
	MUST(!memory_region_bytes(&memory.region));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct virtio_mem_host host = { .map = map_block, .changed = on_change };
	struct fuzz f = { data, size };
	struct virtio_device *dev;

	if (!memory.host)
		MUST(!memory_create_growing(&memory, RAM, RAM + MAX_BLOCKS * BLOCK, false));
	MUST(memory.region.block == BLOCK && memory_region_blocks(&memory.region) == BLOCKS);
	input = &f;
	requested = 0;
	memset(mapped, 0, sizeof(mapped));
	memset(plugged, 0, sizeof(plugged));
	dev = virtio_mem_create(&memory, &host);
	MUST(dev);
	run(dev);
	dev->class->destroy(dev);
	return 0;
}
