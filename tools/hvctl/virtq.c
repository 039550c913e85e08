// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues, after virtio 1.2, 2.7. Fields are little-endian (2.7.3), which
 * is the host's order, too.
 *
 * Ordering with the driver, which is on another CPU:
 * - avail.idx is read with acquire: ring entries, descriptors and buffers that the
 *   driver wrote before it (2.7.13, step 4) are there.
 * - used.idx is written with release: so are the used element and the buffers.
 * - Both suppressions are Dekker's pattern: each side writes its own word, and
 *   then reads the other's (2.7.13, step 6; 2.7.14). Only a full barrier between
 *   the two keeps both sides from reading what was there before.
 */
#include "virtq.h"

#include <string.h>

#include "error.h"

#define DESC_ALIGN	16
#define AVAIL_ALIGN	2
#define USED_ALIGN	4

/* Flags, idx, and at the end the event index, negotiated or not (2.7). */
#define RING_EXTRA	6

/* The driver's fault: the sentence is kept, and the queue is over. */
#define broke(q, ...)	({ (q)->broken = true; fail("virtqueue: " __VA_ARGS__); })

/*
 * A descriptor as the driver may be changing it: what is declared volatile is read
 * once. Nothing aligns indirect tables.
 */
struct desc_in_memory {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
} __packed __attribute__((may_alias));

_Static_assert(sizeof(struct desc_in_memory) == sizeof(struct vring_desc), "16 bytes");

/* The table that a chain is in: the queue's, then perhaps an indirect one. */
struct table {
	const volatile struct desc_in_memory *desc;
	unsigned int entries;
	unsigned int left;	/* a chain that goes on longer goes in a circle */
	bool indirect;
};

/* ---- start and stop ---------------------------------------------------- */

static void *map_part(struct virtq *q, const char *name, u64 gpa, u64 align, u64 len)
{
	void *at;

	if (gpa % align) {
		broke(q, "the %s at 0x%llx is not aligned to %llu bytes", name,
		      (unsigned long long)gpa, (unsigned long long)align);
		return NULL;
	}
	at = memory_at(q->mem, gpa, len);
	if (!at)
		broke(q, "the %s, %llu bytes at 0x%llx, is not wholly in RAM", name,
		      (unsigned long long)len, (unsigned long long)gpa);
	return at;
}

int virtq_start(struct virtq *q)
{
	struct vring v = { .num = q->size };

	virtq_stop(q);
	q->broken = false;
	if (!q->size || q->size & (q->size - 1) || q->size > VIRTQ_SIZE_MAX)
		return broke(q, "a size of %u is not a power of two up to %u",
			     q->size, VIRTQ_SIZE_MAX);
	v.desc = map_part(q, "descriptor table", q->desc, DESC_ALIGN,
			  sizeof(*v.desc) * q->size);
	if (!v.desc)
		return -1;
	v.avail = map_part(q, "available ring", q->avail, AVAIL_ALIGN,
			   RING_EXTRA + sizeof(v.avail->ring[0]) * q->size);
	if (!v.avail)
		return -1;
	v.used = map_part(q, "used ring", q->used, USED_ALIGN,
			  RING_EXTRA + sizeof(v.used->ring[0]) * q->size);
	if (!v.used)
		return -1;

	q->vring = v;
	q->avail_idx = q->next_avail;
	q->signalled = q->next_used;
	/* 2.7.10.2: with event indices the flags are 0, and stay so. */
	__atomic_store_n(&v.used->flags, 0, __ATOMIC_RELAXED);
	virtq_enable_notify(q);
	return 0;
}

void virtq_stop(struct virtq *q)
{
	memset(&q->vring, 0, sizeof(q->vring));
	memset(q->in_flight, 0, sizeof(q->in_flight));
}

/* ---- taking a chain ---------------------------------------------------- */

static struct vring_desc fetch(const struct table *t, unsigned int index)
{
	const volatile struct desc_in_memory *d = &t->desc[index];

	return (struct vring_desc){
		.addr = d->addr,
		.len = d->len,
		.flags = d->flags,
		.next = d->next,
	};
}

static int enter_indirect(struct virtq *q, struct table *t, const struct vring_desc *d)
{
	if (!q->indirect)
		return broke(q, "an indirect descriptor, which was not negotiated");
	if (t->indirect)
		return broke(q, "an indirect descriptor in an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return broke(q, "an indirect descriptor with another after it");
	if (!d->len || d->len % sizeof(*t->desc) || d->len / sizeof(*t->desc) > VIRTQ_SIZE_MAX)
		return broke(q, "an indirect table of %u bytes is not of 1 to %u descriptors",
			     d->len, VIRTQ_SIZE_MAX);
	t->desc = memory_at(q->mem, d->addr, d->len);
	if (!t->desc)
		return broke(q, "the indirect table, %u bytes at 0x%llx, is not wholly in RAM",
			     d->len, (unsigned long long)d->addr);
	t->entries = d->len / sizeof(*t->desc);
	t->left = t->entries;
	t->indirect = true;
	return 0;
}

static int add_segment(struct virtq *q, struct virtq_chain *chain, const struct vring_desc *d)
{
	unsigned int count = chain->out_count + chain->in_count;
	bool in = d->flags & VRING_DESC_F_WRITE;
	void *at;

	if (count == VIRTQ_IOV_MAX)
		return broke(q, "a chain of more than %u descriptors", VIRTQ_IOV_MAX);
	if (!in && chain->in_count)
		return broke(q, "a readable descriptor after a writable one");
	if (!d->len)
		return broke(q, "an empty descriptor");
	if (d->len > VIRTQ_BYTES_MAX - chain->out_bytes - chain->in_bytes)
		return broke(q, "a chain of more than %llu bytes", VIRTQ_BYTES_MAX + 0ULL);
	at = memory_at(q->mem, d->addr, d->len);
	if (!at)
		return broke(q, "%u bytes at 0x%llx are not wholly in RAM",
			     d->len, (unsigned long long)d->addr);

	chain->iov[count] = (struct iovec){ at, d->len };
	chain->in_count += in;
	chain->out_count += !in;
	*(in ? &chain->in_bytes : &chain->out_bytes) += d->len;
	return 0;
}

/*
 * Follow the chain from its head to its end. With an indirect table, it may be
 * longer than the queue: 2.7.5.3.1 forbids that to drivers, but Linux's do it
 * where they have fewer descriptors than the device offered.
 */
static int collect(struct virtq *q, struct virtq_chain *chain)
{
	struct table t = {
		.desc = (const void *)q->vring.desc,
		.entries = q->vring.num,
		.left = q->vring.num,
	};
	unsigned int index = chain->head;
	struct vring_desc d;

	for (;;) {
		if (index >= t.entries)
			return broke(q, "descriptor %u of %u", index, t.entries);
		if (!t.left--)
			return broke(q, "a chain of descriptors without an end");
		d = fetch(&t, index);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (enter_indirect(q, &t, &d))
				return -1;
			index = 0;
			continue;
		}
		if (add_segment(q, chain, &d))
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		index = d.next;
	}
}

/* Is there a chain? The driver's index is only looked at when it has to be. */
static int look(struct virtq *q)
{
	unsigned int ahead;

	if (q->avail_idx == q->next_avail)
		q->avail_idx = __atomic_load_n(&q->vring.avail->idx, __ATOMIC_ACQUIRE);
	ahead = (u16)(q->avail_idx - q->next_avail);
	/* Each chain needs a descriptor of the queue's, so there can't be more. */
	if (ahead > q->vring.num)
		return broke(q, "the available ring of %u has %u entries",
			     q->vring.num, ahead);
	return ahead > 0;
}

static bool is_out(const struct virtq *q, u16 head)
{
	return q->in_flight[head / 64] & BIT_ULL(head % 64);
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
	const __virtio16 *entry;
	int ret;

	if (q->broken)
		return fail("virtqueue: it is broken, and was not reset");
	if (!q->vring.num)
		return 0;
	ret = look(q);
	if (ret <= 0)
		return ret;

	entry = &q->vring.avail->ring[q->next_avail & (q->vring.num - 1)];
	memset(chain, 0, offsetof(struct virtq_chain, iov));
	chain->head = __atomic_load_n(entry, __ATOMIC_RELAXED);
	if (collect(q, chain))
		return -1;
	/* collect() has checked that it is within the table. */
	if (is_out(q, chain->head))
		return broke(q, "chain %u is offered again before it was used", chain->head);
	q->in_flight[chain->head / 64] |= BIT_ULL(chain->head % 64);
	q->next_avail++;
	return 1;
}

/* ---- giving it back ---------------------------------------------------- */

/* Put it into entry @at of the used ring; false if its head isn't out. */
static bool set_used(struct virtq *q, u16 at, const struct virtq_done *done)
{
	struct vring_used_elem *elem;
	u16 head = done->head;

	if (head >= q->vring.num || !is_out(q, head))
		return false;
	q->in_flight[head / 64] &= ~BIT_ULL(head % 64);
	elem = &q->vring.used->ring[at & (q->vring.num - 1)];
	__atomic_store_n(&elem->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&elem->len, done->written, __ATOMIC_RELAXED);
	return true;
}

void virtq_push_all(struct virtq *q, const struct virtq_done *done, unsigned int count)
{
	u16 next = q->next_used;
	unsigned int i;

	for (i = 0; i < count; i++)
		next += set_used(q, next, &done[i]);
	if (next == q->next_used)
		return;
	q->next_used = next;
	__atomic_store_n(&q->vring.used->idx, next, __ATOMIC_RELEASE);
}

void virtq_push(struct virtq *q, u16 head, u32 written)
{
	const struct virtq_done done = { head, written };

	virtq_push_all(q, &done, 1);
}

void virtq_unpop(struct virtq *q, const struct virtq_done *done, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u16 head = done[i].head;

		if (head >= q->vring.num || !is_out(q, head))
			continue;
		q->in_flight[head / 64] &= ~BIT_ULL(head % 64);
		q->next_avail--;
	}
}

/* ---- suppressing notifications ----------------------------------------- */

bool virtq_needs_interrupt(struct virtq *q)
{
	const struct vring *v = &q->vring;
	u16 old = q->signalled;

	if (!v->num || q->next_used == old)
		return false;
	q->signalled = q->next_used;
	/* used.idx is written; the driver writes its wish, and then reads used.idx. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->event_idx)
		return vring_need_event(__atomic_load_n(&vring_used_event(v), __ATOMIC_RELAXED),
					q->next_used, old);
	return !(__atomic_load_n(&v->avail->flags, __ATOMIC_RELAXED) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}

/*
 * The event index stays behind when chains are taken, and so announces none until
 * 65536 of them have passed: nothing has to be written to be left in peace.
 */
void virtq_disable_notify(struct virtq *q)
{
	if (q->vring.num && !q->event_idx)
		__atomic_store_n(&q->vring.used->flags, VRING_USED_F_NO_NOTIFY,
				 __ATOMIC_RELAXED);
}

bool virtq_enable_notify(struct virtq *q)
{
	const struct vring *v = &q->vring;

	if (!v->num || q->broken)
		return false;
	if (q->event_idx)
		__atomic_store_n(&vring_avail_event(v), q->next_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&v->used->flags, 0, __ATOMIC_RELAXED);
	/* The wish is written; the driver writes avail.idx, and then reads the wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&v->avail->idx, __ATOMIC_RELAXED) != q->next_avail;
}

/* ---- copying ----------------------------------------------------------- */

/* Either @to or @from is the other end. */
static size_t copy(const struct iovec *iov, unsigned int count, u64 offset,
		   u8 *to, const u8 *from, size_t len)
{
	size_t n, done = 0;

	for (; count && done < len; iov++, count--) {
		u8 *at = iov->iov_base;

		if (offset >= iov->iov_len) {
			offset -= iov->iov_len;
			continue;
		}
		n = min_u64(iov->iov_len - offset, len - done);
		if (to)
			memcpy(to + done, at + offset, n);
		else
			memcpy(at + offset, from + done, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t virtq_read(const struct virtq_chain *chain, u64 offset, void *buf, size_t len)
{
	return copy(chain->iov, chain->out_count, offset, buf, NULL, len);
}

size_t virtq_write(const struct virtq_chain *chain, u64 offset, const void *buf, size_t len)
{
	return copy(chain->iov + chain->out_count, chain->in_count, offset, NULL, buf, len);
}

unsigned int virtq_slice(struct iovec *to, const struct iovec *from, unsigned int count,
			 u64 skip, u64 len)
{
	unsigned int n = 0;

	for (; count && len; count--, from++) {
		u64 part;

		if (skip >= from->iov_len) {
			skip -= from->iov_len;
			continue;
		}
		part = min_u64(from->iov_len - skip, len);
		to[n++] = (struct iovec){ (u8 *)from->iov_base + skip, part };
		len -= part;
		skip = 0;
	}
	return n;
}
