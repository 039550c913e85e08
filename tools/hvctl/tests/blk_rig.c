// SPDX-License-Identifier: GPL-2.0-only
#include "blk_rig.h"

#include <linux/virtio_blk.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

/* A page of each for each queue, from there on */
#define DESC		0x10000
#define AVAIL		0x11000
#define USED		0x12000
#define HEADER		0x13000
#define STATUS		0x13100
#define STRIDE		0x100000

#define VECTOR		1
#define CONFIG_VECTOR	2

struct blk_rig blk;

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	if (vector == VECTOR)
		eventfd_write(blk.signal_fd, 1);
	else if (vector == CONFIG_VECTOR)
		eventfd_write(blk.config_fd, 1);
}

static int signal_fd_of(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	return vector == VECTOR ? blk.signal_fd : -1;
}

void blk_begin(void)
{
	memset(&blk, 0, sizeof(blk));
	EXPECT(!memory_create_shared(&blk.memory, MIB(4)));
	blk.signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	blk.config_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void blk_end(void)
{
	if (blk.device)
		blk.device->class->destroy(blk.device);
	memory_destroy(&blk.memory);
	close(blk.signal_fd);
	close(blk.config_fd);
}

static u64 ring(u64 gpa)
{
	return gpa + blk.queue * STRIDE;
}

void *blk_at(u64 gpa)
{
	return blk.memory.host + gpa;
}

int blk_start(void)
{
	struct virtio_device *dev = blk.device;
	unsigned int i, queue = blk.queue;

	dev->signal = on_signal;
	dev->signal_fd = signal_fd_of;
	dev->accepted = dev->offered & ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	dev->config_vector = CONFIG_VECTOR;
	for (i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queue[i];

		blk.queue = i;
		blk.offered[i] = 0;
		memset(blk_at(ring(DESC)), 0, 0x3000);
		q->ring.size = BLK_QUEUE_SIZE;
		q->ring.desc = ring(DESC);
		q->ring.avail = ring(AVAIL);
		q->ring.used = ring(USED);
		q->vector = VECTOR;
		q->enabled = true;
	}
	blk.queue = queue;
	atomic_fetch_or(&dev->status, VIRTIO_CONFIG_S_DRIVER_OK);
	return virtio_start(dev);
}

void blk_reset(void)
{
	virtio_reset(blk.device);
}

static void describe(unsigned int n, u64 gpa, u32 len, u16 flags)
{
	struct vring_desc *desc = blk_at(ring(DESC));

	desc[n] = (struct vring_desc){ .addr = gpa, .len = len, .flags = flags, .next = n + 1 };
}

void blk_offer(u32 type, u64 sector, u32 len, bool write)
{
	u16 *avail = blk_at(ring(AVAIL)), *offered = &blk.offered[blk.queue];
	unsigned int n = 0;

	*(struct virtio_blk_outhdr *)blk_at(ring(HEADER)) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*(u8 *)blk_at(ring(STATUS)) = 0xee;
	describe(n++, ring(HEADER), 16, VRING_DESC_F_NEXT);
	if (len)
		describe(n++, BLK_DATA, len,
			 VRING_DESC_F_NEXT | (write ? VRING_DESC_F_WRITE : 0));
	describe(n, ring(STATUS), 1, VRING_DESC_F_WRITE);
	avail[2 + *offered % BLK_QUEUE_SIZE] = 0;
	__atomic_store_n(&avail[1], ++*offered, __ATOMIC_RELEASE);
	eventfd_write(blk.device->queue[blk.queue].kick_fd, 1);
}

bool blk_signalled(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	return poll(&poll_fd, 1, ms) == 1 && !eventfd_read(fd, &count);
}

bool blk_done(int ms)
{
	u16 *used = blk_at(ring(USED));

	while (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != blk.offered[blk.queue]) {
		if (!blk_signalled(blk.signal_fd, ms))
			return false;
	}
	return true;
}

u8 blk_wait(void)
{
	return blk_done(10000) ? *(u8 *)blk_at(ring(STATUS)) : 0xff;
}

u8 blk_request(u32 type, u64 sector, u32 len, bool write)
{
	blk_offer(type, sector, len, write);
	return blk_wait();
}

u8 blk_read(u64 sector, u32 count)
{
	memset(blk_at(BLK_DATA), 0, count * 512);
	return blk_request(VIRTIO_BLK_T_IN, sector, count * 512, true);
}

bool blk_needs_reset(void)
{
	unsigned int i;

	for (i = 0; i < 10000 && !(blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET); i++)
		usleep(1000);
	return blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET;
}
