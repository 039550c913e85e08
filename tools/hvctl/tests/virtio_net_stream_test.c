// SPDX-License-Identifier: GPL-2.0-only
/* A network device between a driver and a peer, which both are the test. */
#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame_stream.h"
#include "test.h"
#include "virtio_net_stream.h"

#define QUEUE_SIZE	16
#define RINGS		0x10000		/* a page for each queue */
#define BUFFERS		0x100000	/* what is received */
#define FRAMES		0x180000	/* what is sent */
#define BUFFER_SIZE	2048

#define HEADER		12
#define VECTOR_CONFIG	2
#define VECTORS		3
#define HELLO_BYTES	(FRAME_LENGTH_BYTES + 60)

enum { RECEIVE, SEND };

static struct guest_memory memory;
static struct virtio_device *device;
static int signal_fd[VECTORS];
static u16 offered[2];

/* ---- the peer -------------------------------------------------------------------- */

static struct fake {
	struct net_peer peer;
	int fd;
	unsigned int destroyed;
	_Atomic unsigned int starts;
	bool refuse, dies, deaf;	/* those that start from now on */
	bool this_dies, this_is_deaf;
	int room;		/* SO_SNDBUF of the device's, if it isn't 0 */
	u64 bps;		/* the device's limit */
	u8 hello[HELLO_BYTES];
	pthread_t thread;
	bool running;
} fake;

/* What a peer does first, while the device waits for it */
static void *take_hello(void *arg)
{
	(void)arg;
	if (fake.this_dies) {
		shutdown(fake.fd, SHUT_RDWR);
		return NULL;
	}
	if (!fake.this_is_deaf)
		EXPECT_EQ(recv(fake.fd, fake.hello, sizeof(fake.hello), MSG_WAITALL),
			  sizeof(fake.hello));
	return NULL;
}

static void settle(void)
{
	if (fake.running)
		pthread_join(fake.thread, NULL);
	fake.running = false;
}

static void hang_up(void)
{
	settle();
	close(fake.fd);
	fake.fd = -1;
}

static int start_fake(struct net_peer *peer)
{
	bool refuse = fake.refuse;
	int ends[2];

	EXPECT(peer == &fake.peer);
	if (fake.starts)
		hang_up();
	fake.this_dies = fake.dies;
	fake.this_is_deaf = fake.deaf;
	fake.starts++;
	if (refuse)
		return fail("it is refused");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (fake.room)
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &fake.room, sizeof(fake.room));
	fake.fd = ends[1];
	EXPECT(!pthread_create(&fake.thread, NULL, take_hello, NULL));
	fake.running = true;
	return ends[0];
}

static void tell_end(struct net_peer *peer)
{
	EXPECT(peer == &fake.peer);
	fail("its last words");
}

static void destroy_fake(struct net_peer *peer)
{
	EXPECT(peer == &fake.peer);
	settle();
	if (fake.fd >= 0)
		close(fake.fd);
	fake.destroyed++;
}

/* A frame whose bytes all are its number */
static void make_frame(u8 *frame, u32 len, u8 number)
{
	memset(frame, number, len);
}

static u32 with_length(u8 *to, u32 len, u8 number)
{
	u32 length = __builtin_bswap32(len);

	memcpy(to, &length, sizeof(length));
	make_frame(to + FRAME_LENGTH_BYTES, len, number);
	return FRAME_LENGTH_BYTES + len;
}

/* The peer sends @count frames at once. */
static void peer_sends(unsigned int count, u32 len, u8 first)
{
	u8 *bytes = malloc(count * (FRAME_LENGTH_BYTES + len));
	unsigned int i, total = 0;

	for (i = 0; i < count; i++)
		total += with_length(bytes + total, len, first + i);
	EXPECT_EQ(send(fake.fd, bytes, total, MSG_NOSIGNAL), total);
	free(bytes);
}

/* It gets one of @len bytes. */
static void peer_gets(u32 len, u8 number)
{
	u8 *bytes = malloc(FRAME_LENGTH_BYTES + len), *expected = malloc(FRAME_LENGTH_BYTES + len);

	with_length(expected, len, number);
	EXPECT_EQ(recv(fake.fd, bytes, FRAME_LENGTH_BYTES + len, MSG_WAITALL),
		  FRAME_LENGTH_BYTES + len);
	EXPECT(!memcmp(bytes, expected, FRAME_LENGTH_BYTES + len));
	free(bytes);
	free(expected);
}

/* ---- the driver ------------------------------------------------------------------ */

static void *at(u64 gpa)
{
	return memory.host + gpa;
}

static struct vring_desc *desc(unsigned int queue)
{
	return at(RINGS + queue * 0x1000);
}

static u16 *avail(unsigned int queue)
{
	return at(RINGS + queue * 0x1000 + 0x800);
}

static u16 *used(unsigned int queue)
{
	return at(RINGS + queue * 0x1000 + 0xc00);
}

static u32 used_len(unsigned int queue, unsigned int n)
{
	return *(u32 *)(used(queue) + 2 + n % QUEUE_SIZE * 4 + 2);
}

static u16 used_count(unsigned int queue)
{
	return __atomic_load_n(&used(queue)[1], __ATOMIC_ACQUIRE);
}

static void on_signal(struct virtio_device *dev, u16 vector)
{
	EXPECT(dev == device);
	if (vector < VECTORS)
		eventfd_write(signal_fd[vector], 1);
}

/* Returns how many interrupts there were, of which it waits for one. */
static u64 interrupts(unsigned int vector)
{
	struct pollfd fd = { .fd = signal_fd[vector], .events = POLLIN };
	eventfd_t count = 0;

	EXPECT_EQ(poll(&fd, 1, 10000), 1);
	eventfd_read(signal_fd[vector], &count);
	return count;
}

static void sleep_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

static void expect_used(unsigned int queue, u16 count)
{
	unsigned int i;

	for (i = 0; i < 5000 && used_count(queue) != count; i++)
		sleep_ms(1);
	EXPECT_EQ(used_count(queue), count);
}

/* Nothing happens: as far as one can see in the time that a test has. */
static void expect_still(unsigned int queue, u16 count)
{
	sleep_ms(30);
	EXPECT_EQ(used_count(queue), count);
}

static void offer(unsigned int queue, unsigned int head)
{
	avail(queue)[2 + offered[queue] % QUEUE_SIZE] = head;
	__atomic_store_n(&avail(queue)[1], ++offered[queue], __ATOMIC_RELEASE);
	eventfd_write(device->queue[queue].kick_fd, 1);
}

static u8 *buffer(unsigned int n)
{
	return at(BUFFERS + n * BUFFER_SIZE);
}

static void offer_buffer(unsigned int n, u32 len)
{
	memset(buffer(n), 0xee, len);
	desc(RECEIVE)[n] = (struct vring_desc){
		.addr = BUFFERS + n * BUFFER_SIZE, .len = len, .flags = VRING_DESC_F_WRITE,
	};
	offer(RECEIVE, n);
}

/* Header and frame, of which @first bytes are in a segment of their own */
static void send_split(unsigned int n, u32 len, u8 number, u32 first)
{
	u64 gpa = FRAMES + (n & 3) * 0x11000;
	u8 *bytes = at(gpa);

	memset(bytes, 0, HEADER);
	make_frame(bytes + HEADER, len, number);
	desc(SEND)[n] = (struct vring_desc){
		.addr = gpa, .len = first, .flags = VRING_DESC_F_NEXT, .next = n + 1,
	};
	desc(SEND)[n + 1] = (struct vring_desc){ .addr = gpa + first, .len = HEADER + len - first };
	offer(SEND, n);
}

static void guest_sends(unsigned int n, u32 len, u8 number)
{
	send_split(n, len, number, HEADER);
}

/* Buffer @n begins with a header that says @buffers, and then @len bytes of @number. */
static void expect_received(unsigned int n, u16 buffers, u32 len, u8 number)
{
	struct virtio_net_hdr_v1 *header = (void *)buffer(n);
	u8 *expected = malloc(len);

	EXPECT_EQ(header->num_buffers, buffers);
	EXPECT_EQ(header->flags, 0);
	EXPECT_EQ(header->gso_type, 0);
	make_frame(expected, len, number);
	EXPECT(!memcmp(buffer(n) + HEADER, expected, len));
	free(expected);
}

static void start_driver(u64 without)
{
	unsigned int i;

	device->accepted = device->offered & ~(BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | without);
	for (i = 0; i < 2; i++) {
		struct virtio_queue *q = &device->queue[i];

		q->ring.size = QUEUE_SIZE;
		q->ring.desc = RINGS + i * 0x1000;
		q->ring.avail = q->ring.desc + 0x800;
		q->ring.used = q->ring.desc + 0xc00;
		q->vector = i;
		q->enabled = true;
		offered[i] = 0;
		memset(at(q->ring.desc), 0, 0x1000);
	}
	device->config_vector = VECTOR_CONFIG;
	atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_DRIVER_OK);
	EXPECT(!virtio_start(device));
}

static void begin_with(const struct fake *like, u64 without)
{
	const struct net_config config = {
		.kind = NET_PASST, .mac = { 2, 3, 4, 5, 6, 7 }, .bps = like->bps,
	};
	unsigned int i;

	fake = *like;
	fake.fd = -1;
	fake.peer = (struct net_peer){ "fake", start_fake, tell_end, destroy_fake };
	EXPECT(!memory_create(&memory, MIB(2)));
	for (i = 0; i < VECTORS; i++)
		signal_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	device = virtio_net_stream_create(&config, &fake.peer, &memory);
	if (!device)
		return;
	settle();
	device->signal = on_signal;
	start_driver(without);
}

static void begin(u64 without)
{
	begin_with(&(struct fake){ 0 }, without);
}

static void end(void)
{
	unsigned int i;

	if (device)
		device->class->destroy(device);
	EXPECT_EQ(fake.destroyed, 1);
	memory_destroy(&memory);
	for (i = 0; i < VECTORS; i++)
		close(signal_fd[i]);
}

static u16 link_status(void)
{
	u16 status;

	device->class->read_config(device, offsetof(struct virtio_net_config, status), &status,
				   sizeof(status));
	return status;
}

/* ---- cases ----------------------------------------------------------------------- */

static void configuration(void)
{
	static const u8 mac[] = { 2, 3, 4, 5, 6, 7 };
	struct virtio_net_config config;

	begin(0);
	device->class->read_config(device, 0, &config, offsetof(struct virtio_net_config, speed));
	EXPECT(!memcmp(config.mac, mac, sizeof(mac)));
	EXPECT_EQ(config.mtu, 65520);
	EXPECT_EQ(config.status, VIRTIO_NET_S_LINK_UP);
	EXPECT_EQ(device->offered & 0xffffffff & ~(BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
						   BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)),
		  BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU) |
		  BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	/* 60 bytes, from the guest, of a protocol that nobody answers */
	EXPECT(!memcmp(fake.hello, "\0\0\0\x3c\xff\xff\xff\xff\xff\xff\2\3\4\5\6\7\x88\xb5", 18));
	end();
}

/* Counted is before it is given back. */
static void expect_counts(unsigned int queue, u64 packets, u64 bytes, u64 dropped)
{
	struct net_counts counts;

	virtio_net_stream_count(device, &counts);
	EXPECT_EQ(counts.packets[queue], packets);
	EXPECT_EQ(counts.bytes[queue], bytes);
	EXPECT_EQ(counts.dropped[queue], dropped);
}

static void sends(void)
{
	static const u32 splits[] = { 1, HEADER - 1, HEADER, HEADER + 1, HEADER + 99 };
	unsigned int i;

	begin(0);
	for (i = 0; i < ARRAY_SIZE(splits); i++) {
		send_split(0, 100, i, splits[i]);
		peer_gets(100, i);
		EXPECT(interrupts(SEND));
		EXPECT_EQ(used_len(SEND, i), 0);
	}
	guest_sends(2, FRAME_MAX, 0x5a);
	peer_gets(FRAME_MAX, 0x5a);
	guest_sends(2, FRAME_MIN, 0x5b);
	peer_gets(FRAME_MIN, 0x5b);
	expect_used(SEND, 7);
	expect_counts(SEND, 7, 500 + FRAME_MAX + FRAME_MIN, 0);
	expect_counts(RECEIVE, 0, 0, 0);
	end();
}

/* What isn't a frame is given back, and the next one is sent. */
static void sends_nonsense(void)
{
	begin(0);
	send_split(0, 0, 1, 5);			/* 12 bytes: a header alone */
	send_split(2, FRAME_MIN - 1, 2, HEADER);
	expect_used(SEND, 2);
	send_split(4, FRAME_MAX + 1, 3, HEADER);
	expect_used(SEND, 3);
	desc(SEND)[6] = (struct vring_desc){ .addr = FRAMES, .len = HEADER - 1 };
	offer(SEND, 6);
	expect_used(SEND, 4);
	/* Sums, and packets to be cut up, that nobody offered */
	memset(at(FRAMES), 0, HEADER);
	desc(SEND)[6].len = 200;
	((struct virtio_net_hdr_v1 *)at(FRAMES))->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	offer(SEND, 6);
	expect_used(SEND, 5);
	((struct virtio_net_hdr_v1 *)at(FRAMES))->flags = 0;
	((struct virtio_net_hdr_v1 *)at(FRAMES))->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	offer(SEND, 6);
	expect_used(SEND, 6);
	/* Nothing to be read, but something to be written */
	desc(SEND)[6].flags = VRING_DESC_F_WRITE;
	offer(SEND, 6);
	expect_used(SEND, 7);
	guest_sends(0, 60, 7);
	peer_gets(60, 7);
	expect_used(SEND, 8);
	expect_counts(SEND, 1, 60, 7);
	EXPECT(!(device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	end();
}

static void receives_at_once(void)
{
	unsigned int i;

	begin(0);
	for (i = 0; i < 6; i++)
		offer_buffer(i, BUFFER_SIZE);
	sleep_ms(20);
	peer_sends(5, 100, 0x10);
	/* One interrupt for them all */
	EXPECT_EQ(interrupts(RECEIVE), 1);
	expect_used(RECEIVE, 5);
	for (i = 0; i < 5; i++) {
		expect_received(i, 1, 100, 0x10 + i);
		EXPECT_EQ(used_len(RECEIVE, i), HEADER + 100);
		EXPECT_EQ(buffer(i)[HEADER + 100], 0xee);
	}
	/* Frames shorter than an Ethernet header are none. */
	peer_sends(3, FRAME_MIN - 1, 0x20);
	peer_sends(1, FRAME_MIN, 0x30);
	expect_used(RECEIVE, 6);
	expect_received(5, 1, FRAME_MIN, 0x30);
	end();
}

static void receives_bytewise(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 60];
	unsigned int i;

	begin(0);
	offer_buffer(0, BUFFER_SIZE);
	with_length(bytes, 60, 0x42);
	for (i = 0; i < sizeof(bytes); i++) {
		EXPECT_EQ(used_count(RECEIVE), 0);
		EXPECT_EQ(send(fake.fd, bytes + i, 1, 0), 1);
		sleep_ms(1);
	}
	expect_used(RECEIVE, 1);
	expect_received(0, 1, 60, 0x42);
	end();
}

/* A frame of 250 bytes in buffers of 100: 88 after the header, 100, 62 */
static void merges(void)
{
	begin(0);
	offer_buffer(0, 100);
	offer_buffer(1, 100);
	peer_sends(1, 250, 0x33);
	/* The guest gets all of it, or nothing. */
	expect_still(RECEIVE, 0);
	offer_buffer(2, 100);
	expect_used(RECEIVE, 3);
	EXPECT_EQ(used_len(RECEIVE, 0), 100);
	EXPECT_EQ(used_len(RECEIVE, 1), 100);
	EXPECT_EQ(used_len(RECEIVE, 2), 62);
	expect_received(0, 3, 88, 0x33);
	EXPECT_EQ(buffer(1)[0], 0x33);
	EXPECT_EQ(buffer(1)[99], 0x33);
	EXPECT_EQ(buffer(2)[61], 0x33);
	EXPECT_EQ(buffer(2)[62], 0xee);
	offer_buffer(3, 100);
	peer_sends(1, 88, 0x34);
	expect_used(RECEIVE, 4);
	expect_received(3, 1, 88, 0x34);
	end();
}

/* Without MRG_RXBUF a frame is in one buffer; it is dropped if that is too small. */
static void too_small(void)
{
	begin(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	offer_buffer(0, HEADER + 100);
	peer_sends(1, 101, 0x21);
	peer_sends(1, 100, 0x22);
	expect_used(RECEIVE, 1);
	expect_received(0, 1, 100, 0x22);
	expect_counts(RECEIVE, 1, 100, 1);
	end();
}

/* With it, one that is too large for all buffers that a ring can have */
static void too_large(void)
{
	unsigned int i;

	begin(0);
	for (i = 0; i < QUEUE_SIZE; i++)
		offer_buffer(i, 100);
	peer_sends(1, QUEUE_SIZE * 100 - HEADER + 1, 0x23);
	expect_still(RECEIVE, 0);
	peer_sends(1, QUEUE_SIZE * 100 - HEADER, 0x24);
	expect_used(RECEIVE, QUEUE_SIZE);
	expect_received(0, QUEUE_SIZE, 88, 0x24);
	EXPECT_EQ(buffer(QUEUE_SIZE - 1)[99], 0x24);
	/* All buffers are used, each once. */
	for (i = 0; i < QUEUE_SIZE; i++)
		offer_buffer(i, 100);
	peer_sends(QUEUE_SIZE, 60, 0x60);
	expect_used(RECEIVE, 2 * QUEUE_SIZE);
	expect_received(QUEUE_SIZE - 1, 1, 60, 0x60 + QUEUE_SIZE - 1);
	end();
}

static void no_header_room(void)
{
	begin(0);
	offer_buffer(0, HEADER - 1);
	peer_sends(1, 60, 1);
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(used_count(RECEIVE), 0);
	end();
}

/* As much CPU time as it takes to do nothing */
static u64 cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Without buffers the socket isn't read, so that the peer has to wait. */
static void no_buffers(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];
	unsigned int sent = 0, i;
	u64 before;

	begin(0);
	for (;;) {
		with_length(bytes, 1500, sent);
		if (send(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0) {
			/* It may have been reading yet. */
			sleep_ms(20);
			if (send(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
				break;
		}
		sent++;
	}
	EXPECT(sent > 50 && sent < 1000);
	before = cpu_ms();
	sleep_ms(300);
	EXPECT(cpu_ms() - before < 100);
	for (i = 0; i < sent; i++) {
		offer_buffer(i % QUEUE_SIZE, BUFFER_SIZE);
		expect_used(RECEIVE, i + 1);
		expect_received(i % QUEUE_SIZE, 1, 1500, i);
	}
	peer_sends(1, 60, 0x99);
	offer_buffer(i % QUEUE_SIZE, BUFFER_SIZE);
	expect_used(RECEIVE, sent + 1);
	end();
}

/* The peer takes nothing: the guest has to wait, for nothing but that. */
static void full_socket(int room)
{
	unsigned int sent, i;
	u64 before;

	begin_with(&(struct fake){ .room = room }, 0);
	for (sent = 0; used_count(SEND) == sent; sent++) {
		guest_sends(sent % 4 * 2, 40000, sent);
		for (i = 0; i < 50 && used_count(SEND) != sent + 1; i++)
			sleep_ms(1);
	}
	sent--;
	EXPECT(sent < 20);
	/* More notifications don't help. */
	guest_sends((sent + 1) % 4 * 2, 40000, sent + 1);
	before = cpu_ms();
	expect_still(SEND, sent);
	sleep_ms(270);
	EXPECT(cpu_ms() - before < 100);
	for (i = 0; i < sent + 2; i++)
		peer_gets(40000, i);
	expect_used(SEND, sent + 2);
	end();
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

	begin_with(&(struct fake){ .room = room }, 0);
	offer_buffer(0, 100);
	peer_sends(1, 150, 0x71);
	for (sent = 0; used_count(SEND) == sent; sent++) {
		guest_sends(sent % 4 * 2, len, sent);
		for (i = 0; i < 50 && used_count(SEND) != sent + 1; i++)
			sleep_ms(1);
	}
	sent--;
	virtio_reset(device);
	/* Nobody may look at this any more. */
	memset(at(FRAMES), 0, 0x44000);
	peer_sends(1, 60, 0x72);
	start_driver(0);
	EXPECT_EQ(link_status(), VIRTIO_NET_S_LINK_UP);
	offer_buffer(1, BUFFER_SIZE);
	offer_buffer(2, BUFFER_SIZE);
	expect_used(RECEIVE, 2);
	expect_received(1, 1, 150, 0x71);
	expect_received(2, 1, 60, 0x72);
	EXPECT_EQ(buffer(0)[HEADER], 0x71);
	guest_sends(0, 99, 0x73);
	for (i = 0; i < sent; i++)
		peer_gets(len, i);
	peer_gets(99, 0x73);
	end();
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

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The link goes down, and comes up with another peer, a second later. */
static void expect_new_peer(unsigned int starts)
{
	u64 before = now_ms();

	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), 0);
	/* To nobody */
	guest_sends(0, 60, 0xdd);
	EXPECT(interrupts(SEND));
	EXPECT_EQ(interrupts(VECTOR_CONFIG), 1);
	EXPECT_EQ(link_status(), VIRTIO_NET_S_LINK_UP);
	EXPECT(now_ms() - before >= 900);
	EXPECT_EQ(fake.starts, starts);
	settle();
}

static void new_peer(void)
{
	unsigned int i;
	u64 before;

	begin(0);
	for (i = 0; i < 4; i++)
		offer_buffer(i, 100);
	/* Half of a frame is in the guest's buffers, which are used for another one. */
	peer_sends(1, 500, 1);
	expect_still(RECEIVE, 0);
	before = cpu_ms();
	sleep_ms(200);
	EXPECT(cpu_ms() - before < 100);
	hang_up();
	expect_new_peer(2);
	peer_sends(1, 100, 2);
	expect_used(RECEIVE, 2);
	expect_received(0, 2, 88, 2);
	EXPECT_EQ(buffer(1)[11], 2);
	EXPECT_EQ(buffer(1)[12], 1);
	guest_sends(0, 60, 3);
	peer_gets(60, 3);
	/* In the middle of a frame's length */
	EXPECT_EQ(send(fake.fd, "\0\0", 2, 0), 2);
	sleep_ms(20);
	hang_up();
	expect_new_peer(3);
	peer_sends(1, 60, 4);
	expect_used(RECEIVE, 3);
	expect_received(2, 1, 60, 4);
	end();
}

/* With a guest's frame that waits for the old one, and can't be for the new one */
static void new_peer_for_full_one(void)
{
	unsigned int sent, i;

	begin(0);
	for (sent = 0; used_count(SEND) == sent; sent++) {
		guest_sends(2 + sent % 3 * 2, 40000, sent);
		for (i = 0; i < 50 && used_count(SEND) != sent + 1; i++)
			sleep_ms(1);
	}
	interrupts(SEND);
	/* What it says makes no sense; it takes nothing, and lives. */
	EXPECT_EQ(send(fake.fd, "\0\1\0\0", 4, 0), 4);
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), 0);
	expect_used(SEND, sent);
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), VIRTIO_NET_S_LINK_UP);
	settle();
	guest_sends(0, 60, 3);
	peer_gets(60, 3);
	end();
}

static void expect_starts(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < 5000 && fake.starts != count; i++)
		sleep_ms(1);
	EXPECT_EQ(fake.starts, count);
}

/* It can't be started, does nothing, dies: that is tried again, and the link stays down. */
static void bad_peers(void)
{
	eventfd_t count;

	begin(0);
	offer_buffer(0, 100);
	fake.refuse = true;
	hang_up();
	EXPECT(interrupts(VECTOR_CONFIG));
	expect_starts(2);
	fake.refuse = false;
	fake.dies = true;
	expect_starts(3);
	fake.dies = false;
	fake.deaf = true;
	expect_starts(4);
	/* As far as one can see, it is never ready. */
	sleep_ms(200);
	EXPECT_EQ(link_status(), 0);
	EXPECT(eventfd_read(signal_fd[VECTOR_CONFIG], &count));
	settle();
	/* And then hears */
	EXPECT_EQ(recv(fake.fd, fake.hello, sizeof(fake.hello), MSG_WAITALL), HELLO_BYTES);
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), VIRTIO_NET_S_LINK_UP);
	peer_sends(1, 60, 1);
	expect_used(RECEIVE, 1);
	end();
}

static void no_peer(void)
{
	fail_say("(no sentence)");
	begin_with(&(struct fake){ .refuse = true }, 0);
	EXPECT(!device);
	EXPECT_HAS(fail_text(), "it is refused");
	end();
	begin_with(&(struct fake){ .dies = true }, 0);
	EXPECT(!device);
	EXPECT_HAS(fail_text(), "its last words");
	end();
}

/* One that sends without end doesn't keep the device from being reset. */
static void *flood(void *arg)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];

	(void)arg;
	with_length(bytes, 1500, 1);
	while (send(fake.fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void reset_in_flood(void)
{
	pthread_t thread;
	unsigned int i, n;

	begin(0);
	EXPECT(!pthread_create(&thread, NULL, flood, NULL));
	for (i = 0; i < 20; i++) {
		u16 before;

		for (n = 0; n < QUEUE_SIZE; n++)
			offer_buffer(n, BUFFER_SIZE);
		expect_used(RECEIVE, QUEUE_SIZE);
		before = used_count(RECEIVE);
		virtio_reset(device);
		EXPECT_EQ(used_count(RECEIVE), before);
		start_driver(0);
	}
	shutdown(fake.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	end();
}

/* ---- limits ---------------------------------------------------------------------- */

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

	begin_with(&(struct fake){ .bps = LIMIT }, 0);
	for (i = 0; i < LIMITED_FRAMES; i++)
		offer_buffer(i, BUFFER_SIZE);
	before = now_ms();
	cpu_before = cpu_ms();
	peer_sends(LIMITED_FRAMES, 1500, 1);
	expect_used(RECEIVE, LIMITED_FRAMES);
	EXPECT(now_ms() - before >= LIMITED_MS);
	EXPECT(cpu_ms() - cpu_before < 60);
	for (i = 0; i < LIMITED_FRAMES; i++)
		expect_received(i, 1, 1500, 1 + i);
	/* The other direction has a bucket of its own. */
	for (i = 0; i < 6; i++) {
		guest_sends(i % 2 * 2, 1500, i);
		peer_gets(1500, i);
	}
	end();
}

/* Two frames at a time, of which each is sent when it may be */
static void limited_sender(void)
{
	u64 before, cpu_before;
	unsigned int i;

	begin_with(&(struct fake){ .bps = LIMIT }, 0);
	before = now_ms();
	cpu_before = cpu_ms();
	for (i = 0; i < LIMITED_FRAMES; i++) {
		guest_sends(i % 2 * 2, 1500, i);
		if (i % 2)
			expect_used(SEND, i + 1);
	}
	EXPECT(now_ms() - before >= LIMITED_MS);
	EXPECT(cpu_ms() - cpu_before < 60);
	for (i = 0; i < LIMITED_FRAMES; i++)
		peer_gets(1500, i);
	end();
}

/* Frames that the limit keeps for 15 seconds at least, for the large ones before them */
static void begin_waiting(void)
{
	unsigned int i;

	begin_with(&(struct fake){ .bps = KIB(1) }, 0);
	for (i = 0; i < QUEUE_SIZE; i++)
		offer_buffer(i, BUFFER_SIZE);
	peer_sends(1, QUEUE_SIZE / 2 * BUFFER_SIZE - HEADER, 0x11);
	expect_used(RECEIVE, QUEUE_SIZE / 2);
	peer_sends(1, 60, 0x12);
	guest_sends(0, 40000, 0x21);
	peer_gets(40000, 0x21);
	expect_used(SEND, 1);
	guest_sends(2, 60, 0x22);
	guest_sends(4, 60, 0x23);
	expect_still(SEND, 1);
	expect_still(RECEIVE, QUEUE_SIZE / 2);
}

/* The peer waits, and nobody works. */
static void limited_peer(void)
{
	u8 bytes[FRAME_LENGTH_BYTES + 1500];
	unsigned int sent;
	u64 before;

	begin_waiting();
	with_length(bytes, 1500, 0x13);
	for (sent = 0; send(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0; sent++)
		;
	EXPECT(sent > 50 && sent < 1000);
	before = cpu_ms();
	sleep_ms(300);
	EXPECT(cpu_ms() - before < 100);
	EXPECT(send(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0);
	expect_still(RECEIVE, QUEUE_SIZE / 2);
	end();
}

/* A reset doesn't wait. What the peer had sent does, still; what the guest had, is gone. */
static void limited_reset(void)
{
	struct pollfd fd = { .events = POLLIN };
	u64 before;

	begin_waiting();
	before = now_ms();
	virtio_reset(device);
	EXPECT(now_ms() - before < 1000);
	memset(at(FRAMES), 0, 0x44000);
	start_driver(0);
	offer_buffer(0, BUFFER_SIZE);
	guest_sends(0, 60, 0x24);
	expect_still(RECEIVE, 0);
	expect_still(SEND, 0);
	fd.fd = fake.fd;
	EXPECT_EQ(poll(&fd, 1, 0), 0);
	before = now_ms();
	end();
	EXPECT(now_ms() - before < 1000);
}

/* Nor does the end of a peer, for whom nothing is kept. */
static void limited_new_peer(void)
{
	begin_waiting();
	interrupts(SEND);
	hang_up();
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), 0);
	expect_used(SEND, 3);
	EXPECT(interrupts(VECTOR_CONFIG));
	EXPECT_EQ(link_status(), VIRTIO_NET_S_LINK_UP);
	EXPECT_EQ(fake.starts, 2);
	expect_still(RECEIVE, QUEUE_SIZE / 2);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(sends), TEST_CASE(sends_nonsense),
	TEST_CASE(receives_at_once), TEST_CASE(receives_bytewise), TEST_CASE(merges),
	TEST_CASE(too_small), TEST_CASE(too_large), TEST_CASE(no_header_room),
	TEST_CASE(no_buffers), TEST_CASE(full), TEST_CASE(full_in_parts), TEST_CASE(reset),
	TEST_CASE(reset_in_parts), TEST_CASE(new_peer), TEST_CASE(new_peer_for_full_one),
	TEST_CASE(bad_peers), TEST_CASE(no_peer), TEST_CASE(reset_in_flood),
	TEST_CASE(limited_receiver), TEST_CASE(limited_sender), TEST_CASE(limited_peer),
	TEST_CASE(limited_reset), TEST_CASE(limited_new_peer),
};

TEST_SUITE(virtio_net_stream_suite, "virtio_net_stream", cases);
