/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtqueue with RAM of its own, and the driver of it. One at a time. */
#ifndef HVCTL_VIRTQ_RIG_H
#define HVCTL_VIRTQ_RIG_H

#include "virtq.h"

#define LOW		KIB(64)
#define HIGH		KIB(16)

/* Where things are, in guest-physical memory. */
#define DESC		0x1000
#define AVAIL		0x2000
#define USED		0x3000
#define TABLE		0x4001	/* nothing aligns it */
#define DATA		0x8000

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT

struct virtq_rig {
	struct guest_memory mem;
	struct virtq q;
	struct virtq_chain chain;	/* the last one that was taken */
	u16 offered;			/* the driver's index */
};

extern struct virtq_rig vq;

/* A queue of @size, of which @position chains were used; not started. */
void vq_prepare(u16 size, u16 position);
/* A new one, started. */
void vq_begin(u16 size);
void vq_end(void);

/* ---- the driver -------------------------------------------------------- */

u16 *vq_word(u64 gpa);
u32 vq_used_word(unsigned int entry, unsigned int word);

#define AVAIL_FLAGS	(*vq_word(AVAIL))
#define AVAIL_IDX	(*vq_word(AVAIL + 2))
#define AVAIL_RING(n)	(*vq_word(AVAIL + 4 + 2 * (n)))
#define USED_EVENT	AVAIL_RING(vq.q.size)
#define USED_FLAGS	(*vq_word(USED))
#define USED_IDX	(*vq_word(USED + 2))
#define USED_ID(n)	vq_used_word(n, 0)
#define USED_LEN(n)	vq_used_word(n, 1)
#define AVAIL_EVENT	(*vq_word(USED + 4 + 8 * vq.q.size))

void vq_set_desc(u64 table, unsigned int index, struct vring_desc d);
void vq_offer(u16 head);
/* A chain of one readable descriptor. */
void vq_offer_simple(u16 head);

/* ---- the device -------------------------------------------------------- */

/* virtq_pop() takes the chain of @head. */
void vq_expect_taken(u16 head);
/* Its segment @i is that one. */
void vq_expect_segment(unsigned int i, u64 gpa, u64 len);
/* virtq_pop() breaks the queue for that reason, takes nothing, and it stays so. */
void vq_expect_broken(const char *why);

#endif
