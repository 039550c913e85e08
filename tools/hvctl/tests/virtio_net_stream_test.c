// SPDX-License-Identifier: GPL-2.0-only
#include <linux/virtio_net.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "clock.h"
#include "net_stream_rig.h"
#include "test.h"

static void configuration(void)
{
	static const u8 mac[] = { 2, 3, 4, 5, 6, 7 };
	struct virtio_net_config config;

	net_begin(0);
	net.device->class->read_config(net.device, 0, &config,
				       offsetof(struct virtio_net_config, speed));
	EXPECT(!memcmp(config.mac, mac, sizeof(mac)));
	EXPECT_EQ(config.mtu, 65520);
	EXPECT_EQ(config.status, VIRTIO_NET_S_LINK_UP);
	EXPECT_EQ(net.device->offered & 0xffffffff & ~(BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
						       BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)),
		  BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU) |
		  BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	/* 60 bytes, from the guest, of a protocol that nobody answers */
	EXPECT(!memcmp(net.fake.hello,
		       "\0\0\0\x3c\xff\xff\xff\xff\xff\xff\2\3\4\5\6\7\x88\xb5", 18));
	net_end();
}

/* Counted is before it is given back. */
static void expect_counts(unsigned int queue, u64 packets, u64 bytes, u64 dropped)
{
	struct net_counts counts;

	virtio_net_stream_count(net.device, &counts);
	EXPECT_EQ(counts.packets[queue], packets);
	EXPECT_EQ(counts.bytes[queue], bytes);
	EXPECT_EQ(counts.dropped[queue], dropped);
}

static void sends(void)
{
	static const u32 splits[] = { 1, HEADER - 1, HEADER, HEADER + 1, HEADER + 99 };
	unsigned int i;

	net_begin(0);
	for (i = 0; i < ARRAY_SIZE(splits); i++) {
		net_send_split(0, 100, i, splits[i]);
		net_peer_gets(100, i);
		EXPECT(net_interrupts(SEND));
		EXPECT_EQ(net_used_len(SEND, i), 0);
	}
	net_guest_sends(2, FRAME_MAX, 0x5a);
	net_peer_gets(FRAME_MAX, 0x5a);
	net_guest_sends(2, FRAME_MIN, 0x5b);
	net_peer_gets(FRAME_MIN, 0x5b);
	net_expect_used(SEND, 7);
	expect_counts(SEND, 7, 500 + FRAME_MAX + FRAME_MIN, 0);
	expect_counts(RECEIVE, 0, 0, 0);
	net_end();
}

/* What isn't a frame is given back, and the next one is sent. */
static void sends_nonsense(void)
{
	net_begin(0);
	net_send_split(0, 0, 1, 5);			/* 12 bytes: a header alone */
	net_send_split(2, FRAME_MIN - 1, 2, HEADER);
	net_expect_used(SEND, 2);
	net_send_split(4, FRAME_MAX + 1, 3, HEADER);
	net_expect_used(SEND, 3);
	net_desc(SEND)[6] = (struct vring_desc){ .addr = FRAMES, .len = HEADER - 1 };
	net_offer(SEND, 6);
	net_expect_used(SEND, 4);
	/* Sums, and packets to be cut up, that nobody offered */
	memset(net_at(FRAMES), 0, HEADER);
	net_desc(SEND)[6].len = 200;
	((struct virtio_net_hdr_v1 *)net_at(FRAMES))->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	net_offer(SEND, 6);
	net_expect_used(SEND, 5);
	((struct virtio_net_hdr_v1 *)net_at(FRAMES))->flags = 0;
	((struct virtio_net_hdr_v1 *)net_at(FRAMES))->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	net_offer(SEND, 6);
	net_expect_used(SEND, 6);
	/* Nothing to be read, but something to be written */
	net_desc(SEND)[6].flags = VRING_DESC_F_WRITE;
	net_offer(SEND, 6);
	net_expect_used(SEND, 7);
	net_guest_sends(0, 60, 7);
	net_peer_gets(60, 7);
	net_expect_used(SEND, 8);
	expect_counts(SEND, 1, 60, 7);
	EXPECT(!(net.device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	net_end();
}

static void receives_at_once(void)
{
	unsigned int i;

	net_begin(0);
	for (i = 0; i < 6; i++)
		net_offer_buffer(i, BUFFER_SIZE);
	net_sleep(20);
	net_peer_sends(5, 100, 0x10);
	/* One interrupt for them all */
	EXPECT_EQ(net_interrupts(RECEIVE), 1);
	net_expect_used(RECEIVE, 5);
	for (i = 0; i < 5; i++) {
		net_expect_received(i, 1, 100, 0x10 + i);
		EXPECT_EQ(net_used_len(RECEIVE, i), HEADER + 100);
		EXPECT_EQ(net_buffer(i)[HEADER + 100], 0xee);
	}
	/* Frames shorter than an Ethernet header are none. */
	net_peer_sends(3, FRAME_MIN - 1, 0x20);
	net_peer_sends(1, FRAME_MIN, 0x30);
	net_expect_used(RECEIVE, 6);
	net_expect_received(5, 1, FRAME_MIN, 0x30);
	net_end();
}

static void receives_bytewise(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 60];
	unsigned int i;

	net_begin(0);
	net_offer_buffer(0, BUFFER_SIZE);
	net_frame(bytes, 60, 0x42);
	for (i = 0; i < sizeof(bytes); i++) {
		EXPECT_EQ(net_used_count(RECEIVE), 0);
		EXPECT_EQ(send(net.fake.fd, bytes + i, 1, 0), 1);
		net_sleep(1);
	}
	net_expect_used(RECEIVE, 1);
	net_expect_received(0, 1, 60, 0x42);
	net_end();
}

/* A frame of 250 bytes in buffers of 100: 88 after the header, 100, 62 */
static void merges(void)
{
	net_begin(0);
	net_offer_buffer(0, 100);
	net_offer_buffer(1, 100);
	net_peer_sends(1, 250, 0x33);
	/* The guest gets all of it, or nothing. */
	net_expect_still(RECEIVE, 0);
	net_offer_buffer(2, 100);
	net_expect_used(RECEIVE, 3);
	EXPECT_EQ(net_used_len(RECEIVE, 0), 100);
	EXPECT_EQ(net_used_len(RECEIVE, 1), 100);
	EXPECT_EQ(net_used_len(RECEIVE, 2), 62);
	net_expect_received(0, 3, 88, 0x33);
	EXPECT_EQ(net_buffer(1)[0], 0x33);
	EXPECT_EQ(net_buffer(1)[99], 0x33);
	EXPECT_EQ(net_buffer(2)[61], 0x33);
	EXPECT_EQ(net_buffer(2)[62], 0xee);
	net_offer_buffer(3, 100);
	net_peer_sends(1, 88, 0x34);
	net_expect_used(RECEIVE, 4);
	net_expect_received(3, 1, 88, 0x34);
	net_end();
}

/* Without MRG_RXBUF a frame is in one buffer; it is dropped if that is too small. */
static void too_small(void)
{
	net_begin(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	net_offer_buffer(0, HEADER + 100);
	net_peer_sends(1, 101, 0x21);
	net_peer_sends(1, 100, 0x22);
	net_expect_used(RECEIVE, 1);
	net_expect_received(0, 1, 100, 0x22);
	expect_counts(RECEIVE, 1, 100, 1);
	net_end();
}

/* With it, one that is too large for all buffers that a ring can have */
static void too_large(void)
{
	unsigned int i;

	net_begin(0);
	for (i = 0; i < QUEUE_SIZE; i++)
		net_offer_buffer(i, 100);
	net_peer_sends(1, QUEUE_SIZE * 100 - HEADER + 1, 0x23);
	net_expect_still(RECEIVE, 0);
	net_peer_sends(1, QUEUE_SIZE * 100 - HEADER, 0x24);
	net_expect_used(RECEIVE, QUEUE_SIZE);
	net_expect_received(0, QUEUE_SIZE, 88, 0x24);
	EXPECT_EQ(net_buffer(QUEUE_SIZE - 1)[99], 0x24);
	/* All buffers are used, each once. */
	for (i = 0; i < QUEUE_SIZE; i++)
		net_offer_buffer(i, 100);
	net_peer_sends(QUEUE_SIZE, 60, 0x60);
	net_expect_used(RECEIVE, 2 * QUEUE_SIZE);
	net_expect_received(QUEUE_SIZE - 1, 1, 60, 0x60 + QUEUE_SIZE - 1);
	net_end();
}

static void no_header_room(void)
{
	net_begin(0);
	net_offer_buffer(0, HEADER - 1);
	net_peer_sends(1, 60, 1);
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT(net.device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(net_used_count(RECEIVE), 0);
	net_end();
}

/* Without buffers the socket isn't read, so that the peer has to wait. */
static void no_buffers(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];
	unsigned int sent = 0, i;
	u64 before;

	net_begin(0);
	for (;;) {
		net_frame(bytes, 1500, sent);
		if (send(net.fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0) {
			/* It may have been reading yet. */
			net_sleep(20);
			if (send(net.fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
				break;
		}
		sent++;
	}
	EXPECT(sent > 50 && sent < 1000);
	before = net_cpu_ms();
	net_sleep(300);
	EXPECT(net_cpu_ms() - before < 100);
	for (i = 0; i < sent; i++) {
		net_offer_buffer(i % QUEUE_SIZE, BUFFER_SIZE);
		net_expect_used(RECEIVE, i + 1);
		net_expect_received(i % QUEUE_SIZE, 1, 1500, i);
	}
	net_peer_sends(1, 60, 0x99);
	net_offer_buffer(i % QUEUE_SIZE, BUFFER_SIZE);
	net_expect_used(RECEIVE, sent + 1);
	net_end();
}

/*
 * The peer takes nothing, and the guest sends until there is no room, by @pairs of descriptors
 * from @first on. Returns how many frames went; the next one waits. The device has 300 ms for
 * each, as it may have to wait for a CPU.
 */
static unsigned int fill_socket(unsigned int first, unsigned int pairs, u32 len)
{
	unsigned int sent, i;

	for (sent = 0; net_used_count(SEND) == sent; sent++) {
		net_guest_sends(first + sent % pairs * 2, len, sent);
		for (i = 0; i < 300 && net_used_count(SEND) == sent; i++)
			net_sleep(1);
	}
	return sent - 1;
}

/* The guest has to wait for the peer, and for nothing but that. */
static void full_socket(int room)
{
	unsigned int sent, i;
	u64 before;

	net_begin_with(&(struct net_fake){ .room = room }, 0);
	sent = fill_socket(0, 4, 40000);
	EXPECT(sent < 20);
	/* More notifications don't help. */
	net_guest_sends((sent + 1) % 4 * 2, 40000, sent + 1);
	before = net_cpu_ms();
	net_expect_still(SEND, sent);
	net_sleep(270);
	EXPECT(net_cpu_ms() - before < 100);
	for (i = 0; i < sent + 2; i++)
		net_peer_gets(40000, i);
	net_expect_used(SEND, sent + 2);
	net_end();
}

static void full(void)
{
	full_socket(0);
}

/* One that takes frames in parts */
static void full_in_parts(void)
{
	full_socket(1);
}

/* The driver goes, and another comes, while frames are on their way. */
static void reset_with(int room, u32 len)
{
	unsigned int sent, i;

	net_begin_with(&(struct net_fake){ .room = room }, 0);
	net_offer_buffer(0, 100);
	net_peer_sends(1, 150, 0x71);
	sent = fill_socket(0, 4, len);
	virtio_reset(net.device);
	/* Nobody may look at this any more. */
	memset(net_at(FRAMES), 0, FRAMES_SIZE);
	net_peer_sends(1, 60, 0x72);
	net_start_driver(0);
	EXPECT_EQ(net_link_status(), VIRTIO_NET_S_LINK_UP);
	net_offer_buffer(1, BUFFER_SIZE);
	net_offer_buffer(2, BUFFER_SIZE);
	net_expect_used(RECEIVE, 2);
	net_expect_received(1, 1, 150, 0x71);
	net_expect_received(2, 1, 60, 0x72);
	EXPECT_EQ(net_buffer(0)[HEADER], 0x71);
	net_guest_sends(0, 99, 0x73);
	for (i = 0; i < sent; i++)
		net_peer_gets(len, i);
	net_peer_gets(99, 0x73);
	net_end();
}

/* A frame that is sent as a whole, or waits; and one that is sent in parts */
static void reset(void)
{
	reset_with(0, 20000);
}

static void reset_in_parts(void)
{
	reset_with(1, 40000);
}

/* The link goes down, and comes up with another peer, a second later. */
static void expect_new_peer(unsigned int starts)
{
	u64 before = clock_ms();

	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), 0);
	/* To nobody */
	net_guest_sends(0, 60, 0xdd);
	EXPECT(net_interrupts(SEND));
	EXPECT_EQ(net_interrupts(VECTOR_CONFIG), 1);
	EXPECT_EQ(net_link_status(), VIRTIO_NET_S_LINK_UP);
	EXPECT(clock_ms() - before >= 900);
	EXPECT_EQ(net.fake.starts, starts);
	net_settle();
}

static void new_peer(void)
{
	unsigned int i;
	u64 before;

	net_begin(0);
	for (i = 0; i < 4; i++)
		net_offer_buffer(i, 100);
	/* Half of a frame is in the guest's buffers, which are used for another one. */
	net_peer_sends(1, 500, 1);
	net_expect_still(RECEIVE, 0);
	before = net_cpu_ms();
	net_sleep(200);
	EXPECT(net_cpu_ms() - before < 100);
	net_hang_up();
	expect_new_peer(2);
	net_peer_sends(1, 100, 2);
	net_expect_used(RECEIVE, 2);
	net_expect_received(0, 2, 88, 2);
	EXPECT_EQ(net_buffer(1)[11], 2);
	EXPECT_EQ(net_buffer(1)[12], 1);
	net_guest_sends(0, 60, 3);
	net_peer_gets(60, 3);
	/* In the middle of a frame's length */
	EXPECT_EQ(send(net.fake.fd, "\0\0", 2, 0), 2);
	net_sleep(20);
	net_hang_up();
	expect_new_peer(3);
	net_peer_sends(1, 60, 4);
	net_expect_used(RECEIVE, 3);
	net_expect_received(2, 1, 60, 4);
	net_end();
}

/* With a guest's frame that waits for the old one, and can't be for the new one */
static void new_peer_for_full_one(void)
{
	unsigned int sent;

	net_begin(0);
	sent = fill_socket(2, 3, 40000);
	net_interrupts(SEND);
	/* What it says makes no sense; it takes nothing, and lives. */
	EXPECT_EQ(send(net.fake.fd, "\0\1\0\0", 4, 0), 4);
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), 0);
	net_expect_used(SEND, sent + 1);
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), VIRTIO_NET_S_LINK_UP);
	net_settle();
	net_guest_sends(0, 60, 3);
	net_peer_gets(60, 3);
	net_end();
}

static void expect_starts(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < 5000 && net.fake.starts != count; i++)
		net_sleep(1);
	EXPECT_EQ(net.fake.starts, count);
}

/* It can't be started, does nothing, dies: that is tried again, and the link stays down. */
static void bad_peers(void)
{
	eventfd_t count;

	net_begin(0);
	net_offer_buffer(0, 100);
	net.fake.refuse = true;
	net_hang_up();
	EXPECT(net_interrupts(VECTOR_CONFIG));
	expect_starts(2);
	net.fake.refuse = false;
	net.fake.dies = true;
	expect_starts(3);
	net.fake.dies = false;
	net.fake.deaf = true;
	expect_starts(4);
	/* As far as one can see, it is never ready. */
	net_sleep(200);
	EXPECT_EQ(net_link_status(), 0);
	EXPECT(eventfd_read(net.signal_fd[VECTOR_CONFIG], &count));
	net_settle();
	/* And then hears */
	EXPECT_EQ(recv(net.fake.fd, net.fake.hello, sizeof(net.fake.hello), MSG_WAITALL),
		  HELLO_BYTES);
	EXPECT(net_interrupts(VECTOR_CONFIG));
	EXPECT_EQ(net_link_status(), VIRTIO_NET_S_LINK_UP);
	net_peer_sends(1, 60, 1);
	net_expect_used(RECEIVE, 1);
	net_end();
}

static void no_peer(void)
{
	fail_say("(no sentence)");
	net_begin_with(&(struct net_fake){ .refuse = true }, 0);
	EXPECT(!net.device);
	EXPECT_HAS(fail_text(), "it is refused");
	net_end();
	net_begin_with(&(struct net_fake){ .dies = true }, 0);
	EXPECT(!net.device);
	EXPECT_HAS(fail_text(), "its last words");
	net_end();
}

/* One that sends without end doesn't keep the device from being reset. */
static void *flood(void *arg)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];

	(void)arg;
	net_frame(bytes, 1500, 1);
	while (send(net.fake.fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void reset_in_flood(void)
{
	pthread_t thread;
	unsigned int i, n;

	net_begin(0);
	EXPECT(!pthread_create(&thread, NULL, flood, NULL));
	for (i = 0; i < 20; i++) {
		u16 before;

		for (n = 0; n < QUEUE_SIZE; n++)
			net_offer_buffer(n, BUFFER_SIZE);
		net_expect_used(RECEIVE, QUEUE_SIZE);
		before = net_used_count(RECEIVE);
		virtio_reset(net.device);
		EXPECT_EQ(net_used_count(RECEIVE), before);
		net_start_driver(0);
	}
	shutdown(net.fake.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	net_end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(sends), TEST_CASE(sends_nonsense),
	TEST_CASE(receives_at_once), TEST_CASE(receives_bytewise), TEST_CASE(merges),
	TEST_CASE(too_small), TEST_CASE(too_large), TEST_CASE(no_header_room),
	TEST_CASE(no_buffers), TEST_CASE(full), TEST_CASE(full_in_parts), TEST_CASE(reset),
	TEST_CASE(reset_in_parts), TEST_CASE(new_peer), TEST_CASE(new_peer_for_full_one),
	TEST_CASE(bad_peers), TEST_CASE(no_peer), TEST_CASE(reset_in_flood),
};

TEST_SUITE(virtio_net_stream_suite, "virtio_net_stream", cases);
