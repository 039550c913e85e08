// SPDX-License-Identifier: GPL-2.0-only
/* Queues that somebody else serves, beside one that hvctl does. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "test.h"
#include "virtio.h"

#define QUEUES		3
#define OWN		2	/* the others are foreign */
#define QUEUE_SIZE	16
#define RINGS		0x10000	/* a page for each queue */

static struct guest_memory memory;
static struct virtio_device device;
static unsigned int starts, stops, changes;
static struct virtio_queue *changed;
static bool refuse;
static int served_fd;

static void serve(struct virtio_queue *q)
{
	EXPECT_EQ(q->index, OWN);
	eventfd_write(served_fd, 1);
}

/* What it may rely on: queues are mapped, and notifications from before are not lost. */
static int start(struct virtio_device *dev)
{
	unsigned int i;
	eventfd_t count;

	EXPECT(dev == &device);
	for (i = 0; i < QUEUES; i++)
		EXPECT(dev->queue[i].running == dev->queue[i].enabled);
	if (dev->queue[0].enabled) {
		EXPECT_EQ(dev->queue[0].ring.vring.num, QUEUE_SIZE);
		EXPECT(!eventfd_read(dev->queue[0].kick_fd, &count));
	}
	starts++;
	return refuse ? fail("refused") : 0;
}

static void stop(struct virtio_device *dev)
{
	EXPECT_EQ(dev->queue[0].ring.vring.num, QUEUE_SIZE);
	stops++;
}

static void call_changed(struct virtio_queue *q)
{
	changes++;
	changed = q;
}

static const struct virtio_class class = {
	.name = "test", .serve = serve, .start = start, .stop = stop,
	.call_changed = call_changed,
};

static int signal_fd(struct virtio_device *dev, u16 vector)
{
	EXPECT(dev == &device);
	return vector == VIRTIO_MSI_NO_VECTOR ? -1 : 100 + vector;
}

static void on_signal(struct virtio_device *dev, u16 vector)
{
	EXPECT(dev == &device);
	(void)vector;
}

static void enable(unsigned int n)
{
	struct virtio_queue *q = &device.queue[n];

	q->ring.size = QUEUE_SIZE;
	q->ring.desc = RINGS + 0x1000 * n;
	q->ring.avail = q->ring.desc + 0x800;
	q->ring.used = q->ring.desc + 0xc00;
	q->enabled = true;
}

static void begin(void)
{
	EXPECT(!memory_create(&memory, MIB(2)));
	EXPECT(!virtio_init(&device, &class, 0, QUEUES, QUEUE_SIZE, &memory));
	device.signal = on_signal;
	device.signal_fd = signal_fd;
	device.queue[0].foreign = true;
	device.queue[1].foreign = true;
	starts = 0;
	stops = 0;
	changes = 0;
	refuse = false;
	served_fd = eventfd(0, EFD_CLOEXEC);
}

static void end(void)
{
	virtio_destroy(&device);
	memory_destroy(&memory);
	close(served_fd);
}

static void start_and_reset(void)
{
	eventfd_t count;

	begin();
	enable(0);
	enable(OWN);
	EXPECT(!virtio_start(&device));
	EXPECT_EQ(starts, 1);
	/* Its own queue is served, by its thread. */
	EXPECT(!eventfd_read(served_fd, &count));
	EXPECT_EQ(stops, 0);
	virtio_reset(&device);
	EXPECT_EQ(stops, 1);
	EXPECT(!device.queue[0].running && !device.queue[OWN].running);
	virtio_reset(&device);
	EXPECT_EQ(stops, 1);
	enable(0);
	EXPECT(!virtio_start(&device));
	EXPECT_EQ(starts, 2);
	end();
	EXPECT_EQ(stops, 2);
}

static void refused(void)
{
	begin();
	refuse = true;
	enable(0);
	enable(OWN);
	EXPECT_FAIL(virtio_start(&device), "refused");
	EXPECT(device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(stops, 0);
	EXPECT(!device.queue[0].running && !device.queue[OWN].running);
	refuse = false;
	virtio_reset(&device);
	enable(0);
	EXPECT(!virtio_start(&device));
	end();
}

/* Nobody else is given what can't be mapped. */
static void bad_queue(void)
{
	begin();
	enable(0);
	enable(1);
	device.queue[1].ring.used = MIB(2) - 16;
	EXPECT_EQ(virtio_start(&device), -1);
	EXPECT(device.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(starts, 0);
	end();
	EXPECT_EQ(stops, 0);
}

static void vectors(void)
{
	begin();
	enable(0);
	virtio_set_vector(&device.queue[0], 2);
	EXPECT_EQ(changes, 0);
	EXPECT_EQ(virtio_call_fd(&device.queue[0]), 102);
	EXPECT(!virtio_start(&device));
	virtio_set_vector(&device.queue[0], VIRTIO_MSI_NO_VECTOR);
	EXPECT_EQ(changes, 1);
	EXPECT(changed == &device.queue[0]);
	EXPECT_EQ(virtio_call_fd(&device.queue[0]), -1);
	/* Nobody serves it. */
	virtio_set_vector(&device.queue[1], 1);
	EXPECT_EQ(changes, 1);
	virtio_set_vector(&device.queue[OWN], 1);
	EXPECT_EQ(changes, 1);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(start_and_reset), TEST_CASE(refused), TEST_CASE(bad_queue),
	TEST_CASE(vectors),
};

TEST_SUITE(virtio_foreign_suite, "virtio_foreign", cases);
