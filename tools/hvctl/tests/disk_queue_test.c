// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing images, on a file system in memory and on a real one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_impl.h"
#include "test.h"

#define IMAGE_SIZE	MIB(4)
#define DEPTH		4

static struct disk_config config;
static struct disk *disk;
static struct disk_queue *queue;

static u8 buffer[IMAGE_SIZE + 4096] __attribute__((aligned(4096)));
static u8 image[IMAGE_SIZE];	/* what the file should hold */

/* ---- setting up and down ------------------------------------------------- */

static void end(void)
{
	disk_queue_destroy(queue);
	disk_close(disk);
	queue = NULL;
	disk = NULL;
	memset(&config, 0, sizeof(config));
}

/*
 * Open the image at @path, as the rest of config says. false, and nothing is open,
 * if this host can't; the test is skipped then.
 */
static bool begin(const char *path)
{
	if (!path)
		goto skip;
	snprintf(config.path, sizeof(config.path), "%s", path);
	if (disk_open(&disk, &config)) {
		EXPECT(config.direct);
		EXPECT_HAS(fail_text(), "O_DIRECT");
		test_skip("the file system has no O_DIRECT");
		goto skip;
	}
	if (disk_queue_create(&queue, disk, DEPTH)) {
		EXPECT_HAS(fail_text(), "io_uring");
		test_skip("this host refuses io_uring");
		goto skip;
	}
	return true;
skip:
	end();
	return false;
}

static void fill_random(u8 *to, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = test_random();
}

/* The image is all random, and what @image says. */
static bool begin_random(const char *path)
{
	int fd;

	if (!path)
		return begin(path);
	fill_random(image, sizeof(image));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT(pwrite(fd, image, sizeof(image), 0) == sizeof(image));
	close(fd);
	return begin(path);
}

/* Past the disk's own way of reading. */
static bool file_is(const u8 *want, u64 offset, u64 size)
{
	u8 *have = malloc(size);
	int fd = open(config.path, O_RDONLY | O_CLOEXEC);
	bool same = pread(fd, have, size, offset) == (ssize_t)size && !memcmp(have, want, size);

	close(fd);
	free(have);
	return same;
}

static u64 file_blocks(void)
{
	struct stat st;

	EXPECT(!stat(config.path, &st));
	return st.st_blocks;
}

/* The next that is done, waited for. */
static struct disk_request *next_done(void)
{
	struct pollfd pfd = { .fd = disk_queue_fd(queue), .events = POLLIN };
	struct disk_request *r;
	int n;

	while (!(r = disk_complete(queue))) {
		n = poll(&pfd, 1, 10000);
		EXPECT(n > 0 || (n < 0 && errno == EINTR));
		if (!n)
			break;
	}
	return r;
}

static int run(struct disk_request *r)
{
	int ret = disk_submit(queue, r);

	if (ret)
		return ret;
	disk_kick(queue);
	EXPECT(next_done() == r);
	EXPECT(!disk_complete(queue));
	return r->result;
}

/* READ or WRITE with one buffer. */
static int move(enum disk_op op, u64 offset, void *buf, u64 length)
{
	struct iovec iov = { buf, length };
	struct disk_request r = {
		.op = op, .offset = offset, .length = length, .iov = &iov, .iov_count = 1,
	};

	return run(&r);
}

static int clear(enum disk_op op, u64 offset, u64 length, bool unmap)
{
	struct disk_request r = { .op = op, .offset = offset, .length = length, .unmap = unmap };

	return run(&r);
}

static const char *in_memory(void)
{
	return test_file(image, sizeof(image));
}

/* ---- reading and writing ------------------------------------------------- */

static void reads_and_writes(void)
{
	if (!begin_random(in_memory()))
		return;
	EXPECT_EQ(move(DISK_READ, 0, buffer, IMAGE_SIZE), 0);
	EXPECT(!memcmp(buffer, image, IMAGE_SIZE));
	EXPECT_EQ(move(DISK_READ, IMAGE_SIZE - 512, buffer, 512), 0);
	EXPECT(!memcmp(buffer, image + IMAGE_SIZE - 512, 512));

	memset(image + 1024, 0x5a, 512);
	EXPECT_EQ(move(DISK_WRITE, 1024, image + 1024, 512), 0);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	EXPECT_EQ(clear(DISK_FLUSH, 0, 0, false), 0);
	/* Nothing, at the very end, is fine. */
	EXPECT_EQ(move(DISK_READ, IMAGE_SIZE, buffer, 0), 0);
	EXPECT_EQ(clear(DISK_DISCARD, 0, 0, false), 0);
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 512, 0, true), 0);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	end();
}

static void expect_counts(enum disk_op op, u64 requests, u64 bytes)
{
	struct disk_counts counts;

	disk_count(disk, &counts);
	EXPECT_EQ(counts.requests[op], requests);
	EXPECT_EQ(counts.bytes[op], bytes);
}

static void expect_errors(u64 errors)
{
	struct disk_counts counts;

	disk_count(disk, &counts);
	EXPECT_EQ(counts.errors, errors);
}

/* What each kind of request adds, be it done at once or in steps; and what none adds. */
static void counted(void)
{
	if (!begin_random(in_memory()))
		return;
	EXPECT_EQ(move(DISK_READ, 0, buffer, IMAGE_SIZE), 0);
	EXPECT_EQ(move(DISK_READ, 512, buffer, 1024), 0);
	EXPECT_EQ(move(DISK_WRITE, 1024, image, 512), 0);
	EXPECT_EQ(clear(DISK_FLUSH, 0, 0, false), 0);
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 0, MIB(1), false), 0);
	EXPECT_EQ(clear(DISK_DISCARD, 0, MIB(2), false), 0);
	expect_counts(DISK_READ, 2, IMAGE_SIZE + 1024);
	expect_counts(DISK_WRITE, 1, 512);
	expect_counts(DISK_FLUSH, 1, 0);
	expect_counts(DISK_WRITE_ZEROES, 1, MIB(1));
	expect_counts(DISK_DISCARD, 1, MIB(2));
	expect_errors(0);
	/* Refused, and failed */
	EXPECT_EQ(move(DISK_READ, IMAGE_SIZE, buffer, 512), -ERANGE);
	EXPECT_EQ(move(DISK_READ, 0, (void *)4096, 4096), -EFAULT);
	expect_counts(DISK_READ, 2, IMAGE_SIZE + 1024);
	expect_errors(2);
	/* A disk's queues come and go. */
	disk_queue_destroy(queue);
	EXPECT(!disk_queue_create(&queue, disk, DEPTH));
	EXPECT_EQ(move(DISK_READ, 0, buffer, 512), 0);
	expect_counts(DISK_READ, 3, IMAGE_SIZE + 1536);
	end();
}

/* More pieces than the kernel takes at once, some of them empty. */
static void many_pieces(void)
{
	static struct iovec iov[3000];
	struct disk_request r = { .iov = iov, .iov_count = ARRAY_SIZE(iov) };
	unsigned int i;

	if (!begin_random(in_memory()))
		return;
	for (i = 0; i < ARRAY_SIZE(iov); i++) {
		u64 size = i % 3 ? 500 + i % 3 * 20 : 0;	/* 0, 520, 540 */

		iov[i] = (struct iovec){ buffer + r.length, size };
		r.length += size;
	}
	/* 1,060,000 bytes; make it a multiple of 512. */
	iov[0] = (struct iovec){ buffer + r.length, 512 - r.length % 512 };
	r.length += iov[0].iov_len;
	r.op = DISK_READ;
	r.offset = 512;
	EXPECT_EQ(run(&r), 0);
	EXPECT(!memcmp(iov[0].iov_base, image + 512, iov[0].iov_len));
	EXPECT(!memcmp(buffer, image + 512 + iov[0].iov_len, r.length - iov[0].iov_len));

	fill_random(buffer, r.length);
	memcpy(image + 512, iov[0].iov_base, iov[0].iov_len);
	memcpy(image + 512 + iov[0].iov_len, buffer, r.length - iov[0].iov_len);
	r.op = DISK_WRITE;
	EXPECT_EQ(run(&r), 0);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	end();
}

/*
 * The kernel stops where memory ends; by the time that the rest is asked for, it
 * is there. Pieces of 12 KiB then have been cut in their middle.
 */
static void cut_short(enum disk_op op, const char *path)
{
	const u64 size = 6 * 4096;
	struct iovec iov[2] = { { buffer, size / 2 }, { buffer + size / 2, size / 2 } };
	struct disk_request r = {
		.op = op, .offset = 4096, .length = size, .iov = iov, .iov_count = 2,
	};
	struct pollfd pfd = { .events = POLLIN };

	if (!begin_random(path))
		return;
	memcpy(buffer, image + MIB(1), size);
	EXPECT(!mprotect(buffer + 4096, size - 4096, PROT_NONE));
	EXPECT(!disk_submit(queue, &r));
	disk_kick(queue);
	pfd.fd = disk_queue_fd(queue);
	EXPECT(poll(&pfd, 1, 10000) == 1);
	EXPECT(!mprotect(buffer + 4096, size - 4096, PROT_READ | PROT_WRITE));
	EXPECT(next_done() == &r);
	EXPECT_EQ(r.result, 0);
	if (op == DISK_READ)
		EXPECT(!memcmp(buffer, image + 4096, size));
	else
		memcpy(image + 4096, buffer, size);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	end();
}

static void short_read(void)
{
	cut_short(DISK_READ, in_memory());
	cut_short(DISK_READ, test_file_on_disk(IMAGE_SIZE));
}

static void short_write(void)
{
	cut_short(DISK_WRITE, in_memory());
	cut_short(DISK_WRITE, test_file_on_disk(IMAGE_SIZE));
}

static void bad_memory(void)
{
	if (!begin_random(in_memory()))
		return;
	EXPECT_EQ(move(DISK_READ, 0, (void *)4096, 4096), -EFAULT);
	EXPECT_EQ(move(DISK_WRITE, 0, (void *)4096, 4096), -EFAULT);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	end();
}

/* The file was made shorter while it was in use. */
static void shrunk(void)
{
	if (!begin_random(in_memory()))
		return;
	EXPECT(!truncate(config.path, MIB(2) + 100));
	EXPECT_EQ(move(DISK_READ, MIB(2) - 512, buffer, 512), 0);
	EXPECT_EQ(move(DISK_READ, MIB(2) - 512, buffer, 1024), -EIO);
	EXPECT_EQ(move(DISK_READ, MIB(3), buffer, 512), -EIO);
	end();
}

static void grown(void)
{
	if (!begin_random(in_memory()))
		return;
	EXPECT(!truncate(config.path, IMAGE_SIZE + 1024));
	EXPECT_EQ(move(DISK_WRITE, IMAGE_SIZE, image, 1024), -ERANGE);
	EXPECT_EQ(disk_grow(disk, 0), 1);
	EXPECT_EQ(move(DISK_WRITE, IMAGE_SIZE, image, 1024), 0);
	EXPECT(file_is(image, IMAGE_SIZE, 1024));
	end();
}

static void refusals(void)
{
	struct iovec iov = { buffer, 512 };
	struct disk_request r = { .op = DISK_READ, .length = 1024, .iov = &iov, .iov_count = 1 };

	if (!begin_random(in_memory()))
		return;
	EXPECT_EQ(run(&r), -EINVAL);	/* too few bytes */
	iov.iov_len = 1536;
	EXPECT_EQ(run(&r), -EINVAL);	/* too many */
	r.iov_count = 0;
	EXPECT_EQ(run(&r), -EINVAL);
	r.op = 99;
	EXPECT_EQ(run(&r), -EINVAL);
	EXPECT_EQ(move(DISK_READ, 0, buffer, 511), -EINVAL);
	EXPECT_EQ(move(DISK_WRITE, 1, buffer, 512), -EINVAL);
	EXPECT_EQ(move(DISK_READ, IMAGE_SIZE, buffer, 512), -ERANGE);
	EXPECT_EQ(move(DISK_WRITE, IMAGE_SIZE - 512, buffer, 1024), -ERANGE);
	EXPECT_EQ(move(DISK_READ, 0ULL - 512, buffer, 512), -ERANGE);
	EXPECT_EQ(clear(DISK_DISCARD, 512, 0ULL - 512, false), -ERANGE);
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, IMAGE_SIZE, 512, true), -ERANGE);
	EXPECT(!disk_complete(queue));
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	EXPECT_FAIL(disk_queue_create(&queue, disk, 0), "from 1 to 4096 places");
	EXPECT_FAIL(disk_queue_create(&queue, disk, 4097), "from 1 to 4096 places");
	end();
}

static void readonly(void)
{
	config.readonly = true;
	if (!begin_random(in_memory()))
		return;
	EXPECT_EQ(move(DISK_WRITE, 0, buffer, 512), -EROFS);
	EXPECT_EQ(clear(DISK_DISCARD, 0, 512, false), -EROFS);
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 0, 512, false), -EROFS);
	EXPECT_EQ(clear(DISK_FLUSH, 0, 0, false), 0);
	EXPECT_EQ(move(DISK_READ, 512, buffer, 512), 0);
	EXPECT(!memcmp(buffer, image + 512, 512));
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	end();
}

/* ---- clearing ------------------------------------------------------------ */

static void clearing(const char *path)
{
	u64 blocks;

	if (!begin_random(path))
		return;
	/* Parts of pages, too. */
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 512, MIB(1), false), 0);
	memset(image + 512, 0, MIB(1));
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	blocks = file_blocks();
	EXPECT(blocks * 512 >= IMAGE_SIZE);

	EXPECT_EQ(clear(DISK_WRITE_ZEROES, MIB(2), KIB(512), true), 0);
	memset(image + MIB(2), 0, KIB(512));
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	if (disk_can_discard(disk)) {
		/* Or more, if blocks that list blocks go, too. */
		EXPECT(file_blocks() + 1024 <= blocks);
		EXPECT_EQ(clear(DISK_DISCARD, MIB(3), MIB(1), false), 0);
		memset(image + MIB(3), 0, MIB(1));
		EXPECT(file_blocks() + 1024 + 2048 <= blocks);
	} else {
		EXPECT_EQ(clear(DISK_DISCARD, MIB(3), MIB(1), false), -EOPNOTSUPP);
	}
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	EXPECT_EQ(disk_grow(disk, 0), 0);
	end();
}

/* The file system in memory has no ZERO_RANGE: zeros are written. */
static void clearing_in_memory(void)
{
	clearing(in_memory());
}

static void clearing_on_disk(void)
{
	clearing(test_file_on_disk(IMAGE_SIZE));
}

/* As with a file system that has neither. */
static void clearing_by_writing(void)
{
	if (!begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	disk->no_punch_hole = true;
	disk->no_zero_range = true;
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 512, IMAGE_SIZE - 1024, true), 0);
	memset(image + 512, 0, IMAGE_SIZE - 1024);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	EXPECT(file_blocks() * 512 >= IMAGE_SIZE);
	end();
}

/* ---- many at a time -------------------------------------------------------- */

/* More than the ring has places for: all are done, each once. */
static void more_than_depth(void)
{
	static struct disk_request requests[64];
	static struct iovec iov[ARRAY_SIZE(requests)];
	unsigned int i, done = 0;
	struct disk_request *r;

	if (!begin_random(in_memory()))
		return;
	memset(buffer, 0, sizeof(buffer));
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		u64 offset = KIB(64) * i;

		iov[i] = (struct iovec){ buffer + offset, KIB(64) };
		requests[i] = (struct disk_request){
			.op = DISK_READ, .offset = offset, .length = KIB(64),
			.iov = &iov[i], .iov_count = 1, .result = 1, .opaque = &iov[i],
		};
		EXPECT(!disk_submit(queue, &requests[i]));
	}
	disk_kick(queue);
	while (done < ARRAY_SIZE(requests) && (r = next_done())) {
		EXPECT_EQ(r->result, 0);
		EXPECT(r->opaque == &iov[r - requests]);
		r->opaque = NULL;
		done++;
	}
	EXPECT(!disk_complete(queue));
	EXPECT(!memcmp(buffer, image, IMAGE_SIZE));
	end();
}

/* Requests that are under way, and others that wait, when the queue goes. */
static void destroyed_early(void)
{
	static struct disk_request requests[20];
	struct iovec iov = { buffer, MIB(1) };
	unsigned int i;

	config.direct = true;
	if (!begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	iov.iov_base = buffer + 1;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){
			.op = i % 4 ? DISK_READ : DISK_FLUSH, .length = i % 4 ? MIB(1) : 0,
			.iov = &iov, .iov_count = 1,
		};
		EXPECT(!disk_submit(queue, &requests[i]));
	}
	disk_kick(queue);
	end();
	/* And with what the kernel has not even seen. */
	config.direct = true;
	if (!begin(test_file_on_disk(IMAGE_SIZE)))
		return;
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT(!disk_submit(queue, &requests[i]));
	end();
	disk_queue_destroy(NULL);
}

/* ---- anything, compared with a model -------------------------------------- */

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
	u32 block = disk_block_size(disk);
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
		fill_random(slot->memory + slot->shift, r->length);
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
	EXPECT_EQ(disk_submit(queue, r), 0);
}

/* Take the next one; returns its slot's number, or -1. */
static int check_next(void)
{
	const struct disk_request *r = next_done();
	const struct slot *slot = (const struct slot *)r;
	const u8 *memory;

	if (!r)
		return -1;
	memory = slot->memory + slot->shift;
	EXPECT_EQ(r->result, 0);
	switch (r->op) {
	case DISK_READ:
		EXPECT(!memcmp(memory, image + r->offset, r->length));
		break;
	case DISK_WRITE:
		memcpy(image + r->offset, memory, r->length);
		break;
	case DISK_FLUSH:
		break;
	default:
		/* Holes read as zeros with the file systems here. */
		memset(image + r->offset, 0, r->length);
	}
	return slot - slots;
}

static void random_requests(const char *path)
{
	unsigned int i, submitted;

	if (!begin_random(path))
		return;
	for (i = 0; i < SLOTS; i++) {
		slots[i].memory = aligned_alloc(4096, SLOT_SIZE + 4096);
		submit_random(i);
	}
	for (submitted = SLOTS; submitted < 600; submitted++) {
		int n;

		disk_kick(queue);
		n = check_next();
		if (n < 0)
			break;
		submit_random(n);
	}
	disk_kick(queue);
	for (i = 0; i < SLOTS; i++)
		check_next();
	EXPECT(!disk_complete(queue));
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	for (i = 0; i < SLOTS; i++)
		free(slots[i].memory);
	end();
}

static void random_in_memory(void)
{
	random_requests(in_memory());
}

static void random_on_disk(void)
{
	random_requests(test_file_on_disk(IMAGE_SIZE));
}

static void random_direct(void)
{
	config.direct = true;
	random_requests(test_file_on_disk(IMAGE_SIZE));
}

/* ---- past the page cache ---------------------------------------------------- */

/* Memory at any address, larger than what is copied at a time. */
static void misaligned(void)
{
	config.direct = true;
	if (!begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	EXPECT_EQ(move(DISK_READ, 0, buffer + 1, IMAGE_SIZE), 0);
	EXPECT(!memcmp(buffer + 1, image, IMAGE_SIZE));
	memset(buffer, 0, sizeof(buffer));
	EXPECT_EQ(move(DISK_READ, 0, buffer, IMAGE_SIZE), 0);
	EXPECT(!memcmp(buffer, image, IMAGE_SIZE));

	fill_random(buffer, sizeof(buffer));
	memcpy(image + 4096, buffer + 3, MIB(3));
	EXPECT_EQ(move(DISK_WRITE, 4096, buffer + 3, MIB(3)), 0);
	EXPECT(file_is(image, 0, IMAGE_SIZE));
	EXPECT_EQ(move(DISK_READ, 4096, buffer + 3, disk_block_size(disk) / 2), -EINVAL);
	end();
}

/* ---- limits ---------------------------------------------------------------- */

/* A time that the real clock does not reach, so that it sets off no timer. */
#define TIME_START	(1ULL << 60)
#define MS		1000000ULL

static u64 fake_time;

static u64 fake_now(void)
{
	return fake_time;
}

/* @count more are done by now, in the order that they have in the array, and no other. */
static void expect_done(struct disk_request **next, unsigned int count)
{
	disk_kick(queue);
	for (; count; count--) {
		struct disk_request *r = next_done();

		EXPECT(r == *next && !r->result);
		(*next)++;
	}
	EXPECT(!disk_complete(queue));
}

/* 100 a second: eleven at once, then one each 10 ms, in their order. */
static void limited(void)
{
	static struct disk_request requests[16];
	struct disk_request *next = requests;
	unsigned int i;

	config.iops = 100;
	if (!begin_random(in_memory()))
		return;
	fake_time = TIME_START;
	disk_queue_set_clock(queue, fake_now);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){ .op = DISK_READ };
		EXPECT(!disk_submit(queue, &requests[i]));
	}
	expect_done(&next, 11);
	fake_time += 10 * MS - 1;
	expect_done(&next, 0);
	fake_time++;
	expect_done(&next, 1);
	fake_time += 29 * MS;
	expect_done(&next, 2);
	fake_time += MS;
	expect_done(&next, 1);
	/* The last one still waits. */
	end();
}

/* Two queues have one purse; bytes count for reads and writes only. */
static void limit_is_shared(void)
{
	struct iovec iov = { buffer, KIB(64) };
	struct disk_request read = {
		.op = DISK_READ, .length = KIB(64), .iov = &iov, .iov_count = 1,
	};
	struct disk_request late = read, flush = { .op = DISK_FLUSH };
	struct disk_request *next = &late;
	struct disk_queue *first, *second;

	config.bps = KIB(64);
	if (!begin_random(in_memory()))
		return;
	first = queue;
	EXPECT(!disk_queue_create(&second, disk, DEPTH));
	fake_time = TIME_START;
	disk_queue_set_clock(first, fake_now);
	disk_queue_set_clock(second, fake_now);
	EXPECT_EQ(run(&read), 0);
	queue = second;
	EXPECT_EQ(run(&flush), 0);
	EXPECT(!disk_submit(queue, &late));
	EXPECT_EQ(late.engine.start, TIME_START + 900 * MS);
	expect_done(&next, 0);
	fake_time += 900 * MS;
	expect_done(&next, 1);
	disk_queue_destroy(first);
	end();
}

/* By the real clock: the queue's fd tells when it is time. */
static void limit_wakes(void)
{
	struct disk_request requests[15];
	unsigned int i;

	config.iops = 100;
	if (!begin_random(in_memory()))
		return;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){ .op = DISK_FLUSH };
		EXPECT(!disk_submit(queue, &requests[i]));
	}
	disk_kick(queue);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT(next_done());
	EXPECT(!disk_complete(queue));
	end();
}

/* Zeros that had to be written are paid for by those who come later. */
static void zeros_cost(void)
{
	struct disk_request read = { .op = DISK_READ, .length = 512 };
	struct iovec iov = { buffer, 512 };
	struct disk_request *next = &read;

	config.bps = MIB(1);
	if (!begin_random(in_memory()))
		return;
	fake_time = TIME_START;
	disk_queue_set_clock(queue, fake_now);
	disk->no_zero_range = true;
	EXPECT_EQ(clear(DISK_WRITE_ZEROES, 0, MIB(2), false), 0);
	read.iov = &iov;
	read.iov_count = 1;
	EXPECT(!disk_submit(queue, &read));
	EXPECT_EQ(read.engine.start, TIME_START + 1900 * MS);
	fake_time += 1900 * MS - 1;
	expect_done(&next, 0);
	fake_time++;
	expect_done(&next, 1);
	end();
}

/* ---- a host without io_uring ------------------------------------------------- */

/* From here on, this process's io_uring_setup() ends in @error. */
static int forbid_io_uring(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void refused_with(int error, const char *sentence)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (forbid_io_uring(error))
			_exit(4);
		_exit(disk_queue_create(&queue, disk, DEPTH) == -1 &&
		      strstr(fail_text(), sentence) ? 0 : 1);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
		test_skip("this host refuses seccomp filters");
	else
		EXPECT_EQ(status, 0);
}

static void no_io_uring(void)
{
	snprintf(config.path, sizeof(config.path), "%s", in_memory());
	EXPECT(!disk_open(&disk, &config));
	refused_with(ENOSYS, "kernel has no io_uring");
	refused_with(EPERM, "kernel.io_uring_disabled");
	refused_with(ENOMEM, "cannot set up io_uring: ");
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(counted), TEST_CASE(reads_and_writes), TEST_CASE(many_pieces), TEST_CASE(short_read),
	TEST_CASE(short_write), TEST_CASE(bad_memory), TEST_CASE(shrunk), TEST_CASE(grown),
	TEST_CASE(refusals), TEST_CASE(readonly), TEST_CASE(clearing_in_memory),
	TEST_CASE(clearing_on_disk), TEST_CASE(clearing_by_writing), TEST_CASE(more_than_depth),
	TEST_CASE(destroyed_early), TEST_CASE(random_in_memory), TEST_CASE(random_on_disk),
	TEST_CASE(random_direct), TEST_CASE(misaligned), TEST_CASE(limited),
	TEST_CASE(limit_is_shared), TEST_CASE(limit_wakes), TEST_CASE(zeros_cost),
	TEST_CASE(no_io_uring),
};
TEST_SUITE(disk_queue_suite, "disk_queue", cases);
