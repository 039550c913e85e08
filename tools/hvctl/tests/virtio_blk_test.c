// SPDX-License-Identifier: GPL-2.0-only
#include <linux/virtio_blk.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"
#include "virtio_blk.h"

#define SECTORS		64
#define QUEUE_SIZE	16

#define DESC		0x10000
#define AVAIL		0x11000
#define USED		0x12000
#define HEADER		0x13000
#define STATUS		0x14000
#define DATA		0x20000

static struct guest_memory memory;
static struct virtio_device *device;
static u8 image[SECTORS * 512];
static const char *path;
static int signal_fd;
static struct virtio_device *signaller;
static unsigned int offered;

static void on_signal(struct virtio_device *dev, u16 vector)
{
	signaller = dev;
	EXPECT_EQ(vector, 1);
	eventfd_write(signal_fd, 1);
}

static void close_rig(void)
{
	memory_destroy(&memory);
	close(signal_fd);
}

static void end(void)
{
	device->class->destroy(device);
	close_rig();
}

static bool start(const char *options)
{
	static struct disk_config config;
	struct virtio_queue *q;
	unsigned int i;

	for (i = 0; i < sizeof(image); i++)
		image[i] = test_random();
	path = test_file(image, sizeof(image));
	EXPECT(!memory_create(&memory, MIB(2)));
	signal_fd = eventfd(0, EFD_CLOEXEC);
	offered = 0;
	config = (struct disk_config){ .readonly = !strcmp(options, "readonly") };
	strcpy(config.path, path);
	strcpy(config.serial, "0123456789abcdefghij");
	device = virtio_blk_create(&config, 1, &memory);
	if (!device) {
		EXPECT_HAS(fail_text(), "io_uring");
		test_skip("this host refuses io_uring");
		close_rig();
		return false;
	}
	device->signal = on_signal;
	device->accepted = device->offered & ~(BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	q = &device->queue[0];
	q->ring.size = QUEUE_SIZE;
	q->ring.desc = DESC;
	q->ring.avail = AVAIL;
	q->ring.used = USED;
	q->vector = 1;
	q->enabled = true;
	EXPECT(!virtio_start(device));
	return true;
}

static void *at(u64 gpa)
{
	return memory.host + gpa;
}

static void set_header(u32 type, u64 sector)
{
	*(struct virtio_blk_outhdr *)at(HEADER) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*(u8 *)at(STATUS) = 0xee;
}

static void describe(unsigned int n, u64 gpa, u32 len, u16 flags)
{
	struct vring_desc *desc = at(DESC);

	desc[n] = (struct vring_desc){ .addr = gpa, .len = len, .flags = flags, .next = n + 1 };
}

/* Offers the chain that begins with descriptor 0; returns the used length. */
static u32 offer(void)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };
	u16 *avail = at(AVAIL), *used = at(USED);
	eventfd_t count;

	avail[2 + offered % QUEUE_SIZE] = 0;
	__atomic_store_n(&avail[1], ++offered, __ATOMIC_RELEASE);
	eventfd_write(device->queue[0].kick_fd, 1);
	EXPECT_EQ(poll(&fd, 1, 10000), 1);
	eventfd_read(signal_fd, &count);
	EXPECT(signaller == device);
	EXPECT_EQ(__atomic_load_n(&used[1], __ATOMIC_ACQUIRE), (u16)offered);
	return *(u32 *)(used + 2 + (offered - 1) % QUEUE_SIZE * 4 + 2);
}

/* A request with @len bytes at DATA, which the device reads or, with WRITE, writes. */
static u8 request(u32 type, u64 sector, u32 len, u16 flags)
{
	unsigned int n = 0;

	set_header(type, sector);
	describe(n++, HEADER, 16, VRING_DESC_F_NEXT);
	if (len)
		describe(n++, DATA, len, VRING_DESC_F_NEXT | flags);
	describe(n, STATUS, 1, VRING_DESC_F_WRITE);
	offer();
	return *(u8 *)at(STATUS);
}

static u8 read_sectors(u64 sector, u32 count)
{
	memset(at(DATA), 0, count * 512);
	return request(VIRTIO_BLK_T_IN, sector, count * 512, VRING_DESC_F_WRITE);
}

static void configuration(void)
{
	struct virtio_blk_config config;

	if (!start(""))
		return;
	device->class->read_config(device, 0, &config, offsetof(struct virtio_blk_config,
								max_secure_erase_sectors));
	EXPECT_EQ(config.capacity, SECTORS);
	EXPECT_EQ(config.seg_max, VIRTQ_IOV_MAX - 2);
	EXPECT_EQ(config.blk_size, 512);
	EXPECT_EQ(config.num_queues, 1);
	EXPECT_EQ(config.write_zeroes_may_unmap, 1);
	EXPECT(device->offered & BIT_ULL(VIRTIO_BLK_F_FLUSH));
	EXPECT(device->offered & BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES));
	EXPECT(!(device->offered & BIT_ULL(VIRTIO_BLK_F_RO)));
	EXPECT(!(device->offered & BIT_ULL(VIRTIO_BLK_F_MQ)));
	end();
}

static void reads_and_writes(void)
{
	if (!start(""))
		return;
	EXPECT_EQ(read_sectors(3, 5), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), image + 3 * 512, 5 * 512));
	memset(at(DATA), 0x5a, 1024);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 62, 1024, 0), VIRTIO_BLK_S_OK);
	EXPECT_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	EXPECT_EQ(read_sectors(61, 3), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), image + 61 * 512, 512));
	EXPECT_EQ(*(u8 *)at(DATA + 512), 0x5a);
	EXPECT_EQ(*(u8 *)at(DATA + 3 * 512 - 1), 0x5a);
	/* Beyond the end; not a whole sector */
	EXPECT_EQ(read_sectors(63, 2), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(read_sectors(UINT64_MAX, 1), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 64, 512, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 0, 100, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(42, 0, 512, 0), VIRTIO_BLK_S_UNSUPP);
	end();
}

/* Header, data and status may be in whatever segments (2.7.4.2). */
static void odd_segments(void)
{
	u32 used;

	if (!start(""))
		return;
	set_header(VIRTIO_BLK_T_IN, 7);
	describe(0, HEADER, 5, VRING_DESC_F_NEXT);
	describe(1, HEADER + 5, 11, VRING_DESC_F_NEXT);
	describe(2, DATA, 300, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	/* The last byte of these 725 is the status. */
	describe(3, DATA + 300, 725, VRING_DESC_F_WRITE);
	used = offer();
	EXPECT_EQ(used, 1025);
	EXPECT(!memcmp(at(DATA), image + 7 * 512, 1024));
	EXPECT_EQ(*(u8 *)at(DATA + 1024), VIRTIO_BLK_S_OK);

	/* Header and data in one */
	set_header(VIRTIO_BLK_T_OUT, 9);
	memset(at(HEADER + 16), 0x77, 512);
	describe(0, HEADER, 16 + 512, VRING_DESC_F_NEXT);
	describe(1, STATUS, 1, VRING_DESC_F_WRITE);
	EXPECT_EQ(offer(), 1);
	EXPECT_EQ(*(u8 *)at(STATUS), VIRTIO_BLK_S_OK);
	EXPECT_EQ(read_sectors(9, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(*(u8 *)at(DATA + 511), 0x77);
	end();
}

static void identification(void)
{
	if (!start(""))
		return;
	memset(at(DATA), 0xff, 21);
	EXPECT_EQ(request(VIRTIO_BLK_T_GET_ID, 0, 20, VRING_DESC_F_WRITE), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), "0123456789abcdefghij\xff", 21));
	end();
}

static u8 ranges(u32 type, const struct virtio_blk_discard_write_zeroes *range, u32 bytes)
{
	memcpy(at(DATA), range, bytes);
	return request(type, 0, bytes, 0);
}

static void zeros_and_discards(void)
{
	static const u8 zeros[512];
	struct virtio_blk_discard_write_zeroes range[17] = {
		{ .sector = 2, .num_sectors = 1 },
		{ .sector = 10, .num_sectors = 3, .flags = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP },
	};

	if (!start(""))
		return;
	EXPECT_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, range, 32), VIRTIO_BLK_S_OK);
	EXPECT_EQ(read_sectors(1, 3), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), image + 512, 512));
	EXPECT(!memcmp(at(DATA + 512), zeros, 512));
	EXPECT(!memcmp(at(DATA + 1024), image + 3 * 512, 512));
	EXPECT_EQ(read_sectors(12, 2), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), zeros, 512));
	EXPECT(!memcmp(at(DATA + 512), image + 13 * 512, 512));
	/* Discards know no flags; a part of a range, none, and too many */
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range + 1, 16), VIRTIO_BLK_S_UNSUPP);
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range, 16), VIRTIO_BLK_S_OK);
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range, 15), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range, 17 * 16), VIRTIO_BLK_S_IOERR);
	range[1].flags = 0;
	range[1].num_sectors = UINT32_MAX;
	EXPECT_EQ(ranges(VIRTIO_BLK_T_DISCARD, range, 32), VIRTIO_BLK_S_UNSUPP);
	range[1].num_sectors = SECTORS;
	EXPECT_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, range, 32), VIRTIO_BLK_S_IOERR);
	end();
}

static void readonly(void)
{
	if (!start("readonly"))
		return;
	EXPECT(device->offered & BIT_ULL(VIRTIO_BLK_F_RO));
	EXPECT(!(device->offered & BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES)));
	EXPECT_EQ(read_sectors(0, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(read_sectors(0, 1), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(at(DATA), image, 512));
	end();
}

/* No room for a status: there is nobody to tell but by NEEDS_RESET. */
static void broken(void)
{
	struct pollfd fd = { .events = POLLIN };
	u16 *avail;

	if (!start(""))
		return;
	avail = at(AVAIL);
	fd.fd = signal_fd;
	atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_DRIVER_OK);
	device->config_vector = 1;
	describe(0, HEADER, 16, 0);
	avail[2] = 0;
	__atomic_store_n(&avail[1], 1, __ATOMIC_RELEASE);
	eventfd_write(device->queue[0].kick_fd, 1);
	EXPECT_EQ(poll(&fd, 1, 10000), 1);
	EXPECT(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(reads_and_writes), TEST_CASE(odd_segments),
	TEST_CASE(identification), TEST_CASE(zeros_and_discards), TEST_CASE(readonly),
	TEST_CASE(broken),
};
TEST_SUITE(virtio_blk_suite, "virtio_blk", cases);
