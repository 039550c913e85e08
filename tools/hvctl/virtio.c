// SPDX-License-Identifier: GPL-2.0-only
#include "virtio.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "thread.h"

#define FEATURES_OF_ALL	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

/* ---- for devices ---------------------------------------------------------------- */

void virtio_interrupt(struct virtio_queue *q)
{
	if (virtq_needs_interrupt(&q->ring))
		q->device->signal(q->device, q->vector);
}

int virtio_call_fd(const struct virtio_queue *q)
{
	return q->device->signal_fd(q->device, q->vector);
}

void virtio_config_changed(struct virtio_device *dev)
{
	atomic_fetch_add(&dev->generation, 1);
	if (atomic_load(&dev->status) & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->signal(dev, dev->config_vector);
}

void virtio_needs_reset(struct virtio_device *dev)
{
	u8 old = atomic_fetch_or(&dev->status, VIRTIO_CONFIG_S_NEEDS_RESET);

	if (!(old & VIRTIO_CONFIG_S_NEEDS_RESET))
		virtio_config_changed(dev);
}

/* ---- a queue's thread ----------------------------------------------------------- */

/* A broken queue is deaf until the device is reset. */
static void serve(struct virtio_queue *q, struct pollfd *fds)
{
	eventfd_t count;

	if (fds[0].revents)
		eventfd_read(q->kick_fd, &count);
	q->device->class->serve(q);
	if (q->ring.broken) {
		fds[0].fd = -1;
		virtio_needs_reset(q->device);
	}
}

static void *queue_thread(void *arg)
{
	struct virtio_queue *q = arg;
	struct pollfd fds[] = {
		{ .fd = q->kick_fd, .events = POLLIN },
		{ .fd = q->device_fd, .events = POLLIN },
		{ .fd = q->device->stop_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[2].revents)
			break;
		serve(q, fds);
	}
	if (q->device->class->stop_queue)
		q->device->class->stop_queue(q);
	return NULL;
}

static int start_thread(struct virtio_queue *q)
{
	char name[16];

	snprintf(name, sizeof(name), "%s/%u", q->device->class->name, q->index);
	return thread_start(&q->thread, name, 0, queue_thread, q);
}

static int start_serving(struct virtio_queue *q)
{
	const struct virtio_class *class = q->device->class;

	q->device_fd = -1;
	if (class->start_queue) {
		q->device_fd = class->start_queue(q);
		if (q->device_fd < 0)
			return -1;
	}
	if (start_thread(q)) {
		if (class->stop_queue)
			class->stop_queue(q);
		return -1;
	}
	return 0;
}

static int start_queue(struct virtio_queue *q)
{
	u64 accepted = q->device->accepted;

	q->ring.event_idx = accepted & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	q->ring.indirect = accepted & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	if (virtq_start(&q->ring))
		return -1;
	if (!q->foreign && start_serving(q)) {
		virtq_stop(&q->ring);
		return -1;
	}
	q->running = true;
	/* Requests may be there already. */
	eventfd_write(q->kick_fd, 1);
	return 0;
}

static void stop_queues(struct virtio_device *dev)
{
	eventfd_t count;
	unsigned int i;

	eventfd_write(dev->stop_fd, 1);
	if (dev->started)
		dev->class->stop(dev);
	dev->started = false;
	for (i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queue[i];

		if (!q->running)
			continue;
		if (!q->foreign)
			pthread_join(q->thread, NULL);
		q->running = false;
		virtq_stop(&q->ring);
	}
	eventfd_read(dev->stop_fd, &count);
}

/* ---- the device ----------------------------------------------------------------- */

int virtio_start(struct virtio_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->queue_count; i++) {
		if (dev->queue[i].enabled && start_queue(&dev->queue[i]))
			goto err;
	}
	if (dev->class->start && dev->class->start(dev))
		goto err;
	dev->started = dev->class->start != NULL;
	return 0;
err:
	stop_queues(dev);
	virtio_needs_reset(dev);
	return -1;
}

void virtio_set_vector(struct virtio_queue *q, u16 vector)
{
	q->vector = vector;
	if (q->foreign && q->running)
		q->device->class->call_changed(q);
}

void virtio_reset(struct virtio_device *dev)
{
	eventfd_t count;
	unsigned int i;

	stop_queues(dev);
	atomic_store(&dev->status, 0);
	dev->accepted = 0;
	dev->config_vector = VIRTIO_MSI_NO_VECTOR;
	for (i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queue[i];

		q->ring = (struct virtq){ .mem = q->ring.mem, .size = q->size_max };
		q->vector = VIRTIO_MSI_NO_VECTOR;
		q->enabled = false;
		eventfd_read(q->kick_fd, &count);
	}
	if (dev->class->reset)
		dev->class->reset(dev);
}

static int open_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? fail_errno("cannot create an eventfd") : 0;
}

int virtio_init(struct virtio_device *dev, const struct virtio_class *class, u64 features,
		unsigned int queues, u16 size, const struct guest_memory *mem)
{
	unsigned int i;

	*dev = (struct virtio_device){ .class = class, .offered = features | FEATURES_OF_ALL };
	if (open_eventfd(&dev->stop_fd))
		return -1;
	dev->queue = calloc(queues, sizeof(dev->queue[0]));
	if (!dev->queue) {
		close(dev->stop_fd);
		return fail("out of memory");
	}
	for (i = 0; i < queues; i++) {
		struct virtio_queue *q = &dev->queue[i];

		*q = (struct virtio_queue){ .device = dev, .index = i, .size_max = size };
		q->ring.mem = mem;
		if (open_eventfd(&q->kick_fd)) {
			virtio_destroy(dev);
			return -1;
		}
		dev->queue_count++;
	}
	virtio_reset(dev);
	return 0;
}

void virtio_destroy(struct virtio_device *dev)
{
	unsigned int i;

	stop_queues(dev);
	for (i = 0; i < dev->queue_count; i++)
		close(dev->queue[i].kick_fd);
	free(dev->queue);
	close(dev->stop_fd);
}
