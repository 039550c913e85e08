// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver names in a balloon's requests is what the host gets back, and nothing
 * beside it: each request is carried out here once more, page by page.
 */
#include "error.h"
#include "fuzz.h"
#include "virtio_balloon.h"

#define PAGES		64
#define FULL		0xa5
#define SEGMENTS_MAX	4
#define PFNS		96

/* The pages of the rings, and of page numbers; they may be given back, too. */
#define DESC		0x0000
#define AVAIL		0x1000
#define USED		0x2000
#define DATA		0x3000
#define FREE		4

static struct guest_memory memory = { .low = 48 * MEMORY_PAGE, .high = 16 * MEMORY_PAGE };

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	(void)vector;
}

static u64 gpa_of(unsigned int page)
{
	u64 gpa = page * MEMORY_PAGE;

	return gpa < memory.low ? gpa : gpa - memory.low + HIGH_MEMORY_START;
}

static struct virtio_queue *start(struct fuzz *f, struct virtio_device **device)
{
	struct virtio_queue *q;

	*device = virtio_balloon_create(&memory, MEMORY_PAGE);
	MUST(*device);
	(*device)->signal = on_signal;
	(*device)->accepted = fuzz_u8(f);
	q = &(*device)->queue[fuzz_u8(f) % (*device)->queue_count];
	q->ring.size = 8;
	q->ring.desc = DESC;
	q->ring.avail = AVAIL;
	q->ring.used = USED;
	return q;
}

/* ---- the request ---------------------------------------------------------------- */

/* Numbers of pages that there are, and of some that there aren't */
static u32 any_pfn(struct fuzz *f)
{
	u8 byte = fuzz_u8(f);

	if (byte < 240)
		return gpa_of(byte % PAGES) / MEMORY_PAGE;
	return byte < 250 ? 44 + byte % 8 : fuzz_u32(f);
}

static void write_pfns(struct fuzz *f, bool gone[PAGES])
{
	u32 *pfn = (u32 *)(memory.host + DATA);
	unsigned int i, page, count = fuzz_u8(f) % PFNS;
	struct vring_desc *desc = (void *)(memory.host + DESC);

	for (i = 0; i < count; i++) {
		pfn[i] = any_pfn(f);
		for (page = 0; page < PAGES; page++)
			gone[page] |= gpa_of(page) / MEMORY_PAGE == pfn[i];
	}
	desc[0] = (struct vring_desc){ .addr = DATA, .len = count * sizeof(*pfn) + 3 };
}

static void write_ranges(struct fuzz *f, bool gone[PAGES])
{
	struct vring_desc *desc = (void *)(memory.host + DESC);
	unsigned int i, page, count = 1 + fuzz_u8(f) % SEGMENTS_MAX;

	for (i = 0; i < count; i++) {
		u64 at = gpa_of(FREE + fuzz_u8(f) % (PAGES - FREE)) + fuzz_u16(f) % MEMORY_PAGE;
		u32 len = 1 + fuzz_u16(f) % (5 * MEMORY_PAGE);

		/* What isn't RAM would break the ring. */
		if (!memory_at(&memory, at, len))
			len = 1;
		desc[i] = (struct vring_desc){
			.addr = at, .len = len, .next = i + 1,
			.flags = VRING_DESC_F_WRITE | (i < count - 1 ? VRING_DESC_F_NEXT : 0),
		};
		for (page = 0; page < PAGES; page++)
			gone[page] |= gpa_of(page) >= at &&
				      gpa_of(page) + MEMORY_PAGE <= at + len;
	}
}

/* ---- what must be true ----------------------------------------------------------- */

/* Whether @q takes page numbers, or with @ranges, ranges */
static bool takes(const struct virtio_queue *q, bool ranges, u32 poison)
{
	u64 accepted = q->device->accepted;

	if (!ranges)
		return q->index == 0;
	if (q->index < 2 || (q->index == 2 && accepted & BIT(VIRTIO_BALLOON_F_STATS_VQ)))
		return false;
	return accepted & BIT(VIRTIO_BALLOON_F_REPORTING) &&
	       !(accepted & BIT(VIRTIO_BALLOON_F_PAGE_POISON) && poison);
}

static void check_page(unsigned int page, bool gone)
{
	static u8 zeros[MEMORY_PAGE], full[MEMORY_PAGE];

	memset(full, FULL, MEMORY_PAGE);
	MUST(!memcmp(memory.host + page * MEMORY_PAGE, gone ? zeros : full, MEMORY_PAGE));
}

static void run(struct virtio_queue *q, struct fuzz *f)
{
	struct virtio_device *dev = q->device;
	struct balloon_statistics statistics;
	bool gone[PAGES] = { 0 }, ranges = fuzz_u8(f) & 1;
	u32 poison = fuzz_u8(f) & 1;
	unsigned int page;

	memset(memory.host, 0, FREE * MEMORY_PAGE);
	memset(memory.host + FREE * MEMORY_PAGE, FULL, (PAGES - FREE) * MEMORY_PAGE);
	dev->class->write_config(dev, offsetof(struct virtio_balloon_config, poison_val), &poison,
				 sizeof(poison));
	MUST(!virtq_start(&q->ring));
	if (ranges)
		write_ranges(f, gone);
	else
		write_pfns(f, gone);
	((u16 *)(memory.host + AVAIL))[1] = 1;
	dev->class->serve(q);
	for (page = FREE; page < PAGES; page++)
		check_page(page, gone[page] && takes(q, ranges, poison));
	/* The queue of these has kept its request until now. */
	virtio_balloon_statistics(dev, &statistics);
	MUST(!(statistics.given >> VIRTIO_BALLOON_S_NR));
	dev->class->serve(q);
	MUST(q->ring.next_used == q->ring.next_avail);
	virtio_reset(dev);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct virtio_device *device;

	if (!memory.host)
		memory.host = aligned_alloc(MEMORY_PAGE, PAGES * MEMORY_PAGE);
	MUST(memory.host);
	run(start(&f, &device), &f);
	device->class->destroy(device);
	return 0;
}
