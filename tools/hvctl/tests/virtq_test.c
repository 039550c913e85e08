// SPDX-License-Identifier: GPL-2.0-only
/* The tests are the driver: a polite one, and a hostile one. */
#include <stdlib.h>

#include "test.h"
#include "virtq_rig.h"

/* ---- start ------------------------------------------------------------- */

static void sizes(void)
{
	static const u16 bad[] = { 0, 3, 6, 1023, 1025, 2048, 32768, 65535 };
	unsigned int i;

	vq_prepare(8, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vq.q.size = bad[i];
		EXPECT_FAIL(virtq_start(&vq.q), "not a power of two up to 1024");
		EXPECT(vq.q.broken);
	}
	vq.q.desc = 0;
	vq.q.avail = KIB(16);
	vq.q.used = KIB(32);
	for (i = 1; i <= VIRTQ_SIZE_MAX; i *= 2) {
		vq.q.size = i;
		EXPECT_EQ(virtq_start(&vq.q), 0);
		EXPECT(!vq.q.broken);
	}
	vq_end();
}

static void expect_bad_part(u64 *address, u64 gpa, const char *why)
{
	u64 good = *address;

	*address = gpa;
	EXPECT_FAIL(virtq_start(&vq.q), why);
	EXPECT(vq.q.broken);
	/* It isn't started. */
	EXPECT(!virtq_enable_notify(&vq.q));
	*address = good;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	EXPECT(!vq.q.broken);
}

static void alignment(void)
{
	vq_begin(8);
	expect_bad_part(&vq.q.desc, DESC + 8, "descriptor table at 0x1008 is not aligned to 16");
	expect_bad_part(&vq.q.avail, AVAIL + 1, "available ring at 0x2001 is not aligned to 2");
	expect_bad_part(&vq.q.used, USED + 2, "used ring at 0x3002 is not aligned to 4");
	vq.q.desc += 16;
	vq.q.avail += 2;
	vq.q.used += 4;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	vq_end();
}

/* Up to the last byte of either part of RAM, and not one further. */
static void expect_fits(u64 *address, u64 len, u64 align, const char *why)
{
	u64 good = *address, high_end = HIGH_MEMORY_START + HIGH;

	*address = align_down(LOW - len, align);
	EXPECT_EQ(virtq_start(&vq.q), 0);
	expect_bad_part(address, *address + align, why);
	*address = align_down(high_end - len, align);
	EXPECT_EQ(virtq_start(&vq.q), 0);
	expect_bad_part(address, *address + align, why);
	expect_bad_part(address, LOW, why);
	expect_bad_part(address, HIGH_MEMORY_START - align, why);
	expect_bad_part(address, -align, why);
	*address = good;
}

static void parts_in_ram(void)
{
	vq_begin(8);
	expect_fits(&vq.q.desc, 16 * 8, 16, "the descriptor table, 128 bytes");
	expect_fits(&vq.q.avail, 6 + 2 * 8, 2, "the available ring, 22 bytes");
	expect_fits(&vq.q.used, 6 + 8 * 8, 4, "the used ring, 70 bytes");
	vq_end();
}

/* Whatever the rings held before: the driver is asked to notify. */
static void start_notifies(void)
{
	vq_prepare(8, 0xfffe);
	USED_FLAGS = 0xffff;
	AVAIL_EVENT = 0x1234;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	EXPECT_EQ(USED_FLAGS, 0);
	EXPECT_EQ(AVAIL_EVENT, 0x1234);

	vq.q.event_idx = true;
	USED_FLAGS = 0xffff;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	EXPECT_EQ(USED_FLAGS, 0);
	EXPECT_EQ(AVAIL_EVENT, 0xfffe);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
	EXPECT(!virtq_needs_interrupt(&vq.q));
	vq_end();
}

static void stopped(void)
{
	vq_begin(8);
	vq_offer_simple(3);
	vq_offer_simple(4);
	vq_expect_taken(3);
	virtq_stop(&vq.q);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
	EXPECT(!virtq_enable_notify(&vq.q));
	virtq_disable_notify(&vq.q);
	EXPECT_EQ(USED_FLAGS, 0);
	virtq_push(&vq.q, 3, 0);
	EXPECT_EQ(USED_IDX, 0);
	EXPECT(!virtq_needs_interrupt(&vq.q));

	/* It goes on where it was; what was in flight isn't any more. */
	EXPECT_EQ(virtq_start(&vq.q), 0);
	virtq_push(&vq.q, 3, 0);
	EXPECT_EQ(USED_IDX, 0);
	vq_expect_taken(4);
	virtq_push(&vq.q, 4, 0);
	EXPECT_EQ(USED_IDX, 1);
	vq_end();
}

/* ---- chains ------------------------------------------------------------ */

static void one_chain(void)
{
	vq_begin(8);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
	/* In no order, at either end of RAM, and with flags that mean nothing. */
	vq_set_desc(DESC, 5, (struct vring_desc){ 0, 16, NEXT | 0xfff8, 2 });
	vq_set_desc(DESC, 2, (struct vring_desc){ LOW - 4, 4, NEXT, 7 });
	vq_set_desc(DESC, 7, (struct vring_desc){ HIGH_MEMORY_START, HIGH, NEXT | WRITE, 0 });
	vq_set_desc(DESC, 0, (struct vring_desc){ DATA, 1, WRITE, 0xffff });
	vq_offer(5);
	vq_expect_taken(5);
	EXPECT_EQ(vq.chain.out_count, 2);
	EXPECT_EQ(vq.chain.in_count, 2);
	EXPECT_EQ(vq.chain.out_bytes, 20);
	EXPECT_EQ(vq.chain.in_bytes, HIGH + 1);
	vq_expect_segment(0, 0, 16);
	vq_expect_segment(1, LOW - 4, 4);
	vq_expect_segment(2, HIGH_MEMORY_START, HIGH);
	vq_expect_segment(3, DATA, 1);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);

	virtq_push(&vq.q, 5, HIGH + 1);
	EXPECT_EQ(USED_ID(0), 5);
	EXPECT_EQ(USED_LEN(0), HIGH + 1);
	EXPECT_EQ(USED_IDX, 1);
	EXPECT(!vq.q.broken);
	vq_end();
}

/* All readable, all writable. */
static void one_sided(void)
{
	vq_begin(2);
	vq_offer_simple(1);
	vq_expect_taken(1);
	EXPECT_EQ(vq.chain.out_count, 1);
	EXPECT_EQ(vq.chain.in_count, 0);
	EXPECT_EQ(vq.chain.in_bytes, 0);
	virtq_push(&vq.q, 1, 0);

	vq_set_desc(DESC, 0, (struct vring_desc){ DATA, 9, WRITE, 0 });
	vq_offer(0);
	vq_expect_taken(0);
	EXPECT_EQ(vq.chain.out_count, 0);
	EXPECT_EQ(vq.chain.in_count, 1);
	EXPECT_EQ(vq.chain.out_bytes, 0);
	EXPECT_EQ(vq.chain.in_bytes, 9);
	vq_end();
}

static void indirect(void)
{
	vq_begin(4);
	vq.q.indirect = true;
	/* The table's WRITE is ignored, as is its next. */
	vq_set_desc(DESC, 3, (struct vring_desc){ TABLE, 48, INDIRECT | WRITE, 0xffff });
	vq_set_desc(TABLE, 0, (struct vring_desc){ DATA, 1, NEXT, 2 });
	vq_set_desc(TABLE, 2, (struct vring_desc){ DATA + 1, 2, NEXT | WRITE, 1 });
	vq_set_desc(TABLE, 1, (struct vring_desc){ DATA + 3, 3, WRITE, 0 });
	vq_offer(3);
	vq_expect_taken(3);
	EXPECT_EQ(vq.chain.out_count, 1);
	EXPECT_EQ(vq.chain.in_count, 2);
	EXPECT_EQ(vq.chain.out_bytes, 1);
	EXPECT_EQ(vq.chain.in_bytes, 5);
	vq_expect_segment(0, DATA, 1);
	vq_expect_segment(1, DATA + 1, 2);
	vq_expect_segment(2, DATA + 3, 3);
	virtq_push(&vq.q, 3, 5);
	EXPECT_EQ(USED_ID(0), 3);

	/* 2.7.5.3.2: after others, too. */
	vq_set_desc(DESC, 1, (struct vring_desc){ DATA + 8, 8, NEXT, 3 });
	vq_offer(1);
	vq_expect_taken(1);
	EXPECT_EQ(vq.chain.out_count, 2);
	EXPECT_EQ(vq.chain.in_count, 2);
	vq_expect_segment(0, DATA + 8, 8);
	vq_expect_segment(1, DATA, 1);
	vq_end();
}

/* In a table of @entries, a chain of @count, each of a byte. */
static void offer_table(unsigned int entries, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		vq_set_desc(TABLE, i, (struct vring_desc){ DATA + i, 1, i + 1 < count ? NEXT : 0,
							i + 1 });
	vq_set_desc(DESC, 0, (struct vring_desc){ TABLE, 16 * entries, INDIRECT, 0 });
	vq_offer(0);
}

static void long_chains(void)
{
	vq_begin(1);
	vq.q.indirect = true;
	offer_table(VIRTQ_IOV_MAX, VIRTQ_IOV_MAX);
	vq_expect_taken(0);
	EXPECT_EQ(vq.chain.out_count, VIRTQ_IOV_MAX);
	EXPECT_EQ(vq.chain.out_bytes, VIRTQ_IOV_MAX);
	vq_expect_segment(VIRTQ_IOV_MAX - 1, DATA + VIRTQ_IOV_MAX - 1, 1);
	virtq_push(&vq.q, 0, 0);

	offer_table(VIRTQ_SIZE_MAX, 1);
	vq_expect_taken(0);
	EXPECT_EQ(vq.chain.out_count, 1);
	virtq_push(&vq.q, 0, 0);

	offer_table(VIRTQ_IOV_MAX + 1, VIRTQ_IOV_MAX + 1);
	vq_expect_broken("a chain of more than 256 descriptors");
	vq_end();

	vq_begin(1);
	vq.q.indirect = true;
	offer_table(VIRTQ_SIZE_MAX + 1, 1);
	vq_expect_broken("an indirect table of 16400 bytes");
	vq_end();
}

/* All of the queue's descriptors, and no loop. */
static void whole_queue(void)
{
	unsigned int i, size = 8;

	vq_begin(size);
	for (i = 0; i < size; i++)
		vq_set_desc(DESC, i, (struct vring_desc){ DATA, 1, i ? NEXT : 0, i - 1 });
	vq_offer(7);
	vq_expect_taken(7);
	EXPECT_EQ(vq.chain.out_count, size);
	virtq_push(&vq.q, 7, 0);

	vq_set_desc(DESC, 0, (struct vring_desc){ DATA, 1, NEXT, 7 });
	vq_offer(7);
	vq_expect_broken("without an end");
	vq_end();
}

/* 4 GiB are allowed, and not a byte more. Their pages stay untouched. */
static void most_bytes(void)
{
	unsigned int i;

	vq_prepare(8, 0);
	free(vq.mem.host);
	EXPECT_EQ(memory_create(&vq.mem, GIB(6)), 0);
	EXPECT_EQ(virtq_start(&vq.q), 0);
	for (i = 0; i < 3; i++)
		vq_set_desc(DESC, i, (struct vring_desc){ HIGH_MEMORY_START + 4 * i, GIB(1),
							  NEXT | (i > 1 ? WRITE : 0), i + 1 });
	vq_set_desc(DESC, 3, (struct vring_desc){ DATA, GIB(1), WRITE, 0 });
	vq_offer(0);
	vq_expect_taken(0);
	EXPECT_EQ(vq.chain.out_bytes, GIB(2));
	EXPECT_EQ(vq.chain.in_bytes, GIB(2));
	virtq_push(&vq.q, 0, UINT32_MAX);
	EXPECT_EQ(USED_LEN(0), UINT32_MAX);

	vq_set_desc(DESC, 3, (struct vring_desc){ DATA, GIB(1), WRITE | NEXT, 4 });
	vq_set_desc(DESC, 4, (struct vring_desc){ DATA, 1, WRITE, 0 });
	vq_offer(0);
	vq_expect_broken("a chain of more than 4294967296 bytes");
	virtq_stop(&vq.q);
	memory_destroy(&vq.mem);
}

/* ---- indices ----------------------------------------------------------- */

/* Through 65536 and more, and back in another order than they came. */
static void wrap_around(void)
{
	unsigned int i, rounds = 20000, size = 8;
	u16 used = 0xfff0;

	vq_prepare(size, used);
	USED_IDX = used;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	for (i = 0; i < rounds; i++) {
		u16 a = i % size, b = (i + 3) % size, c = (i + 5) % size;

		vq_offer_simple(a);
		vq_offer_simple(b);
		vq_offer_simple(c);
		vq_expect_taken(a);
		vq_expect_taken(b);
		virtq_push(&vq.q, b, i);
		vq_expect_taken(c);
		EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
		virtq_push(&vq.q, c, i + 1);
		virtq_push(&vq.q, a, i + 2);
		EXPECT_EQ(USED_ID(used % size), b);
		EXPECT_EQ(USED_LEN(used % size), i);
		EXPECT_EQ(USED_ID((used + 1) % size), c);
		EXPECT_EQ(USED_LEN((used + 1) % size), i + 1);
		EXPECT_EQ(USED_ID((used + 2) % size), a);
		EXPECT_EQ(USED_LEN((used + 2) % size), i + 2);
		used += 3;
		EXPECT_EQ(USED_IDX, used);
	}
	EXPECT_EQ(vq.q.next_avail, (u16)(0xfff0 + 3 * rounds));
	EXPECT_EQ(vq.q.next_used, vq.q.next_avail);
	vq_end();
}

/* Several at once, in the order in which they are named; heads that aren't out are left out. */
static void push_all(void)
{
	static const struct virtq_done done[] = {
		{ 2, 20 }, { 7, 70 }, { 0, 5 }, { 200, 1 }, { 2, 9 }, { 1, 10 },
	};
	unsigned int i;

	vq_prepare(8, 0xfffe);
	USED_IDX = 0xfffe;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	for (i = 0; i < 3; i++) {
		vq_offer_simple(i);
		vq_expect_taken(i);
	}
	virtq_push_all(&vq.q, done, 0);
	EXPECT_EQ(USED_IDX, 0xfffe);
	virtq_push_all(&vq.q, done, ARRAY_SIZE(done));
	EXPECT_EQ(USED_IDX, 1);
	EXPECT_EQ(vq.q.next_used, 1);
	EXPECT_EQ(USED_ID(6), 2);
	EXPECT_EQ(USED_LEN(6), 20);
	EXPECT_EQ(USED_ID(7), 0);
	EXPECT_EQ(USED_LEN(7), 5);
	EXPECT_EQ(USED_ID(0), 1);
	EXPECT_EQ(USED_LEN(0), 10);
	vq_end();
}

/* What was put back comes again, in its order. */
static void unpop(void)
{
	struct virtq_done done[] = { { 5, 0 }, { 1, 0 }, { 3, 0 } };
	unsigned int i, round;

	vq_prepare(8, 0xffff);
	USED_IDX = 0xffff;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	vq_offer_simple(4);
	vq_expect_taken(4);
	for (i = 0; i < ARRAY_SIZE(done); i++)
		vq_offer_simple(done[i].head);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(done); i++)
			vq_expect_taken(done[i].head);
		EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
		virtq_unpop(&vq.q, done, ARRAY_SIZE(done));
		EXPECT_EQ(vq.q.next_avail, 0);
		/* They aren't out. */
		virtq_push(&vq.q, 5, 0);
		EXPECT_EQ(USED_IDX, 0xffff);
	}
	/* The last alone */
	for (i = 0; i < ARRAY_SIZE(done); i++)
		vq_expect_taken(done[i].head);
	virtq_unpop(&vq.q, done + 2, 1);
	vq_expect_taken(3);
	virtq_push(&vq.q, 3, 0);
	virtq_push(&vq.q, 4, 0);
	EXPECT_EQ(USED_IDX, 1);
	vq_end();
}

/* The driver's index is good for what it announced, and for no more. */
static void index_is_a_promise(void)
{
	vq_begin(4);
	vq_offer_simple(0);
	vq_offer_simple(1);
	AVAIL_IDX = 1;
	vq_expect_taken(0);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
	AVAIL_IDX = 2;
	vq_expect_taken(1);
	vq_end();
}

/* ---- notifications ----------------------------------------------------- */

static void push_some(unsigned int count)
{
	while (count--) {
		vq_offer_simple(0);
		vq_expect_taken(0);
		virtq_push(&vq.q, 0, 0);
	}
}

static void interrupt_flag(void)
{
	vq_begin(4);
	EXPECT(!virtq_needs_interrupt(&vq.q));
	/* Without event indices it is no event index. */
	USED_EVENT = 100;
	push_some(1);
	EXPECT(virtq_needs_interrupt(&vq.q));
	EXPECT(!virtq_needs_interrupt(&vq.q));
	AVAIL_FLAGS = VRING_AVAIL_F_NO_INTERRUPT;
	push_some(3);
	EXPECT(!virtq_needs_interrupt(&vq.q));
	AVAIL_FLAGS = 0xfffe;
	push_some(1);
	EXPECT(virtq_needs_interrupt(&vq.q));
	vq_end();
}

/* Does a batch of @count, from @position on, interrupt at @event? */
static bool interrupts(u16 position, unsigned int count, u16 event)
{
	bool ret;

	vq_prepare(8, position);
	vq.q.event_idx = true;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	/* With event indices the flag is none. */
	AVAIL_FLAGS = VRING_AVAIL_F_NO_INTERRUPT;
	USED_EVENT = event;
	push_some(count);
	ret = virtq_needs_interrupt(&vq.q);
	EXPECT(!virtq_needs_interrupt(&vq.q));
	vq_end();
	return ret;
}

/* 2.7.7.2: when the entry that the event index names is written. */
static void interrupt_event(void)
{
	static const u16 position[] = { 0, 1, 100, 0x7fff, 0x8000, 0xfffe, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(position); i++) {
		u16 p = position[i];

		EXPECT(!interrupts(p, 0, p));
		EXPECT(!interrupts(p, 0, p - 1));
		EXPECT(!interrupts(p, 1, p - 1));
		EXPECT(interrupts(p, 1, p));
		EXPECT(!interrupts(p, 1, p + 1));
		EXPECT(!interrupts(p, 1, p + 0x8000));
		EXPECT(!interrupts(p, 5, p - 1));
		EXPECT(interrupts(p, 5, p));
		EXPECT(interrupts(p, 5, p + 4));
		EXPECT(!interrupts(p, 5, p + 5));
	}
}

/* An event index that stands still is passed once in 65536. */
static void interrupt_once(void)
{
	unsigned int i, interrupted = 0;

	vq_begin(4);
	vq.q.event_idx = true;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	USED_EVENT = 5;
	for (i = 0; i < 65536 + 6; i++) {
		push_some(1);
		if (!virtq_needs_interrupt(&vq.q))
			continue;
		EXPECT(i == 5 || i == 65536 + 5);
		interrupted++;
	}
	EXPECT_EQ(interrupted, 2);
	vq_end();
}

static void notify_flag(void)
{
	vq_begin(4);
	AVAIL_EVENT = 77;
	virtq_disable_notify(&vq.q);
	EXPECT_EQ(USED_FLAGS, VRING_USED_F_NO_NOTIFY);
	EXPECT(!virtq_enable_notify(&vq.q));
	EXPECT_EQ(USED_FLAGS, 0);
	virtq_disable_notify(&vq.q);
	vq_offer_simple(0);
	vq_offer_simple(1);
	EXPECT(virtq_enable_notify(&vq.q));
	vq_expect_taken(0);
	EXPECT(virtq_enable_notify(&vq.q));
	vq_expect_taken(1);
	EXPECT(!virtq_enable_notify(&vq.q));
	EXPECT_EQ(AVAIL_EVENT, 77);
	vq_end();
}

/* Linux's driver's question, and its answer (2.7.10.1). */
static bool driver_notifies(u16 before)
{
	return vring_need_event(AVAIL_EVENT, AVAIL_IDX, before);
}

static void notify_event(void)
{
	vq_prepare(4, 0xfffe);
	vq.q.event_idx = true;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	vq_offer_simple(0);
	EXPECT(driver_notifies(0xfffe));
	EXPECT(virtq_enable_notify(&vq.q));
	vq_expect_taken(0);
	virtq_disable_notify(&vq.q);
	vq_offer_simple(1);
	EXPECT(!driver_notifies(0xffff));
	EXPECT(virtq_enable_notify(&vq.q));
	EXPECT_EQ(AVAIL_EVENT, 0xffff);
	vq_expect_taken(1);
	EXPECT(!virtq_enable_notify(&vq.q));
	EXPECT_EQ(AVAIL_EVENT, 0);
	vq_offer_simple(2);
	EXPECT(driver_notifies(0));
	vq_offer_simple(3);
	EXPECT(!driver_notifies(1));
	vq_expect_taken(2);
	/* 2.7.10.2: the flags stay 0. */
	EXPECT_EQ(USED_FLAGS, 0);
	vq_end();
}

/* ---- copying ----------------------------------------------------------- */

static void copying(void)
{
	u8 buf[32], *data;
	unsigned int i;

	vq_begin(8);
	vq_set_desc(DESC, 0, (struct vring_desc){ DATA, 3, NEXT, 1 });
	vq_set_desc(DESC, 1, (struct vring_desc){ DATA + 16, 1, NEXT, 2 });
	vq_set_desc(DESC, 2, (struct vring_desc){ DATA + 8, 4, NEXT, 3 });
	vq_set_desc(DESC, 3, (struct vring_desc){ DATA + 32, 2, NEXT | WRITE, 4 });
	vq_set_desc(DESC, 4, (struct vring_desc){ DATA + 40, 3, WRITE, 0 });
	vq_offer(0);
	vq_expect_taken(0);
	data = memory_at(&vq.mem, DATA, 64);
	for (i = 0; i < 64; i++)
		data[i] = i;

	memset(buf, 0xa5, sizeof(buf));
	EXPECT_EQ(virtq_read(&vq.chain, 0, buf, sizeof(buf)), 8);
	EXPECT(!memcmp(buf, "\x00\x01\x02\x10\x08\x09\x0a\x0b\xa5", 9));
	memset(buf, 0xa5, sizeof(buf));
	EXPECT_EQ(virtq_read(&vq.chain, 2, buf, 3), 3);
	EXPECT(!memcmp(buf, "\x02\x10\x08\xa5", 4));
	EXPECT_EQ(virtq_read(&vq.chain, 3, buf, 1), 1);
	EXPECT_EQ(buf[0], 0x10);
	EXPECT_EQ(virtq_read(&vq.chain, 7, buf, 9), 1);
	EXPECT_EQ(virtq_read(&vq.chain, 8, buf, 1), 0);
	EXPECT_EQ(virtq_read(&vq.chain, UINT64_MAX, buf, 1), 0);
	EXPECT_EQ(virtq_read(&vq.chain, 0, buf, 0), 0);

	EXPECT_EQ(virtq_write(&vq.chain, 1, "abc", 3), 3);
	EXPECT(!memcmp(data + 32, "\x20" "a\x22", 3));
	EXPECT(!memcmp(data + 40, "bc\x2a\x2b", 4));
	EXPECT_EQ(virtq_write(&vq.chain, 0, "vwxyz123", 8), 5);
	EXPECT(!memcmp(data + 32, "vw\x22", 3));
	EXPECT(!memcmp(data + 40, "xyz\x2b", 4));
	EXPECT_EQ(virtq_write(&vq.chain, 5, "a", 1), 0);
	/* What is readable was not written. */
	EXPECT(!memcmp(data, "\x00\x01\x02\x03", 4));
	EXPECT_EQ(data[16], 16);
	vq_end();
}

static const struct test_case cases[] = {
	TEST_CASE(sizes), TEST_CASE(alignment), TEST_CASE(parts_in_ram),
	TEST_CASE(start_notifies), TEST_CASE(stopped), TEST_CASE(one_chain), TEST_CASE(one_sided),
	TEST_CASE(indirect), TEST_CASE(long_chains), TEST_CASE(whole_queue), TEST_CASE(most_bytes),
	TEST_CASE(wrap_around), TEST_CASE(push_all), TEST_CASE(unpop),
	TEST_CASE(index_is_a_promise), TEST_CASE(interrupt_flag),
	TEST_CASE(interrupt_event), TEST_CASE(interrupt_once), TEST_CASE(notify_flag),
	TEST_CASE(notify_event), TEST_CASE(copying),
};
TEST_SUITE(virtq_suite, "virtq", cases);
