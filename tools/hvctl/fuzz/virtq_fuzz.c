// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtqueue whose driver does anything. An input is a layout, and a sequence of
 * what the driver does to memory and the device to the queue. What virtq.c takes is
 * compared with the driver's memory, which nobody else changes meanwhile.
 */
#include "error.h"
#include "fuzz.h"
#include "virtq.h"

/* Small, so that random addresses meet; allocated, so that ASan guards its ends. */
#define LOW		KIB(8)
#define HIGH		KIB(2)

#define DESC		0x000
#define AVAIL		0x800
#define USED		0xc00
#define TABLE		0x1001

static struct guest_memory mem;
static struct virtq q;
static struct virtq_chain chain;
static bool out[VIRTQ_SIZE_MAX];	/* chains in flight */

/* ---- the driver's memory ------------------------------------------------ */

static bool is_ram(u64 gpa, u64 len)
{
	u64 last = gpa + len - 1;

	return len && last >= gpa && (last < LOW || (gpa >= HIGH_MEMORY_START &&
						     last - HIGH_MEMORY_START < HIGH));
}

static u8 *host_of(u64 gpa)
{
	return mem.host + (gpa < LOW ? gpa : gpa - HIGH_MEMORY_START + LOW);
}

static u16 get16(u64 gpa)
{
	u16 value;

	memcpy(&value, host_of(gpa), sizeof(value));
	return value;
}

static struct vring_desc get_desc(u64 table, unsigned int index)
{
	struct vring_desc d;

	memcpy(&d, host_of(table + index * sizeof(d)), sizeof(d));
	return d;
}

/* The rings, where the queue has them. */
static u64 used_event(void)
{
	return q.avail + 4 + 2 * q.size;
}

static u64 avail_event(void)
{
	return q.used + 4 + 8 * q.size;
}

static void set(u64 gpa, const void *data, size_t len)
{
	if (is_ram(gpa, len))
		memcpy(host_of(gpa), data, len);
}

static void set16(u64 gpa, u16 value)
{
	set(gpa, &value, sizeof(value));
}

/* ---- what is true of a chain -------------------------------------------- */

struct cursor {
	unsigned int segment;
	u64 out_bytes, in_bytes;
};

static void check_segment(struct cursor *c, const struct vring_desc *d)
{
	const struct iovec *iov = &chain.iov[c->segment];
	bool in = d->flags & VRING_DESC_F_WRITE;

	MUST(c->segment < chain.out_count + chain.in_count);
	MUST(in == (c->segment >= chain.out_count));
	MUST(is_ram(d->addr, d->len));
	MUST(iov->iov_base == host_of(d->addr));
	MUST(iov->iov_len == d->len);
	if (in)
		c->in_bytes += d->len;
	else
		c->out_bytes += d->len;
	c->segment++;
}

static void check_table(struct cursor *c, u64 table, unsigned int entries, unsigned int index,
			bool inner)
{
	struct vring_desc d;
	unsigned int seen;

	for (seen = 0;; seen++) {
		MUST(index < entries);
		MUST(seen < entries);
		d = get_desc(table, index);
		if (d.flags & VRING_DESC_F_INDIRECT)
			break;
		check_segment(c, &d);
		if (!(d.flags & VRING_DESC_F_NEXT))
			return;
		index = d.next;
	}
	MUST(q.indirect);
	MUST(!inner);
	MUST(!(d.flags & VRING_DESC_F_NEXT));
	MUST(d.len % sizeof(d) == 0);
	MUST(is_ram(d.addr, d.len));
	check_table(c, d.addr, d.len / sizeof(d), 0, true);
}

static void check_chain(u16 head)
{
	struct cursor c = { .segment = 0 };

	MUST(chain.head == head);
	check_table(&c, q.desc, q.size, head, false);
	MUST(c.segment == chain.out_count + chain.in_count);
	MUST(c.segment && c.segment <= VIRTQ_IOV_MAX);
	MUST(c.out_bytes == chain.out_bytes);
	MUST(c.in_bytes == chain.in_bytes);
	MUST(c.out_bytes + c.in_bytes <= VIRTQ_BYTES_MAX);
}

/* ---- the device's steps ------------------------------------------------- */

static void pop(void)
{
	u16 ahead = get16(q.avail + 2) - q.next_avail;
	u16 head = get16(q.avail + 4 + 2 * (q.next_avail & (q.size - 1)));
	u16 next = q.next_avail;
	bool was_broken = q.broken;
	int ret;

	fail_say("%s", "");
	ret = virtq_pop(&q, &chain);
	MUST(ret >= -1 && ret <= 1);
	MUST(q.broken == (ret == -1));
	MUST(q.next_avail == (u16)(next + (ret == 1)));
	if (ret == -1)
		MUST(*fail_text());
	if (was_broken)
		MUST(ret == -1);
	if (ret == 0)
		MUST(!ahead);
	if (ret != 1)
		return;
	check_chain(head);
	MUST(!out[head]);
	out[head] = true;
}

static void push(u16 head, u32 written)
{
	bool mine = head < q.size && out[head];
	u16 next = q.next_used;
	u64 elem = q.used + 4 + 8 * (next & (q.size - 1));
	u32 word[2];

	virtq_push(&q, head, written);
	MUST(q.next_used == (u16)(next + mine));
	if (!mine)
		return;
	out[head] = false;
	MUST(get16(q.used + 2) == q.next_used);
	memcpy(word, host_of(elem), sizeof(word));
	MUST(word[0] == head);
	MUST(word[1] == written);
}

static void ask_interrupt(void)
{
	u16 old = q.signalled, new = q.next_used, event = get16(used_event()), i;
	bool wanted = false;

	/* Was the entry that the event index names among those that were written? */
	for (i = old; i != new; i++)
		wanted |= q.event_idx ? i == event :
			  !(get16(q.avail) & VRING_AVAIL_F_NO_INTERRUPT);
	MUST(virtq_needs_interrupt(&q) == wanted);
	MUST(!virtq_needs_interrupt(&q));
}

static void enable_notify(void)
{
	bool more = virtq_enable_notify(&q);

	if (q.broken) {
		MUST(!more);
		return;
	}
	/* As it is now: the rings may overlap. */
	MUST(more == (get16(q.avail + 2) != q.next_avail));
	if (q.event_idx)
		MUST(get16(avail_event()) == q.next_avail);
	else
		MUST(get16(q.used) == 0);
}

static void disable_notify(void)
{
	u16 event = get16(avail_event());

	virtq_disable_notify(&q);
	if (q.event_idx)
		MUST(get16(avail_event()) == event);
	else
		MUST(get16(q.used) == VRING_USED_F_NO_NOTIFY);
}

/* Of @bytes from @offset on, @len at most. */
static size_t expect_copy(u64 bytes, u64 offset, size_t len)
{
	return offset < bytes ? min_u64(len, bytes - offset) : 0;
}

/* In the last chain, which may be where the rings are. */
static void copy(struct fuzz *f)
{
	u64 offset = fuzz_u16(f) % 600;
	size_t len = fuzz_u8(f);
	u8 buf[256];

	if (!chain.out_count && !chain.in_count)
		return;
	memset(buf, 0xa5, sizeof(buf));
	MUST(virtq_read(&chain, offset, buf, len) ==
	     expect_copy(chain.out_bytes, offset, len));
	MUST(buf[len] == 0xa5);
	MUST(virtq_write(&chain, offset, buf, len) ==
	     expect_copy(chain.in_bytes, offset, len));
}

/* ---- the driver's steps -------------------------------------------------- */

/* Mostly RAM, now and then its ends, seldom anything. */
static u64 choose_address(struct fuzz *f)
{
	u8 choice = fuzz_u8(f);

	if (choice < 0xa0)
		return fuzz_u16(f) % LOW;
	if (choice < 0xd0)
		return HIGH_MEMORY_START + fuzz_u16(f) % HIGH;
	if (choice < 0xf8)
		return (choice & 1 ? LOW : HIGH_MEMORY_START + (choice & 2 ? HIGH : 0)) -
		       fuzz_u8(f) % 64;
	return fuzz_u64(f);
}

static void put_desc(struct fuzz *f)
{
	u8 where = fuzz_u8(f);
	u8 kind = fuzz_u8(f);
	struct vring_desc d = {
		.addr = choose_address(f),
		.len = kind & 8 ? fuzz_u32(f) : fuzz_u8(f),
		.flags = kind & 7,
		.next = fuzz_u8(f) % 33,
	};

	/* Mostly what a driver would do with it. */
	if (d.flags & VRING_DESC_F_INDIRECT && kind & 0x10) {
		d.addr = TABLE;
		d.len = where * sizeof(d);
		d.flags &= ~VRING_DESC_F_NEXT;
	}
	set((where & 0x80 ? TABLE : q.desc) + where % 32 * sizeof(d), &d, sizeof(d));
}

static void offer(u16 head)
{
	u16 idx = get16(q.avail + 2);

	set16(q.avail + 4 + 2 * (idx & (q.size - 1)), head);
	set16(q.avail + 2, idx + 1);
}

static void scribble(struct fuzz *f)
{
	u64 gpa = choose_address(f);
	u8 data[16];
	size_t len = 1 + fuzz_u8(f) % sizeof(data);

	fuzz_bytes(f, data, len);
	set(gpa, data, len);
}

/* ---- start -------------------------------------------------------------- */

static void start(struct fuzz *f)
{
	u8 kind = fuzz_u8(f);
	bool good;

	memset(out, 0, sizeof(out));
	chain.out_count = 0;
	chain.in_count = 0;
	virtq_stop(&q);
	q.size = kind & 0x80 ? fuzz_u16(f) : 1 << kind % 6;
	q.desc = kind & 0x40 ? choose_address(f) : DESC;
	q.avail = kind & 0x40 ? choose_address(f) : AVAIL;
	q.used = kind & 0x40 ? choose_address(f) : USED;
	kind = fuzz_u8(f);
	q.event_idx = kind & 1;
	q.indirect = kind & 2;
	if (kind & 4)
		q.next_avail = q.next_used = fuzz_u16(f);

	good = q.size && q.size <= VIRTQ_SIZE_MAX && !(q.size & (q.size - 1)) &&
	       !(q.desc % 16) && is_ram(q.desc, 16 * q.size) &&
	       !(q.avail % 2) && is_ram(q.avail, 6 + 2 * q.size) &&
	       !(q.used % 4) && is_ram(q.used, 6 + 8 * q.size);
	MUST(virtq_start(&q) == (good ? 0 : -1));
	MUST(q.broken == !good);
	if (!good)
		return;
	set16(q.avail + 2, q.next_avail);
	set16(q.used + 2, q.next_used);
}

/* Of a queue that didn't start, everything may be asked. */
static void use_nothing(struct fuzz *f)
{
	MUST(virtq_pop(&q, &chain) == -1);
	MUST(!virtq_enable_notify(&q));
	MUST(!virtq_needs_interrupt(&q));
	virtq_disable_notify(&q);
	virtq_push(&q, fuzz_u16(f), 0);
	start(f);
}

static void step(struct fuzz *f)
{
	switch (fuzz_u8(f) % 16) {
	case 0:
	case 1:
	case 2:
		put_desc(f);
		break;
	case 3:
	case 4:
		offer(fuzz_u8(f) % 33);
		break;
	case 5:
		set16(q.avail + 2, fuzz_u16(f));
		break;
	case 6:
		set16(q.avail, fuzz_u16(f));
		set16(used_event(), q.next_used + fuzz_u8(f) - 128);
		break;
	case 7:
		scribble(f);
		break;
	case 8:
	case 9:
	case 10:
		pop();
		break;
	case 11:
		push(fuzz_u8(f) < 0xf0 ? chain.head : fuzz_u16(f), fuzz_u32(f));
		break;
	case 12:
		ask_interrupt();
		break;
	case 13:
		enable_notify();
		break;
	case 14:
		disable_notify();
		break;
	case 15:
		copy(f);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };

	mem = (struct guest_memory){ .host = calloc(1, LOW + HIGH), .low = LOW, .high = HIGH };
	memset(&q, 0, sizeof(q));
	q.mem = &mem;
	start(&f);
	while (f.left) {
		if (!q.vring.num)
			use_nothing(&f);
		else if (q.broken && fuzz_u8(&f) < 0x40)
			start(&f);
		else
			step(&f);
	}
	virtq_stop(&q);
	free(mem.host);
	return 0;
}
