// SPDX-License-Identifier: GPL-2.0-only
/* Any requests, compared with a model: the image as it should be. */
#include <stdlib.h>

#include "disk_queue_rig.h"
#include "test.h"

#define SLOTS		16
#define SLOT_SIZE	(IMAGE_SIZE / SLOTS)

/* A request in a region of its own, so that the order among them doesn't matter. */
struct slot {
	struct disk_request request;
	struct iovec iov[3];
	u8 *memory;
	u64 shift;		/* how far the buffers are off alignment */
};

static struct slot slots[SLOTS];

static void submit_random(unsigned int n)
{
	u32 block = disk_block_size(dq.disk);
	struct slot *slot = &slots[n];
	struct disk_request *r = &slot->request;
	u64 at, left;
	unsigned int i;

	*r = (struct disk_request){ .op = test_random() % 5, .unmap = test_random() & 1 };
	if (r->op == DISK_FLUSH)
		goto submit;
	r->offset = n * SLOT_SIZE + test_random() % (SLOT_SIZE / block) * block;
	r->length = ((n + 1) * SLOT_SIZE - r->offset) / block;
	r->length = (test_random() % r->length + 1) * block;
	if (r->op > DISK_WRITE)
		goto submit;
	slot->shift = test_random() & 1 ? test_random() % 512 : 0;
	if (r->op == DISK_WRITE)
		dq_fill_random(slot->memory + slot->shift, r->length);
	for (i = 0, at = slot->shift, left = r->length; i < 3; i++) {
		u64 part = i == 2 ? left : test_random() % (left + 1);

		if (test_random() & 1)
			part = part / block * block;
		if (i == 2)
			part = left;
		slot->iov[i] = (struct iovec){ slot->memory + at, part };
		at += part;
		left -= part;
	}
	r->iov = slot->iov;
	r->iov_count = 3;
submit:
	EXPECT_EQ(disk_submit(dq.queue, r), 0);
}

/* Take the next one; returns its slot's number, or -1. */
static int check_next(void)
{
	const struct disk_request *r = dq_next_done();
	const struct slot *slot = (const struct slot *)r;
	const u8 *memory;

	if (!r)
		return -1;
	memory = slot->memory + slot->shift;
	EXPECT_EQ(r->result, 0);
	switch (r->op) {
	case DISK_READ:
		EXPECT(!memcmp(memory, dq_image + r->offset, r->length));
		break;
	case DISK_WRITE:
		memcpy(dq_image + r->offset, memory, r->length);
		break;
	case DISK_FLUSH:
		break;
	default:
		/* Holes read as zeros with the file systems here. */
		memset(dq_image + r->offset, 0, r->length);
	}
	return slot - slots;
}

static void random_requests(const char *path)
{
	unsigned int i, submitted;

	if (!dq_begin_random(path))
		return;
	for (i = 0; i < SLOTS; i++) {
		slots[i].memory = aligned_alloc(4096, SLOT_SIZE + 4096);
		submit_random(i);
	}
	for (submitted = SLOTS; submitted < 600; submitted++) {
		int n;

		disk_kick(dq.queue);
		n = check_next();
		if (n < 0)
			break;
		submit_random(n);
	}
	disk_kick(dq.queue);
	for (i = 0; i < SLOTS; i++)
		check_next();
	EXPECT(!disk_complete(dq.queue));
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	for (i = 0; i < SLOTS; i++)
		free(slots[i].memory);
	dq_end();
}

static void random_in_memory(void)
{
	random_requests(dq_in_memory());
}

static void random_on_disk(void)
{
	random_requests(test_file_on_disk(IMAGE_SIZE));
}

static void random_direct(void)
{
	dq.config.direct = true;
	random_requests(test_file_on_disk(IMAGE_SIZE));
}

static const struct test_case cases[] = {
	TEST_CASE(random_in_memory), TEST_CASE(random_on_disk), TEST_CASE(random_direct),
};
TEST_SUITE(disk_queue_random_suite, "disk_queue_random", cases);
