// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "rate_gate.h"
#include "test.h"

static struct rate_gate gate;
static int epoll_fd;

static void begin(u64 bps)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rate_gate_init(&gate, bps);
	EXPECT(!rate_gate_open(&gate, epoll_fd));
}

static void end(void)
{
	rate_gate_destroy(&gate);
	close(epoll_fd);
}

static bool ready(int ms)
{
	struct pollfd fd = { .fd = epoll_fd, .events = POLLIN };

	return poll(&fd, 1, ms) == 1;
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void no_limit(void)
{
	unsigned int i;

	begin(0);
	for (i = 0; i < 1000; i++) {
		EXPECT(rate_gate_may_pass(&gate, GIB(1)));
		rate_gate_next(&gate);
	}
	EXPECT_EQ(gate.timer_fd, -1);
	EXPECT(!ready(0));
	end();
}

/* 100,000 are in the bucket, and as many are debts, for which the next waits 100 ms. */
static void waits(void)
{
	u64 before = now_ms();
	unsigned int i;

	begin(1000000);
	EXPECT(rate_gate_may_pass(&gate, 200000));
	/* It didn't go, for another reason: it has paid. */
	EXPECT(rate_gate_may_pass(&gate, 200000));
	rate_gate_next(&gate);
	for (i = 0; i < 10; i++)
		EXPECT(!rate_gate_may_pass(&gate, 1));
	EXPECT(!ready(0));
	EXPECT(ready(10000));
	EXPECT(now_ms() - before >= 100);
	EXPECT(rate_gate_may_pass(&gate, 1));
	/* The thread isn't woken again. */
	EXPECT(!ready(0));
	rate_gate_next(&gate);
	EXPECT(rate_gate_may_pass(&gate, 1));
	end();
}

/* What waited is dropped: nothing is waited for. */
static void drops(void)
{
	begin(1000000);
	EXPECT(rate_gate_may_pass(&gate, 150000));
	rate_gate_next(&gate);
	EXPECT(!rate_gate_may_pass(&gate, 1));
	rate_gate_next(&gate);
	EXPECT(!ready(100));
	/* Also if its time had come */
	EXPECT(rate_gate_may_pass(&gate, 150000));
	rate_gate_next(&gate);
	EXPECT(!rate_gate_may_pass(&gate, 1));
	EXPECT(ready(10000));
	rate_gate_next(&gate);
	EXPECT(!ready(0));
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(no_limit), TEST_CASE(waits), TEST_CASE(drops),
};

TEST_SUITE(rate_gate_suite, "rate_gate", cases);
