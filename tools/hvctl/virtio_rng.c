// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_rng.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "error.h"

#define CLASS_OTHER	0xff0000
#define QUEUE_SIZE	64

/* getrandom() gives this much at once, whatever signals come (getrandom(2)). */
#define CHUNK		256

/* Returns the bytes that were written; a driver's buffer may be larger than is useful. */
static u32 fill(const struct virtq_chain *chain)
{
	u8 random[CHUNK];
	size_t want = min_u64(chain->in_bytes, sizeof(random));
	ssize_t got = getrandom(random, want, 0);

	return got > 0 ? virtq_write(chain, 0, random, got) : 0;
}

static void serve(struct virtio_queue *q)
{
	struct virtq_chain chain;

	do {
		virtq_disable_notify(&q->ring);
		while (virtq_pop(&q->ring, &chain) > 0)
			virtq_push(&q->ring, chain.head, fill(&chain));
		virtio_interrupt(q);
	} while (virtq_enable_notify(&q->ring));
}

static void destroy(struct virtio_device *dev)
{
	virtio_destroy(dev);
	free(dev);
}

static const struct virtio_class virtio_rng_class = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.pci_class = CLASS_OTHER,
	.serve = serve,
	.destroy = destroy,
};

struct virtio_device *virtio_rng_create(const struct guest_memory *mem)
{
	struct virtio_device *dev = malloc(sizeof(*dev));

	if (!dev) {
		fail("out of memory");
		return NULL;
	}
	if (virtio_init(dev, &virtio_rng_class, 0, 1, QUEUE_SIZE, mem)) {
		free(dev);
		return NULL;
	}
	return dev;
}
