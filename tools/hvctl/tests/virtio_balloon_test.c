// SPDX-License-Identifier: GPL-2.0-only
#include <linux/virtio_ids.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"
#include "virtio_balloon.h"

#define MEMORY		MIB(8)
#define QUEUE_SIZE	16
#define QUEUES		5

/* What a page is filled with, so that it is seen when it isn't any more */
#define FULL		0xa5

/* Where a queue has its rings, and its requests */
#define RINGS(q)	(0x10000 + (q) * 0x4000)
#define DESC(q)		RINGS(q)
#define AVAIL(q)	(RINGS(q) + 0x1000)
#define USED(q)		(RINGS(q) + 0x2000)
#define DATA		0x40000

/* The features that Linux accepts, and the first of the queues that then take reports */
#define LINUX		(BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ) | \
			 BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | \
			 BIT_ULL(VIRTIO_BALLOON_F_REPORTING))
#define FIRST_REPORTING	3

/* Pages from this one on are nobody else's. */
#define FREE		512

static struct guest_memory memory;
static struct virtio_device *device;
static int signal_fd, config_fd;
static u16 offered[QUEUES];

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	eventfd_write(vector ? signal_fd : config_fd, 1);
}

static void *at(u64 gpa)
{
	return memory_at(&memory, gpa, 1);
}

static u8 *page(u64 n)
{
	return at(n * MEMORY_PAGE);
}

/* A queue that the driver uses */
static void enable(unsigned int index)
{
	struct virtio_queue *q = &device->queue[index];

	memset(at(RINGS(index)), 0, 0x4000);
	offered[index] = 0;
	q->ring.size = QUEUE_SIZE;
	q->ring.desc = DESC(index);
	q->ring.avail = AVAIL(index);
	q->ring.used = USED(index);
	q->vector = 1;
	q->enabled = true;
}

static void drive(u64 features)
{
	unsigned int i;

	device->accepted = features | BIT_ULL(VIRTIO_F_VERSION_1);
	device->config_vector = 0;
	for (i = 0; i < QUEUES; i++)
		enable(i);
	EXPECT(!virtio_start(device));
	atomic_store(&device->status, VIRTIO_CONFIG_S_DRIVER_OK);
}

static void start_with(u64 features)
{
	unsigned int i;

	EXPECT(!memory_create(&memory, MEMORY));
	/* Or khugepaged may put pages back where they are gone. */
	madvise(memory.host, MEMORY, MADV_NOHUGEPAGE);
	for (i = FREE; i < MEMORY / MEMORY_PAGE; i++)
		memset(page(i), FULL, MEMORY_PAGE);
	signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	config_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	device = virtio_balloon_create(&memory, MIB(1));
	EXPECT(device);
	device->signal = on_signal;
	drive(features);
}

static void start(void)
{
	start_with(LINUX);
}

static void end(void)
{
	device->class->destroy(device);
	memory_destroy(&memory);
	close(signal_fd);
	close(config_fd);
}

static bool signalled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	return poll(&p, 1, 10000) == 1 && !eventfd_read(fd, &count);
}

/* ---- the driver ----------------------------------------------------------------- */

static void describe(unsigned int q, unsigned int n, u64 gpa, u32 len, u16 flags)
{
	struct vring_desc *desc = at(DESC(q));

	desc[n] = (struct vring_desc){ .addr = gpa, .len = len, .flags = flags, .next = n + 1 };
}

/* Offer the chain that begins with descriptor 0. */
static void offer(unsigned int q)
{
	u16 *avail = at(AVAIL(q));

	avail[2 + offered[q] % QUEUE_SIZE] = 0;
	__atomic_store_n(&avail[1], ++offered[q], __ATOMIC_RELEASE);
	eventfd_write(device->queue[q].kick_fd, 1);
}

static u16 used(unsigned int q)
{
	return __atomic_load_n((u16 *)at(USED(q)) + 1, __ATOMIC_ACQUIRE);
}

static void offer_and_wait(unsigned int q)
{
	offer(q);
	EXPECT(signalled(signal_fd));
	EXPECT_EQ(used(q), offered[q]);
	/* Nothing is written to its buffers. */
	EXPECT_EQ(((u32 *)at(USED(q)))[2 + (offered[q] - 1) % QUEUE_SIZE * 2], 0);
}

static void send_pfns(unsigned int q, const u32 *pfn, unsigned int count)
{
	memcpy(at(DATA), pfn, count * sizeof(*pfn));
	describe(q, 0, DATA, count * sizeof(*pfn), 0);
	offer_and_wait(q);
}

#define SEND(q, ...) \
	send_pfns(q, (const u32[]){ __VA_ARGS__ }, ARRAY_SIZE(((const u32[]){ __VA_ARGS__ })))

/* The host has it again; whoever reads it now gets zeros. */
static bool is_gone(u64 n)
{
	unsigned char resident;
	unsigned int i;

	EXPECT(!mincore(page(n), MEMORY_PAGE, &resident));
	if (resident & 1)
		return false;
	for (i = 0; i < MEMORY_PAGE; i++)
		EXPECT_EQ(page(n)[i], 0);
	return true;
}

static bool is_full(u64 n)
{
	unsigned int i = 0;

	while (i < MEMORY_PAGE && page(n)[i] == FULL)
		i++;
	return i == MEMORY_PAGE;
}

/* How many pages aren't as they were */
static unsigned int gone(void)
{
	unsigned int i, count = 0;

	for (i = FREE; i < MEMORY / MEMORY_PAGE; i++)
		count += !is_full(i);
	return count;
}

/* ---- tests ---------------------------------------------------------------------- */

static u32 config(unsigned int offset)
{
	u32 value;

	device->class->read_config(device, offset, &value, sizeof(value));
	return value;
}

#define CONFIG(field)	config(offsetof(struct virtio_balloon_config, field))

static void set_config(unsigned int offset, u32 value)
{
	device->class->write_config(device, offset, &value, sizeof(value));
}

#define SET_CONFIG(field, value) \
	set_config(offsetof(struct virtio_balloon_config, field), value)

static void configuration(void)
{
	u32 part = 9;

	start();
	EXPECT_EQ(device->class->id, VIRTIO_ID_BALLOON);
	EXPECT_EQ(device->class->config_size, 16);
	EXPECT_EQ(CONFIG(num_pages), 256);
	EXPECT_EQ(CONFIG(actual), 0);
	SET_CONFIG(actual, 77);
	SET_CONFIG(poison_val, 0xaaaaaaaa);
	EXPECT_EQ(CONFIG(actual), 77);
	EXPECT_EQ(virtio_balloon_actual(device), 77 * MEMORY_PAGE);
	SET_CONFIG(actual, UINT32_MAX);
	EXPECT_EQ(virtio_balloon_actual(device), 0xffffffff000);
	SET_CONFIG(actual, 77);
	EXPECT_EQ(CONFIG(poison_val), 0xaaaaaaaa);
	/* These aren't the driver's. */
	SET_CONFIG(num_pages, 1);
	SET_CONFIG(free_page_hint_cmd_id, 2);
	EXPECT_EQ(CONFIG(num_pages), 256);
	EXPECT_EQ(CONFIG(free_page_hint_cmd_id), 0);
	/* No parts of fields, nor parts of two */
	device->class->write_config(device, 4, &part, 1);
	set_config(5, 1);
	EXPECT_EQ(CONFIG(actual), 77);
	device->class->read_config(device, 4, &part, 1);
	EXPECT_EQ(part, 77);
	virtio_reset(device);
	EXPECT_EQ(CONFIG(num_pages), 256);
	EXPECT_EQ(CONFIG(actual), 0);
	EXPECT_EQ(CONFIG(poison_val), 0);
	end();
}

static void sizes(void)
{
	start();
	EXPECT(!virtio_balloon_resize(device, MIB(2)));
	EXPECT(signalled(config_fd));
	EXPECT_EQ(CONFIG(num_pages), 512);
	EXPECT_EQ(device->generation, 1);
	EXPECT(!virtio_balloon_resize(device, 0));
	EXPECT_EQ(CONFIG(num_pages), 0);
	EXPECT(!virtio_balloon_resize(device, MEMORY - MEMORY_PAGE));
	EXPECT(signalled(config_fd));
	EXPECT_FAIL(virtio_balloon_resize(device, MEMORY), "8 MiB is too large");
	EXPECT_FAIL(virtio_balloon_resize(device, UINT64_MAX - 4095), "is too large");
	EXPECT_FAIL(virtio_balloon_resize(device, MIB(1) + 1), "1048577 bytes");
	EXPECT_EQ(CONFIG(num_pages), MEMORY / MEMORY_PAGE - 1);
	EXPECT_EQ(device->generation, 3);
	/* Nobody is told while there is no driver, but it is so. */
	virtio_reset(device);
	EXPECT(!virtio_balloon_resize(device, MEMORY_PAGE));
	EXPECT_EQ(CONFIG(num_pages), 1);
	EXPECT_EQ(eventfd_read(config_fd, &(eventfd_t){ 0 }), (u64)-1);
	end();
}

static void refused(void)
{
	const struct guest_memory huge = { .low = GIB(3), .high = 1ULL << 50 };

	EXPECT(!memory_create(&memory, MEMORY));
	fail_say("%s", "");
	EXPECT(!virtio_balloon_create(&memory, MEMORY));
	EXPECT_HAS(fail_text(), "less than the memory of 8 MiB");
	EXPECT(!virtio_balloon_create(&memory, 4095));
	EXPECT_HAS(fail_text(), "4095 bytes is not possible; give a multiple of 4K");
	EXPECT(!virtio_balloon_create(&huge, 1ULL << 44));
	EXPECT_HAS(fail_text(), "16384 GiB is too large");
	memory_destroy(&memory);
}

static void inflation(void)
{
	start();
	SEND(0, 600);
	EXPECT(is_gone(600));
	EXPECT_EQ(gone(), 1);
	/* Runs up and down, one number twice, and a first and a last page */
	SEND(0, 700, 701, 702, 900, 899, 898, 800, 800, FREE, MEMORY / MEMORY_PAGE - 1);
	EXPECT(is_gone(700) && is_gone(701) && is_gone(702));
	EXPECT(is_gone(898) && is_gone(899) && is_gone(900) && is_gone(800));
	EXPECT(is_gone(FREE) && is_gone(MEMORY / MEMORY_PAGE - 1));
	EXPECT_EQ(gone(), 10);
	/* They are good to use again, before and after they are deflated. */
	memset(page(700), FULL, MEMORY_PAGE);
	SEND(1, 700, 701);
	memset(page(701), FULL, MEMORY_PAGE);
	EXPECT_EQ(gone(), 8);
	/* Deflation takes nothing. */
	SEND(1, 1000);
	EXPECT_EQ(gone(), 8);
	end();
}

/* Several segments, which split a number, and bytes that are no number */
static void odd_segments(void)
{
	u32 pfn[] = { 600, 601, 602, 603 };

	start();
	memcpy(at(DATA), pfn, sizeof(pfn));
	describe(0, 0, DATA, 6, VRING_DESC_F_NEXT);
	describe(0, 1, DATA + 6, 8, 0);
	offer_and_wait(0);
	EXPECT(is_gone(600) && is_gone(601) && is_gone(602));
	EXPECT_EQ(gone(), 3);
	/* What the device may write has no numbers. */
	describe(0, 0, DATA, sizeof(pfn), VRING_DESC_F_WRITE);
	offer_and_wait(0);
	EXPECT_EQ(gone(), 3);
	end();
}

static void many_pages(void)
{
	static u32 pfn[4097];
	unsigned int i;

	start();
	/* More than are sorted at once; every second of 600 */
	for (i = 0; i < 600; i++)
		pfn[i] = FREE + 2 * (599 - i);
	send_pfns(0, pfn, 600);
	EXPECT(is_gone(FREE) && is_gone(FREE + 512) && is_gone(FREE + 1198));
	EXPECT(is_full(FREE + 1) && is_full(FREE + 1199));
	EXPECT_EQ(gone(), 600);
	/* What is beyond the most that one request can name is ignored. */
	for (i = 0; i < 4095; i++)
		pfn[i] = 1800;
	pfn[4095] = 1801;
	pfn[4096] = 1900;
	send_pfns(0, pfn, 4097);
	EXPECT(is_gone(1800) && is_gone(1801) && is_full(1900));
	EXPECT_EQ(gone(), 602);
	end();
}

/* Pages that there aren't are ignored, and those beside them aren't. */
static void outside(void)
{
	const u32 pages = MEMORY / MEMORY_PAGE;

	start();
	SEND(0, pages - 2, pages - 1, pages, pages + 1, 0x100000, UINT32_MAX - 1, UINT32_MAX, 700);
	EXPECT(is_gone(pages - 2) && is_gone(pages - 1) && is_gone(700));
	EXPECT_EQ(gone(), 3);
	EXPECT_EQ(device->status, VIRTIO_CONFIG_S_DRIVER_OK);
	SEND(0, UINT32_MAX);
	SEND(0, 701);
	EXPECT_EQ(gone(), 4);
	end();
}

/* A report of pages 600 and 601, and of parts of 603 and 605 with all of 604 */
static void send_report(unsigned int q)
{
	describe(q, 0, 600 * MEMORY_PAGE, 2 * MEMORY_PAGE, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
	describe(q, 1, 603 * MEMORY_PAGE + 1, 3 * MEMORY_PAGE - 2, VRING_DESC_F_WRITE);
	offer_and_wait(q);
}

static void expect_reported(unsigned int q)
{
	memset(page(600), FULL, 6 * MEMORY_PAGE);
	send_report(q);
	EXPECT(is_gone(600) && is_gone(601) && is_gone(604));
	EXPECT_EQ(gone(), 3);
}

static void reports(void)
{
	unsigned int q;

	start();
	for (q = FIRST_REPORTING; q < QUEUES; q++)
		expect_reported(q);
	/* What the device may only read is no report. */
	describe(4, 0, 700 * MEMORY_PAGE, MEMORY_PAGE, VRING_DESC_F_NEXT);
	describe(4, 1, 702 * MEMORY_PAGE, MEMORY_PAGE, VRING_DESC_F_WRITE);
	offer_and_wait(4);
	EXPECT(is_full(700) && is_gone(702));
	EXPECT_EQ(gone(), 4);
	/* Less than a page */
	describe(4, 0, 700 * MEMORY_PAGE + 8, MEMORY_PAGE, VRING_DESC_F_WRITE);
	offer_and_wait(4);
	EXPECT_EQ(gone(), 4);
	end();
}

static void reports_unwanted(void)
{
	start_with(BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM));
	send_report(4);
	EXPECT_EQ(gone(), 0);
	EXPECT_EQ(virtio_balloon_reported(device), 0);
	SEND(0, 600);
	EXPECT_EQ(gone(), 1);
	virtio_reset(device);
	/* Without statistics, a driver that counts the queues it has takes the third. */
	memset(page(600), FULL, MEMORY_PAGE);
	drive(BIT_ULL(VIRTIO_BALLOON_F_REPORTING));
	expect_reported(2);
	EXPECT_EQ(virtio_balloon_reported(device), 5 * MEMORY_PAGE - 2);
	end();
}

/* Only if it was accepted does the value count. */
static void poison(void)
{
	start_with(BIT_ULL(VIRTIO_BALLOON_F_REPORTING) | BIT_ULL(VIRTIO_BALLOON_F_PAGE_POISON));
	EXPECT(device->offered & BIT_ULL(VIRTIO_BALLOON_F_PAGE_POISON));
	SET_CONFIG(poison_val, 0xaaaaaaaa);
	send_report(4);
	EXPECT_EQ(gone(), 0);
	/* Inflated pages are given up, whatever is in them. */
	SEND(0, 700);
	EXPECT(is_gone(700));
	SET_CONFIG(poison_val, 0);
	send_report(4);
	EXPECT_EQ(gone(), 4);
	virtio_reset(device);
	drive(BIT_ULL(VIRTIO_BALLOON_F_REPORTING));
	SET_CONFIG(poison_val, 0xaaaaaaaa);
	describe(4, 0, 900 * MEMORY_PAGE, MEMORY_PAGE, VRING_DESC_F_WRITE);
	offer_and_wait(4);
	EXPECT(is_gone(900));
	end();
}

#define STATS		2

/* Statistics in the driver's buffer @n, which is that descriptor's, too */
static void offer_statistics(unsigned int n, const struct virtio_balloon_stat *stat,
			     unsigned int bytes)
{
	u16 *avail = at(AVAIL(STATS));

	memcpy(at(DATA + n * 0x1000), stat, bytes);
	describe(STATS, n, DATA + n * 0x1000, bytes, 0);
	avail[2 + offered[STATS] % QUEUE_SIZE] = n;
	__atomic_store_n(&avail[1], ++offered[STATS], __ATOMIC_RELEASE);
	eventfd_write(device->queue[STATS].kick_fd, 1);
}

/* Asks until there is the statistic, as there is no other sign of that. */
static u64 statistic(unsigned int tag)
{
	struct balloon_statistics s;
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		virtio_balloon_statistics(device, &s);
		if (s.given & BIT(tag))
			return s.value[tag];
		usleep(1000);
	}
	return 0;
}

static void statistics(void)
{
	static const struct virtio_balloon_stat first[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 12345 }, { VIRTIO_BALLOON_S_NR, 1 },
		{ UINT16_MAX, 2 }, { VIRTIO_BALLOON_S_MEMTOT, UINT64_MAX },
	}, second[] = {
		{ VIRTIO_BALLOON_S_AVAIL, 1 }, { VIRTIO_BALLOON_S_AVAIL, 678 },
		{ VIRTIO_BALLOON_S_CACHES, 9 },
	};
	struct balloon_statistics s;

	start();
	virtio_balloon_statistics(device, &s);
	EXPECT_EQ(s.given, 0);
	offer_statistics(0, first, sizeof(first));
	EXPECT_EQ(statistic(VIRTIO_BALLOON_S_MEMFREE), 12345);
	/* Who has them wants new ones, and so the driver has its buffer again. */
	EXPECT(signalled(signal_fd));
	EXPECT_EQ(used(STATS), 1);
	virtio_balloon_statistics(device, &s);
	EXPECT_EQ(s.given, BIT(VIRTIO_BALLOON_S_MEMFREE) | BIT(VIRTIO_BALLOON_S_MEMTOT));
	EXPECT_EQ(s.value[VIRTIO_BALLOON_S_MEMTOT], UINT64_MAX);
	/* The last of two of a kind; not the last, of which a byte is missing */
	offer_statistics(0, second, sizeof(second) - 1);
	EXPECT_EQ(statistic(VIRTIO_BALLOON_S_AVAIL), 678);
	virtio_balloon_statistics(device, &s);
	EXPECT_EQ(s.given, BIT(VIRTIO_BALLOON_S_AVAIL));
	EXPECT_EQ(s.value[VIRTIO_BALLOON_S_MEMTOT], 0);
	virtio_reset(device);
	virtio_balloon_statistics(device, &s);
	EXPECT_EQ(s.given, 0);
	/* A queue that works is no bound for reports. */
	EXPECT_EQ(gone(), 0);
	end();
}

/* A buffer is kept until somebody asks, or the driver has another. */
static void statistics_buffers(void)
{
	static struct virtio_balloon_stat many[200];
	struct balloon_statistics s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct virtio_balloon_stat){ i < 63 ? 0xffff : i - 63, i };
	start();
	offer_statistics(0, many, sizeof(many));
	offer_statistics(1, many, sizeof(many));
	EXPECT(signalled(signal_fd));
	EXPECT_EQ(used(STATS), 1);
	EXPECT_EQ(((u32 *)at(USED(STATS)))[1], 0);
	usleep(20000);
	EXPECT_EQ(used(STATS), 1);
	/* The 64th is the last that is looked at. */
	virtio_balloon_statistics(device, &s);
	EXPECT_EQ(s.given, BIT(0));
	EXPECT_EQ(s.value[0], 63);
	EXPECT(signalled(signal_fd));
	EXPECT_EQ(used(STATS), 2);
	EXPECT_EQ(((u32 *)at(USED(STATS)))[3], 1);
	/* One that is kept when the device is reset isn't given back afterwards. */
	offer_statistics(0, many, sizeof(many));
	offer_statistics(1, many, sizeof(many));
	EXPECT(signalled(signal_fd));
	eventfd_write(device->queue[STATS].kick_fd, 1);
	usleep(20000);
	EXPECT_EQ(used(STATS), 3);
	virtio_reset(device);
	drive(LINUX);
	offer_statistics(1, many, sizeof(many));
	usleep(20000);
	EXPECT_EQ(used(STATS), 0);
	EXPECT_EQ(statistic(0), 63);
	EXPECT(signalled(signal_fd));
	EXPECT_EQ(used(STATS), 1);
	EXPECT_EQ(((u32 *)at(USED(STATS)))[1], 1);
	end();
}

/* One broken ring, and the device is done; after a reset it is as new. */
static void broken(void)
{
	start();
	describe(0, 0, MEMORY, 4, 0);
	offer(0);
	EXPECT(signalled(config_fd));
	EXPECT(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(used(0), 0);
	virtio_reset(device);
	drive(LINUX);
	SEND(0, 600);
	EXPECT_EQ(gone(), 1);
	/* A page of its own rings */
	SEND(0, DESC(0) / MEMORY_PAGE, 601);
	EXPECT(is_gone(601));
	virtio_reset(device);
	drive(LINUX);
	SEND(0, 602);
	EXPECT_EQ(gone(), 3);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(sizes), TEST_CASE(refused), TEST_CASE(inflation),
	TEST_CASE(odd_segments), TEST_CASE(many_pages), TEST_CASE(outside), TEST_CASE(reports),
	TEST_CASE(reports_unwanted), TEST_CASE(poison), TEST_CASE(statistics),
	TEST_CASE(statistics_buffers), TEST_CASE(broken),
};
TEST_SUITE(virtio_balloon_suite, "virtio_balloon", cases);
