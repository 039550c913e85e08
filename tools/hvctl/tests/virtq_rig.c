// SPDX-License-Identifier: GPL-2.0-only
#include "virtq_rig.h"

#include <stdlib.h>

#include "test.h"

struct virtq_rig vq;

/* RAM is an allocation of its own, so that ASan sees each access beside it. */
void vq_prepare(u16 size, u16 position)
{
	memset(&vq, 0, sizeof(vq));
	vq.mem = (struct guest_memory){ .host = calloc(1, LOW + HIGH), .low = LOW, .high = HIGH };
	vq.q.mem = &vq.mem;
	vq.q.size = size;
	vq.q.desc = DESC;
	vq.q.avail = AVAIL;
	vq.q.used = USED;
	vq.q.next_avail = position;
	vq.q.next_used = position;
	vq.offered = position;
	AVAIL_IDX = position;
	USED_IDX = position;
}

void vq_begin(u16 size)
{
	vq_prepare(size, 0);
	EXPECT_EQ(virtq_start(&vq.q), 0);
}

void vq_end(void)
{
	virtq_stop(&vq.q);
	free(vq.mem.host);
}

u16 *vq_word(u64 gpa)
{
	return memory_at(&vq.mem, gpa, sizeof(u16));
}

u32 vq_used_word(unsigned int entry, unsigned int word)
{
	return *(u32 *)memory_at(&vq.mem, USED + 4 + 8 * entry + 4 * word, 4);
}

void vq_set_desc(u64 table, unsigned int index, struct vring_desc d)
{
	memcpy(memory_at(&vq.mem, table + index * sizeof(d), sizeof(d)), &d, sizeof(d));
}

void vq_offer(u16 head)
{
	AVAIL_RING(vq.offered++ % vq.q.size) = head;
	AVAIL_IDX = vq.offered;
}

void vq_offer_simple(u16 head)
{
	vq_set_desc(DESC, head, (struct vring_desc){ DATA, 8, 0, 0 });
	vq_offer(head);
}

void vq_expect_taken(u16 head)
{
	vq.chain.head = ~head;
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 1);
	EXPECT_EQ(vq.chain.head, head);
}

void vq_expect_segment(unsigned int i, u64 gpa, u64 len)
{
	EXPECT_EQ(memory_gpa(&vq.mem, vq.chain.iov[i].iov_base), gpa);
	EXPECT_EQ(vq.chain.iov[i].iov_len, len);
}

void vq_expect_broken(const char *why)
{
	u16 next = vq.q.next_avail;

	EXPECT_FAIL(virtq_pop(&vq.q, &vq.chain), why);
	EXPECT(vq.q.broken);
	EXPECT_EQ(vq.q.next_avail, next);
	EXPECT_FAIL(virtq_pop(&vq.q, &vq.chain), "was not reset");
	EXPECT(!virtq_enable_notify(&vq.q));
	EXPECT_EQ(USED_IDX, vq.q.next_used);
}
