// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is plugged and unplugged by a driver that the test plays. */
#include <linux/virtio_ids.h>
#include <sys/mman.h>

#include "mem_rig.h"
#include "test.h"

static struct virtio_mem_config get_config(void)
{
	struct virtio_mem_config config;

	mem.device->class->read_config(mem.device, 0, &config, sizeof(config));
	return config;
}

/* Those of @mask's bits, block by block, are plugged, mapped and memory; others aren't. */
static void expect_plugged(u64 mask)
{
	unsigned int n;

	for (n = 0; n < MEM_BLOCKS; n++) {
		EXPECT_EQ(mem.mapped[n], mask >> n & 1);
		EXPECT_EQ(memory_at(&mem.memory, mem_block(n), MEM_BLOCK) != NULL, mask >> n & 1);
	}
	EXPECT_EQ(get_config().plugged_size, __builtin_popcountll(mask) * MEM_BLOCK);
	EXPECT_EQ(virtio_mem_plugged(mem.device), __builtin_popcountll(mask) * MEM_BLOCK);
}

/* ---- tests ---------------------------------------------------------------------- */

static void configuration(void)
{
	struct virtio_mem_config config;
	u32 half;

	mem_begin();
	EXPECT_EQ(mem.device->class->id, VIRTIO_ID_MEM);
	EXPECT_EQ(mem.device->class->config_size, 56);
	EXPECT(mem.device->offered & BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE));
	EXPECT_EQ(mem.device->class->required, BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE));
	config = get_config();
	EXPECT_EQ(config.block_size, MEM_BLOCK);
	EXPECT_EQ(config.addr, MEM_REGION);
	EXPECT_EQ(config.region_size, MIB(128));
	EXPECT_EQ(config.usable_region_size, MIB(128));
	EXPECT_EQ(config.plugged_size, 0);
	EXPECT_EQ(config.requested_size, 0);
	virtio_mem_request(mem.device, MIB(6));
	EXPECT_EQ(get_config().requested_size, MIB(6));
	EXPECT_EQ(virtio_mem_requested(mem.device), MIB(6));
	EXPECT_EQ(mem.device->generation, 1);
	EXPECT_EQ(mem.config_changes, 1);
	/* What has not changed is no news. */
	virtio_mem_request(mem.device, MIB(6));
	EXPECT_EQ(mem.config_changes, 1);
	mem.device->class->read_config(mem.device,
				       offsetof(struct virtio_mem_config, requested_size), &half,
				       sizeof(half));
	EXPECT_EQ(half, MIB(6));
	mem_end();
}

static void plugs(void)
{
	mem_begin();
	/* Nothing is asked for. */
	EXPECT_EQ(PLUG(0, 1), NACK);
	virtio_mem_request(mem.device, MIB(10));
	EXPECT_EQ(PLUG(0, 2), ACK);
	expect_plugged(0x3);
	EXPECT_EQ(PLUG(40, 1), ACK);
	expect_plugged(0x3 | BIT_ULL(40));
	EXPECT_EQ(mem.changes, 2);
	/* More than is asked for, all or nothing */
	EXPECT_EQ(PLUG(10, 3), NACK);
	EXPECT_EQ(PLUG(10, 2), ACK);
	EXPECT_EQ(PLUG(20, 1), NACK);
	expect_plugged(0xc03 | BIT_ULL(40));
	/* What is plugged can't be plugged, even if more is wanted. */
	virtio_mem_request(mem.device, MIB(64));
	EXPECT_EQ(PLUG(0, 1), ERROR);
	EXPECT_EQ(PLUG(8, 4), ERROR);
	expect_plugged(0xc03 | BIT_ULL(40));
	EXPECT_EQ(mem.changes, 3);
	EXPECT_EQ(memory_size(&mem.memory), MEM_RAM + MIB(10));
	mem_end();
}

static void unplugs(void)
{
	mem_begin();
	virtio_mem_request(mem.device, MIB(12));
	EXPECT_EQ(PLUG(4, 6), ACK);
	EXPECT_EQ(UNPLUG(5, 2), ACK);
	expect_plugged(0x390);
	EXPECT_EQ(UNPLUG(5, 1), ERROR);
	EXPECT_EQ(UNPLUG(4, 2), ERROR);
	EXPECT_EQ(UNPLUG(9, 2), ERROR);
	expect_plugged(0x390);
	EXPECT_EQ(STATE(4, 1), ACK);
	EXPECT_EQ(mem.state, VIRTIO_MEM_STATE_PLUGGED);
	EXPECT_EQ(STATE(5, 2), ACK);
	EXPECT_EQ(mem.state, VIRTIO_MEM_STATE_UNPLUGGED);
	EXPECT_EQ(STATE(4, 2), ACK);
	EXPECT_EQ(mem.state, VIRTIO_MEM_STATE_MIXED);
	EXPECT_EQ(STATE(0, MEM_BLOCKS), ACK);
	EXPECT_EQ(mem.state, VIRTIO_MEM_STATE_MIXED);
	EXPECT_EQ(UNPLUG_ALL(), ACK);
	expect_plugged(0);
	EXPECT_EQ(UNPLUG_ALL(), ACK);
	EXPECT_EQ(STATE(0, MEM_BLOCKS), ACK);
	EXPECT_EQ(mem.state, VIRTIO_MEM_STATE_UNPLUGGED);
	/* What is asked for stays, and can be had again. */
	EXPECT_EQ(get_config().requested_size, MIB(12));
	EXPECT_EQ(PLUG(63, 1), ACK);
	expect_plugged(BIT_ULL(63));
	mem_end();
}

/* Addresses and numbers of blocks that there aren't */
static void outside(void)
{
	static const u16 types[] = {
		VIRTIO_MEM_REQ_PLUG, VIRTIO_MEM_REQ_UNPLUG, VIRTIO_MEM_REQ_STATE,
	};
	unsigned int i;

	mem_begin();
	virtio_mem_request(mem.device, MIB(64));
	EXPECT_EQ(PLUG(0, 8), ACK);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(mem_request(types[i], mem_block(0), 0), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(0) + 4096, 1), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(0) + 1, 1), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(0) - MEM_BLOCK, 1), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(0), MEM_BLOCKS + 1), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(63), 2), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(64), 1), ERROR);
		EXPECT_EQ(mem_request(types[i], mem_block(0), UINT16_MAX), ERROR);
		EXPECT_EQ(mem_request(types[i], 0, 1), ERROR);
		EXPECT_EQ(mem_request(types[i], UINT64_MAX - MEM_BLOCK + 1, 1), ERROR);
		EXPECT_EQ(mem_request(types[i], UINT64_MAX, UINT16_MAX), ERROR);
	}
	EXPECT_EQ(mem_request(4, mem_block(0), 1), ERROR);
	EXPECT_EQ(mem_request(UINT16_MAX, mem_block(0), 1), ERROR);
	expect_plugged(0xff);
	mem_end();
}

static void odd_buffers(void)
{
	const struct virtio_mem_req req = {
		.type = VIRTIO_MEM_REQ_PLUG, .u.plug = { .addr = MEM_REGION, .nb_blocks = 1 },
	};

	mem_begin();
	virtio_mem_request(mem.device, MIB(64));
	EXPECT_EQ(mem_send(&req, sizeof(req) - 1, 10), ERROR);
	EXPECT_EQ(mem_send(&req, 1, 10), ERROR);
	expect_plugged(0);
	/* An answer without room for all of it; requests with more than one */
	EXPECT_EQ(mem_send(&req, sizeof(req), 2), ACK);
	expect_plugged(1);
	EXPECT_EQ(mem_send(&req, sizeof(req) + 100, 100), ERROR);
	EXPECT_EQ(mem_send(&req, sizeof(req), 1), 0xff00 | ERROR);
	mem_end();
}

/* The host has what is unplugged; what is plugged begins with zeros. */
static void gives_back(void)
{
	unsigned char resident;
	u8 *page;

	mem_begin();
	virtio_mem_request(mem.device, MIB(4));
	EXPECT_EQ(PLUG(2, 2), ACK);
	page = memory_at(&mem.memory, mem_block(2) + 4096, 4096);
	EXPECT_EQ(memory_gpa(&mem.memory, page), mem_block(2) + 4096);
	memset(page, 0xa5, 4096);
	EXPECT(memory_at(&mem.memory, mem_block(2), 2 * MEM_BLOCK));
	EXPECT(!memory_at(&mem.memory, mem_block(2), 2 * MEM_BLOCK + 1));
	EXPECT_EQ(UNPLUG(2, 1), ACK);
	EXPECT(!memory_at(&mem.memory, mem_block(2) + 4096, 1));
	EXPECT(!memory_at(&mem.memory, mem_block(2) + MEM_BLOCK - 1, 2));
	EXPECT(!mincore(page, 4096, &resident));
	EXPECT_EQ(resident & 1, 0);
	/* A device that still had it */
	*page = 1;
	EXPECT_EQ(PLUG(2, 1), ACK);
	EXPECT_EQ(*page, 0);
	mem_end();
}

static void host_fails(void)
{
	mem_begin();
	virtio_mem_request(mem.device, MIB(64));
	mem.fail_at = 3;
	EXPECT_EQ(PLUG(0, 4), BUSY);
	expect_plugged(0);
	mem.fail_at = 0;
	EXPECT_EQ(PLUG(0, 4), ACK);
	mem.fail_at = mem.map_calls + 3;
	EXPECT_EQ(UNPLUG(0, 4), BUSY);
	expect_plugged(0xf);
	mem.fail_at = mem.map_calls + 1;
	EXPECT_EQ(UNPLUG_ALL(), BUSY);
	expect_plugged(0xf);
	mem_end();
}

/* Twice in a row: the block that can't be shown again isn't there any more. */
static int map_once(void *opaque, unsigned int block, bool map)
{
	return block == 1 || map ? fail("no memory") :
	       mem_rig_host.map(opaque, block, map);
}

static void host_fails_again(void)
{
	const struct virtio_mem_host poor = { map_once, mem_rig_host.changed, &mem };
	struct virtio_device *other;

	mem_begin();
	virtio_mem_request(mem.device, MIB(64));
	EXPECT_EQ(PLUG(0, 2), ACK);
	other = virtio_mem_create(&mem.memory, &poor);
	EXPECT(other);
	other->signal = mem_on_signal;
	other->queue[0].ring = mem.device->queue[0].ring;
	mem.device->class->destroy(mem.device);
	mem.device = other;
	EXPECT_EQ(UNPLUG(0, 2), BUSY);
	expect_plugged(0x2);
	mem_end();
}

static void settles(void)
{
	mem_begin();
	virtio_mem_request(mem.device, MIB(10));
	EXPECT_EQ(PLUG(0, 2), ACK);
	EXPECT_EQ(virtio_mem_settle(mem.device), MIB(4));
	EXPECT_EQ(get_config().requested_size, MIB(4));
	EXPECT_EQ(mem.config_changes, 2);
	EXPECT_EQ(PLUG(2, 1), NACK);
	EXPECT_EQ(virtio_mem_settle(mem.device), MIB(4));
	EXPECT_EQ(mem.config_changes, 2);
	mem_end();
}

/* A driver's reset is none of the machine's. */
static void resets(void)
{
	mem_begin();
	virtio_mem_request(mem.device, MIB(10));
	EXPECT_EQ(PLUG(3, 2), ACK);
	EXPECT(virtio_is_driven(mem.device));
	virtio_reset(mem.device);
	EXPECT(!virtio_is_driven(mem.device));
	expect_plugged(0x18);
	memset(memory_at(&mem.memory, mem_block(3), 1), 0xa5, MEM_BLOCK);
	virtio_mem_power_off(mem.device);
	EXPECT_EQ(virtio_mem_plugged(mem.device), 0);
	EXPECT_EQ(virtio_mem_requested(mem.device), MIB(10));
	EXPECT(!memory_at(&mem.memory, mem_block(3), 1));
	EXPECT_EQ(*memory_block_at(&mem.memory, 3), 0);
	/* Its mappings went with the VM. */
	EXPECT(mem.mapped[3]);
	mem_end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(plugs), TEST_CASE(unplugs), TEST_CASE(outside),
	TEST_CASE(odd_buffers), TEST_CASE(gives_back), TEST_CASE(host_fails),
	TEST_CASE(host_fails_again), TEST_CASE(settles), TEST_CASE(resets),
};

TEST_SUITE(virtio_mem_suite, "virtio_mem", cases);
