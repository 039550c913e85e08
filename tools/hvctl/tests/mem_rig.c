// SPDX-License-Identifier: GPL-2.0-only
#include "mem_rig.h"

#include <sys/mman.h>

#include "test.h"

#define QUEUE_SIZE	16

#define DESC		0x10000
#define AVAIL		0x11000
#define USED		0x12000
#define REQUEST		0x13000
#define RESPONSE	0x14000

struct mem_rig mem;

static int map_block(void *opaque, unsigned int block, bool map)
{
	EXPECT(opaque == &mem);
	EXPECT(block < MEM_BLOCKS);
	if (++mem.map_calls == mem.fail_at)
		return fail("the host has no memory");
	EXPECT_EQ(mem.mapped[block], !map);
	mem.mapped[block] = map;
	return 0;
}

static void on_change(void *opaque)
{
	EXPECT(opaque == &mem);
	mem.changes++;
}

const struct virtio_mem_host mem_rig_host = { map_block, on_change, &mem };

void mem_on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	mem.config_changes += !vector;
}

static void *at(u64 gpa)
{
	return memory_at(&mem.memory, gpa, 1);
}

void mem_begin(void)
{
	struct virtio_queue *q;

	memset(&mem, 0, sizeof(mem));
	EXPECT(!memory_create_growing(&mem.memory, MEM_RAM, MEM_MAX, false));
	madvise(mem.memory.host, mem.memory.mapped, MADV_NOHUGEPAGE);
	mem.device = virtio_mem_create(&mem.memory, &mem_rig_host);
	EXPECT(mem.device);
	mem.device->signal = mem_on_signal;
	mem.device->config_vector = 0;
	mem.device->status = VIRTIO_CONFIG_S_DRIVER_OK;
	q = &mem.device->queue[0];
	q->ring.size = QUEUE_SIZE;
	q->ring.desc = DESC;
	q->ring.avail = AVAIL;
	q->ring.used = USED;
	q->vector = 1;
	EXPECT(!virtq_start(&q->ring));
}

void mem_end(void)
{
	virtq_stop(&mem.device->queue[0].ring);
	mem.device->class->destroy(mem.device);
	memory_destroy(&mem.memory);
}

u16 mem_send(const struct virtio_mem_req *req, u32 out, u32 in)
{
	struct virtio_mem_resp *resp = at(RESPONSE);
	struct vring_desc *desc = at(DESC);
	u16 *avail = at(AVAIL);
	u32 *used = at(USED);

	memcpy(at(REQUEST), req, sizeof(*req));
	memset(resp, 0xff, sizeof(*resp));
	desc[0] = (struct vring_desc){ REQUEST, out, VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc){ RESPONSE, in, VRING_DESC_F_WRITE, 0 };
	avail[2 + mem.offered % QUEUE_SIZE] = 0;
	avail[1] = ++mem.offered;
	mem.device->class->serve(&mem.device->queue[0]);
	EXPECT_EQ(((u16 *)used)[1], mem.offered);
	EXPECT_EQ(used[2 + (u16)(mem.offered - 1) % QUEUE_SIZE * 2],
		  min_u64(in, sizeof(*resp)));
	mem.state = resp->u.state.state;
	return resp->type;
}

u16 mem_request(u16 type, u64 addr, u16 count)
{
	const struct virtio_mem_req req = {
		.type = type, .u.plug = { .addr = addr, .nb_blocks = count },
	};

	return mem_send(&req, sizeof(req), sizeof(struct virtio_mem_resp));
}
