// SPDX-License-Identifier: GPL-2.0-only
/* When requests begin that a limit holds back. */
#include "disk_queue_rig.h"
#include "test.h"

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
	disk_kick(dq.queue);
	for (; count; count--) {
		struct disk_request *r = dq_next_done();

		EXPECT(r == *next && !r->result);
		(*next)++;
	}
	EXPECT(!disk_complete(dq.queue));
}

/* 100 a second: eleven at once, then one each 10 ms, in their order. */
static void limited(void)
{
	static struct disk_request requests[16];
	struct disk_request *next = requests;
	unsigned int i;

	dq.config.iops = 100;
	if (!dq_begin_random(dq_in_memory()))
		return;
	fake_time = TIME_START;
	disk_queue_set_clock(dq.queue, fake_now);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){ .op = DISK_READ };
		EXPECT(!disk_submit(dq.queue, &requests[i]));
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
	dq_end();
}

/* Two queues have one purse; bytes count for reads and writes only. */
static void limit_is_shared(void)
{
	struct iovec iov = { dq_buffer, KIB(64) };
	struct disk_request read = {
		.op = DISK_READ, .length = KIB(64), .iov = &iov, .iov_count = 1,
	};
	struct disk_request late = read, flush = { .op = DISK_FLUSH };
	struct disk_request *next = &late;
	struct disk_queue *first, *second;

	dq.config.bps = KIB(64);
	if (!dq_begin_random(dq_in_memory()))
		return;
	first = dq.queue;
	EXPECT(!disk_queue_create(&second, dq.disk, DEPTH));
	fake_time = TIME_START;
	disk_queue_set_clock(first, fake_now);
	disk_queue_set_clock(second, fake_now);
	EXPECT_EQ(dq_run(&read), 0);
	dq.queue = second;
	EXPECT_EQ(dq_run(&flush), 0);
	EXPECT(!disk_submit(dq.queue, &late));
	EXPECT_EQ(late.engine.start, TIME_START + 900 * MS);
	expect_done(&next, 0);
	fake_time += 900 * MS;
	expect_done(&next, 1);
	disk_queue_destroy(first);
	dq_end();
}

/* By the real clock: the queue's fd tells when it is time. */
static void limit_wakes(void)
{
	struct disk_request requests[15];
	unsigned int i;

	dq.config.iops = 100;
	if (!dq_begin_random(dq_in_memory()))
		return;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = (struct disk_request){ .op = DISK_FLUSH };
		EXPECT(!disk_submit(dq.queue, &requests[i]));
	}
	disk_kick(dq.queue);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT(dq_next_done());
	EXPECT(!disk_complete(dq.queue));
	dq_end();
}

/* Zeros that had to be written are paid for by those who come later. */
static void zeros_cost(void)
{
	struct disk_request read = { .op = DISK_READ, .length = 512 };
	struct iovec iov = { dq_buffer, 512 };
	struct disk_request *next = &read;

	dq.config.bps = MIB(1);
	if (!dq_begin_random(dq_in_memory()))
		return;
	fake_time = TIME_START;
	disk_queue_set_clock(dq.queue, fake_now);
	dq.disk->no_zero_range = true;
	EXPECT_EQ(dq_clear(DISK_WRITE_ZEROES, 0, MIB(2), false), 0);
	read.iov = &iov;
	read.iov_count = 1;
	EXPECT(!disk_submit(dq.queue, &read));
	EXPECT_EQ(read.engine.start, TIME_START + 1900 * MS);
	fake_time += 1900 * MS - 1;
	expect_done(&next, 0);
	fake_time++;
	expect_done(&next, 1);
	dq_end();
}

static const struct test_case cases[] = {
	TEST_CASE(limited), TEST_CASE(limit_is_shared), TEST_CASE(limit_wakes),
	TEST_CASE(zeros_cost),
};
TEST_SUITE(disk_queue_limits_suite, "disk_queue_limits", cases);
