// SPDX-License-Identifier: GPL-2.0-only
/* What a limit lets through, and when; and what doesn't wait for it. */
#include <linux/virtio_net.h>
#include <poll.h>
#include <sys/socket.h>

#include "clock.h"
#include "net_stream_rig.h"
#include "test.h"

/*
 * At 100,000 bytes a second, 10,000 may go at once: 6 frames of 1500, and one on credit. So the
 * last of 16 goes 125 ms after the first.
 */
#define LIMIT		100000
#define LIMITED_FRAMES	QUEUE_SIZE
#define LIMITED_MS	125

static void limited_receiver(void)
{
	u64 before, cpu_before;
	unsigned int i;

	net_begin_with(&(struct net_fake){ .bps = LIMIT }, 0);
	for (i = 0; i < LIMITED_FRAMES; i++)
		net_offer_buffer(i, BUFFER_SIZE);
	before = clock_ms();
	cpu_before = net_cpu_ms();
	net_peer_sends(LIMITED_FRAMES, 1500, 1);
	net_expect_used(RECEIVE, LIMITED_FRAMES);
	EXPECT(clock_ms() - before >= LIMITED_MS);
	EXPECT(net_cpu_ms() - cpu_before < 60);
	for (i = 0; i < LIMITED_FRAMES; i++)
		net_expect_received(i, 1, 1500, 1 + i);
	/* The other direction has a bucket of its own. */
	for (i = 0; i < 6; i++) {
		net_guest_sends(i % 2 * 2, 1500, i);
		net_peer_gets(1500, i);
	}
	net_end();
}

/* Two frames at a time, of which each is sent when it may be */
static void limited_sender(void)
{
	u64 before, cpu_before;
	unsigned int i;

	net_begin_with(&(struct net_fake){ .bps = LIMIT }, 0);
	before = clock_ms();
	cpu_before = net_cpu_ms();
	for (i = 0; i < LIMITED_FRAMES; i++) {
		net_guest_sends(i % 2 * 2, 1500, i);
		if (i % 2)
			net_expect_used(SEND, i + 1);
	}
	EXPECT(clock_ms() - before >= LIMITED_MS);
	EXPECT(net_cpu_ms() - cpu_before < 60);
	for (i = 0; i < LIMITED_FRAMES; i++)
		net_peer_gets(1500, i);
	net_end();
}

/* Frames that the limit keeps for 15 seconds at least, for the large ones before them */
static void begin_waiting(void)
{
	unsigned int i;

	net_begin_with(&(struct net_fake){ .bps = KIB(1) }, 0);
	for (i = 0; i < QUEUE_SIZE; i++)
		net_offer_buffer(i, BUFFER_SIZE);
	net_peer_sends(1, QUEUE_SIZE / 2 * BUFFER_SIZE - HEADER, 0x11);
	net_expect_used(RECEIVE, QUEUE_SIZE / 2);
	net_peer_sends(1, 60, 0x12);
	net_guest_sends(0, 40000, 0x21);
	net_peer_gets(40000, 0x21);
	net_expect_used(SEND, 1);
	net_guest_sends(2, 60, 0x22);
	net_guest_sends(4, 60, 0x23);
	net_expect_still(SEND, 1);
	net_expect_still(RECEIVE, QUEUE_SIZE / 2);
}

/* The peer waits, and nobody works. */
static void limited_peer(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];
	unsigned int sent;
	u64 before;

	begin_waiting();
	net_frame(bytes, 1500, 0x13);
	for (sent = 0; send(net.fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0; sent++)
		;
	EXPECT(sent > 50 && sent < 1000);
	before = net_cpu_ms();
	net_sleep(300);
	EXPECT(net_cpu_ms() - before < 100);
	EXPECT(send(net.fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0);
	net_expect_still(RECEIVE, QUEUE_SIZE / 2);
	net_end();
}

/* A reset doesn't wait. What the peer had sent does, still; what the guest had, is gone. */
static void limited_reset(void)
{
	struct pollfd fd = { .events = POLLIN };
	u64 before;

	begin_waiting();
	before = clock_ms();
	virtio_reset(net.device);
	EXPECT(clock_ms() - before < 1000);
	memset(net_at(FRAMES), 0, FRAMES_SIZE);
	net_start_driver(0);
	net_offer_buffer(0, BUFFER_SIZE);
	net_guest_sends(0, 60, 0x24);
	net_expect_still(RECEIVE, 0);
	net_expect_still(SEND, 0);
	fd.fd = net.fake.fd;
	EXPECT_EQ(poll(&fd, 1, 0), 0);
	before = clock_ms();
	net_end();
	EXPECT(clock_ms() - before < 1000);
}

/* Nor does the end of a peer, for whom nothing is kept. */
static void limited_new_peer(void)
{
	begin_waiting();
	net_interrupts(SEND);
	net_hang_up();
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), 0);
	net_expect_used(SEND, 3);
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), VIRTIO_NET_S_LINK_UP);
	EXPECT_EQ(net.fake.starts, 2);
	net_expect_still(RECEIVE, QUEUE_SIZE / 2);
	net_end();
}

static const struct test_case cases[] = {
	TEST_CASE(limited_receiver), TEST_CASE(limited_sender), TEST_CASE(limited_peer),
	TEST_CASE(limited_reset), TEST_CASE(limited_new_peer),
};

TEST_SUITE(virtio_net_limits_suite, "virtio_net_limits", cases);
