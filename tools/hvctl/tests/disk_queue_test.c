// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing images, on a file system in memory and on a real one. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_queue_rig.h"
#include "test.h"

/* ---- reading and writing ------------------------------------------------- */

static void reads_and_writes(void)
{
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer, IMAGE_SIZE), 0);
	EXPECT(!memcmp(dq_buffer, dq_image, IMAGE_SIZE));
	EXPECT_EQ(dq_move(DISK_READ, IMAGE_SIZE - 512, dq_buffer, 512), 0);
	EXPECT(!memcmp(dq_buffer, dq_image + IMAGE_SIZE - 512, 512));

	memset(dq_image + 1024, 0x5a, 512);
	EXPECT_EQ(dq_move(DISK_WRITE, 1024, dq_image + 1024, 512), 0);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	EXPECT_EQ(dq_clear(DISK_FLUSH, 0, 0, false), 0);
	/* Nothing, at the very end, is fine. */
	EXPECT_EQ(dq_move(DISK_READ, IMAGE_SIZE, dq_buffer, 0), 0);
	EXPECT_EQ(dq_clear(DISK_DISCARD, 0, 0, false), 0);
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 512, 0, true), 0);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	dq_end();
}

static void expect_counts(enum disk_op op, u64 requests, u64 bytes)
{
	struct disk_counts counts;

	disk_count(dq.disk, &counts);
	EXPECT_EQ(counts.requests[op], requests);
	EXPECT_EQ(counts.bytes[op], bytes);
}

static void expect_errors(u64 errors)
{
	struct disk_counts counts;

	disk_count(dq.disk, &counts);
	EXPECT_EQ(counts.errors, errors);
}

/* What each kind of request adds, be it done at once or in steps; and what none adds. */
static void counted(void)
{
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer, IMAGE_SIZE), 0);
	EXPECT_EQ(dq_move(DISK_READ, 512, dq_buffer, 1024), 0);
	EXPECT_EQ(dq_move(DISK_WRITE, 1024, dq_image, 512), 0);
	EXPECT_EQ(dq_clear(DISK_FLUSH, 0, 0, false), 0);
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 0, MIB(1), false), 0);
	EXPECT_EQ(dq_clear(DISK_DISCARD, 0, MIB(2), false), 0);
	expect_counts(DISK_READ, 2, IMAGE_SIZE + 1024);
	expect_counts(DISK_WRITE, 1, 512);
	expect_counts(DISK_FLUSH, 1, 0);
	expect_counts(DISK_WRITE_ZEROES, 1, MIB(1));
	expect_counts(DISK_DISCARD, 1, MIB(2));
	expect_errors(0);
	/* Refused, and failed */
	EXPECT_EQ(dq_move(DISK_READ, IMAGE_SIZE, dq_buffer, 512), -ERANGE);
	EXPECT_EQ(dq_move(DISK_READ, 0, (void *)4096, 4096), -EFAULT);
	expect_counts(DISK_READ, 2, IMAGE_SIZE + 1024);
	expect_errors(2);
	/* A disk's queues come and go. */
	disk_queue_destroy(dq.queue);
	EXPECT(!disk_queue_create(&dq.queue, dq.disk, DEPTH));
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer, 512), 0);
	expect_counts(DISK_READ, 3, IMAGE_SIZE + 1536);
	dq_end();
}

/* More pieces than the kernel takes at once, some of them empty. */
static void many_pieces(void)
{
	static struct iovec iov[3000];
	struct disk_request r = { .iov = iov, .iov_count = ARRAY_SIZE(iov) };
	unsigned int i;

	if (!dq_begin_random(dq_in_memory()))
		return;
	for (i = 0; i < ARRAY_SIZE(iov); i++) {
		u64 size = i % 3 ? 500 + i % 3 * 20 : 0;	/* 0, 520, 540 */

		iov[i] = (struct iovec){ dq_buffer + r.length, size };
		r.length += size;
	}
	/* 1,060,000 bytes; make it a multiple of 512. */
	iov[0] = (struct iovec){ dq_buffer + r.length, 512 - r.length % 512 };
	r.length += iov[0].iov_len;
	r.op = DISK_READ;
	r.offset = 512;
	EXPECT_EQ(dq_run(&r), 0);
	EXPECT(!memcmp(iov[0].iov_base, dq_image + 512, iov[0].iov_len));
	EXPECT(!memcmp(dq_buffer, dq_image + 512 + iov[0].iov_len, r.length - iov[0].iov_len));

	dq_fill_random(dq_buffer, r.length);
	memcpy(dq_image + 512, iov[0].iov_base, iov[0].iov_len);
	memcpy(dq_image + 512 + iov[0].iov_len, dq_buffer, r.length - iov[0].iov_len);
	r.op = DISK_WRITE;
	EXPECT_EQ(dq_run(&r), 0);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	dq_end();
}

/*
 * The kernel stops where memory ends; by the time that the rest is asked for, it
 * is there. Pieces of 12 KiB then have been cut in their middle.
 */
static void cut_short(enum disk_op op, const char *path)
{
	const u64 size = 6 * 4096;
	struct iovec iov[2] = { { dq_buffer, size / 2 }, { dq_buffer + size / 2, size / 2 } };
	struct disk_request r = {
		.op = op, .offset = 4096, .length = size, .iov = iov, .iov_count = 2,
	};
	struct pollfd pfd = { .events = POLLIN };

	if (!dq_begin_random(path))
		return;
	memcpy(dq_buffer, dq_image + MIB(1), size);
	EXPECT(!mprotect(dq_buffer + 4096, size - 4096, PROT_NONE));
	EXPECT(!disk_submit(dq.queue, &r));
	disk_kick(dq.queue);
	pfd.fd = disk_queue_fd(dq.queue);
	EXPECT(poll(&pfd, 1, 10000) == 1);
	EXPECT(!mprotect(dq_buffer + 4096, size - 4096, PROT_READ | PROT_WRITE));
	EXPECT(dq_next_done() == &r);
	EXPECT_EQ(r.result, 0);
	if (op == DISK_READ)
		EXPECT(!memcmp(dq_buffer, dq_image + 4096, size));
	else
		memcpy(dq_image + 4096, dq_buffer, size);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	dq_end();
}

static void short_read(void)
{
	cut_short(DISK_READ, dq_in_memory());
	cut_short(DISK_READ, test_file_on_disk(IMAGE_SIZE));
}

static void short_write(void)
{
	cut_short(DISK_WRITE, dq_in_memory());
	cut_short(DISK_WRITE, test_file_on_disk(IMAGE_SIZE));
}

static void bad_memory(void)
{
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT_EQ(dq_move(DISK_READ, 0, (void *)4096, 4096), -EFAULT);
	EXPECT_EQ(dq_move(DISK_WRITE, 0, (void *)4096, 4096), -EFAULT);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	dq_end();
}

/* The file was made shorter while it was in use. */
static void shrunk(void)
{
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT(!truncate(dq.config.path, MIB(2) + 100));
	EXPECT_EQ(dq_move(DISK_READ, MIB(2) - 512, dq_buffer, 512), 0);
	EXPECT_EQ(dq_move(DISK_READ, MIB(2) - 512, dq_buffer, 1024), -EIO);
	EXPECT_EQ(dq_move(DISK_READ, MIB(3), dq_buffer, 512), -EIO);
	dq_end();
}

static void grown(void)
{
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT(!truncate(dq.config.path, IMAGE_SIZE + 1024));
	EXPECT_EQ(dq_move(DISK_WRITE, IMAGE_SIZE, dq_image, 1024), -ERANGE);
	EXPECT_EQ(disk_grow(dq.disk, 0), 1);
	EXPECT_EQ(dq_move(DISK_WRITE, IMAGE_SIZE, dq_image, 1024), 0);
	EXPECT(dq_file_is(dq_image, IMAGE_SIZE, 1024));
	dq_end();
}

static void refusals(void)
{
	struct iovec iov = { dq_buffer, 512 };
	struct disk_request r = { .op = DISK_READ, .length = 1024, .iov = &iov, .iov_count = 1 };

	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT_EQ(dq_run(&r), -EINVAL);	/* too few bytes */
	iov.iov_len = 1536;
	EXPECT_EQ(dq_run(&r), -EINVAL);	/* too many */
	r.iov_count = 0;
	EXPECT_EQ(dq_run(&r), -EINVAL);
	r.op = 99;
	EXPECT_EQ(dq_run(&r), -EINVAL);
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer, 511), -EINVAL);
	EXPECT_EQ(dq_move(DISK_WRITE, 1, dq_buffer, 512), -EINVAL);
	EXPECT_EQ(dq_move(DISK_READ, IMAGE_SIZE, dq_buffer, 512), -ERANGE);
	EXPECT_EQ(dq_move(DISK_WRITE, IMAGE_SIZE - 512, dq_buffer, 1024), -ERANGE);
	EXPECT_EQ(dq_move(DISK_READ, 0ULL - 512, dq_buffer, 512), -ERANGE);
	EXPECT_EQ(dq_clear(DISK_DISCARD, 512, 0ULL - 512, false), -ERANGE);
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, IMAGE_SIZE, 512, true), -ERANGE);
	EXPECT(!disk_complete(dq.queue));
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	EXPECT_FAIL(disk_queue_create(&dq.queue, dq.disk, 0), "from 1 to 4096 places");
	EXPECT_FAIL(disk_queue_create(&dq.queue, dq.disk, 4097), "from 1 to 4096 places");
	dq_end();
}

static void readonly(void)
{
	dq.config.readonly = true;
	if (!dq_begin_random(dq_in_memory()))
		return;
	EXPECT_EQ(dq_move(DISK_WRITE, 0, dq_buffer, 512), -EROFS);
	EXPECT_EQ(dq_clear(DISK_DISCARD, 0, 512, false), -EROFS);
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 0, 512, false), -EROFS);
	EXPECT_EQ(dq_clear(DISK_FLUSH, 0, 0, false), 0);
	EXPECT_EQ(dq_move(DISK_READ, 512, dq_buffer, 512), 0);
	EXPECT(!memcmp(dq_buffer, dq_image + 512, 512));
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	dq_end();
}

/* ---- clearing ------------------------------------------------------------ */

static u64 file_blocks(void)
{
	struct stat st;

	EXPECT(!stat(dq.config.path, &st));
	return st.st_blocks;
}

static void clearing(const char *path)
{
	u64 blocks;

	if (!dq_begin_random(path))
		return;
	/* Parts of pages, too. */
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 512, MIB(1), false), 0);
	memset(dq_image + 512, 0, MIB(1));
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	blocks = file_blocks();
	EXPECT(blocks * 512 >= IMAGE_SIZE);

	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, MIB(2), KIB(512), true), 0);
	memset(dq_image + MIB(2), 0, KIB(512));
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	if (disk_can_discard(dq.disk)) {
		/* Or more, if blocks that list blocks go, too. */
		EXPECT(file_blocks() + 1024 <= blocks);
		EXPECT_EQ(dq_clear(DISK_DISCARD, MIB(3), MIB(1), false), 0);
		memset(dq_image + MIB(3), 0, MIB(1));
		EXPECT(file_blocks() + 1024 + 2048 <= blocks);
	} else {
		EXPECT_EQ(dq_clear(DISK_DISCARD, MIB(3), MIB(1), false), -EOPNOTSUPP);
	}
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	EXPECT_EQ(disk_grow(dq.disk, 0), 0);
	dq_end();
}

/* The file system in memory has no ZERO_RANGE: zeros are written. */
static void clearing_in_memory(void)
{
	clearing(dq_in_memory());
}

static void clearing_on_disk(void)
{
	clearing(test_file_on_disk(IMAGE_SIZE));
}

/* As with a file system that has neither. */
static void clearing_by_writing(void)
{
	if (!dq_begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	dq.disk->no_punch_hole = true;
	dq.disk->no_zero_range = true;
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 512, IMAGE_SIZE - 1024, true), 0);
	memset(dq_image + 512, 0, IMAGE_SIZE - 1024);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	EXPECT(file_blocks() * 512 >= IMAGE_SIZE);
	dq_end();
}

/* ---- many at a time -------------------------------------------------------- */

/* More than the ring has places for: all are done, each once. */
static void more_than_depth(void)
{
	static struct disk_request requests[64];
	static struct iovec iov[ARRAY_SIZE(requests)];
	unsigned int i, done = 0;
	struct disk_request *r;

	if (!dq_begin_random(dq_in_memory()))
		return;
	memset(dq_buffer, 0, sizeof(dq_buffer));
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		u64 offset = KIB(64) * i;

		iov[i] = (struct iovec){ dq_buffer + offset, KIB(64) };
		requests[i] = (struct disk_request){
			.op = DISK_READ, .offset = offset, .length = KIB(64),
			.iov = &iov[i], .iov_count = 1, .result = 1, .opaque = &iov[i],
		};
		EXPECT(!disk_submit(dq.queue, &requests[i]));
	}
	disk_kick(dq.queue);
	while (done < ARRAY_SIZE(requests) && (r = dq_next_done())) {
		EXPECT_EQ(r->result, 0);
		EXPECT(r->opaque == &iov[r - requests]);
		r->opaque = NULL;
		done++;
	}
	EXPECT(!disk_complete(dq.queue));
	EXPECT(!memcmp(dq_buffer, dq_image, IMAGE_SIZE));
	dq_end();
}

/* Requests that are under way, and others that wait, when the queue goes. */
static void destroyed_early(void)
{
	static struct disk_request requests[20];
	struct iovec iov = { dq_buffer, MIB(1) };
	unsigned int i;

	dq.config.direct = true;
	if (!dq_begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	iov.iov_base = dq_buffer + 1;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){
			.op = i % 4 ? DISK_READ : DISK_FLUSH, .length = i % 4 ? MIB(1) : 0,
			.iov = &iov, .iov_count = 1,
		};
		EXPECT(!disk_submit(dq.queue, &requests[i]));
	}
	disk_kick(dq.queue);
	dq_end();
	/* And with what the kernel has not even seen. */
	dq.config.direct = true;
	if (!dq_begin(test_file_on_disk(IMAGE_SIZE)))
		return;
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT(!disk_submit(dq.queue, &requests[i]));
	dq_end();
	disk_queue_destroy(NULL);
}

/* ---- past the page cache ---------------------------------------------------- */

/* Memory at any address, larger than what is copied at a time. */
static void misaligned(void)
{
	dq.config.direct = true;
	if (!dq_begin_random(test_file_on_disk(IMAGE_SIZE)))
		return;
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer + 1, IMAGE_SIZE), 0);
	EXPECT(!memcmp(dq_buffer + 1, dq_image, IMAGE_SIZE));
	memset(dq_buffer, 0, sizeof(dq_buffer));
	EXPECT_EQ(dq_move(DISK_READ, 0, dq_buffer, IMAGE_SIZE), 0);
	EXPECT(!memcmp(dq_buffer, dq_image, IMAGE_SIZE));

	dq_fill_random(dq_buffer, sizeof(dq_buffer));
	memcpy(dq_image + 4096, dq_buffer + 3, MIB(3));
	EXPECT_EQ(dq_move(DISK_WRITE, 4096, dq_buffer + 3, MIB(3)), 0);
	EXPECT(dq_file_is(dq_image, 0, IMAGE_SIZE));
	EXPECT_EQ(dq_move(DISK_READ, 4096, dq_buffer + 3, disk_block_size(dq.disk) / 2), -EINVAL);
	dq_end();
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
		_exit(disk_queue_create(&dq.queue, dq.disk, DEPTH) == -1 &&
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
	snprintf(dq.config.path, sizeof(dq.config.path), "%s", dq_in_memory());
	EXPECT(!disk_open(&dq.disk, &dq.config));
	refused_with(ENOSYS, "kernel has no io_uring");
	refused_with(EPERM, "kernel.io_uring_disabled");
	refused_with(ENOMEM, "cannot set up io_uring: ");
	dq_end();
}

static const struct test_case cases[] = {
	TEST_CASE(counted), TEST_CASE(reads_and_writes), TEST_CASE(many_pieces),
	TEST_CASE(short_read), TEST_CASE(short_write), TEST_CASE(bad_memory), TEST_CASE(shrunk),
	TEST_CASE(grown), TEST_CASE(refusals), TEST_CASE(readonly), TEST_CASE(clearing_in_memory),
	TEST_CASE(clearing_on_disk), TEST_CASE(clearing_by_writing), TEST_CASE(more_than_depth),
	TEST_CASE(destroyed_early), TEST_CASE(misaligned), TEST_CASE(no_io_uring),
};
TEST_SUITE(disk_queue_suite, "disk_queue", cases);
