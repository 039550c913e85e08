// SPDX-License-Identifier: GPL-2.0-only
#include "net_stream_rig.h"

#include <linux/virtio_net.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define RINGS		0x10000		/* a page for each queue */
#define BUFFERS		0x100000	/* what is received */

struct net_rig net;

void net_sleep(unsigned int ms)
{
	poll(NULL, 0, ms);
}

u64 net_cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the peer -------------------------------------------------------------------- */

/* What a peer does first, while the device waits for it */
static void *take_hello(void *arg)
{
	(void)arg;
	if (net.fake.this_dies) {
		shutdown(net.fake.fd, SHUT_RDWR);
		return NULL;
	}
	if (!net.fake.this_is_deaf)
		EXPECT_EQ(recv(net.fake.fd, net.fake.hello, sizeof(net.fake.hello), MSG_WAITALL),
			  sizeof(net.fake.hello));
	return NULL;
}

void net_settle(void)
{
	if (net.fake.running)
		pthread_join(net.fake.thread, NULL);
	net.fake.running = false;
}

void net_hang_up(void)
{
	net_settle();
	close(net.fake.fd);
	net.fake.fd = -1;
}

static int start_fake(struct net_peer *peer)
{
	bool refuse = net.fake.refuse;
	int ends[2];

	EXPECT(peer == &net.fake.peer);
	if (net.fake.starts)
		net_hang_up();
	net.fake.this_dies = net.fake.dies;
	net.fake.this_is_deaf = net.fake.deaf;
	net.fake.starts++;
	if (refuse)
		return fail("it is refused");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (net.fake.room)
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &net.fake.room, sizeof(net.fake.room));
	net.fake.fd = ends[1];
	EXPECT(!pthread_create(&net.fake.thread, NULL, take_hello, NULL));
	net.fake.running = true;
	return ends[0];
}

static void tell_end(struct net_peer *peer)
{
	EXPECT(peer == &net.fake.peer);
	fail("its last words");
}

static void destroy_fake(struct net_peer *peer)
{
	EXPECT(peer == &net.fake.peer);
	net_settle();
	if (net.fake.fd >= 0)
		close(net.fake.fd);
	net.fake.destroyed++;
}

/* A frame whose bytes all are its number */
static void make_frame(u8 *frame, u32 len, u8 number)
{
	memset(frame, number, len);
}

u32 net_frame(u8 *to, u32 len, u8 number)
{
	u32 length = __builtin_bswap32(len);

	memcpy(to, &length, sizeof(length));
	make_frame(to + FRAME_LENGTH_BYTES, len, number);
	return FRAME_LENGTH_BYTES + len;
}

void net_peer_sends(unsigned int count, u32 len, u8 first)
{
	u8 *bytes = malloc(count * (FRAME_LENGTH_BYTES + len));
	unsigned int i, total = 0;

	for (i = 0; i < count; i++)
		total += net_frame(bytes + total, len, first + i);
	EXPECT_EQ(send(net.fake.fd, bytes, total, MSG_NOSIGNAL), total);
	free(bytes);
}

void net_peer_gets(u32 len, u8 number)
{
	u8 *bytes = malloc(FRAME_LENGTH_BYTES + len), *expected = malloc(FRAME_LENGTH_BYTES + len);

	net_frame(expected, len, number);
	EXPECT_EQ(recv(net.fake.fd, bytes, FRAME_LENGTH_BYTES + len, MSG_WAITALL),
		  FRAME_LENGTH_BYTES + len);
	EXPECT(!memcmp(bytes, expected, FRAME_LENGTH_BYTES + len));
	free(bytes);
	free(expected);
}

/* ---- the driver ------------------------------------------------------------------ */

void *net_at(u64 gpa)
{
	return net.memory.host + gpa;
}

struct vring_desc *net_desc(unsigned int queue)
{
	return net_at(RINGS + queue * 0x1000);
}

static u16 *avail(unsigned int queue)
{
	return net_at(RINGS + queue * 0x1000 + 0x800);
}

static u16 *used(unsigned int queue)
{
	return net_at(RINGS + queue * 0x1000 + 0xc00);
}

u32 net_used_len(unsigned int queue, unsigned int n)
{
	return *(u32 *)(used(queue) + 2 + n % QUEUE_SIZE * 4 + 2);
}

u16 net_used_count(unsigned int queue)
{
	return __atomic_load_n(&used(queue)[1], __ATOMIC_ACQUIRE);
}

static void on_signal(struct virtio_device *dev, u16 vector)
{
	EXPECT(dev == net.device);
	if (vector < VECTORS)
		eventfd_write(net.signal_fd[vector], 1);
}

u64 net_interrupts(unsigned int vector)
{
	struct pollfd fd = { .fd = net.signal_fd[vector], .events = POLLIN };
	eventfd_t count = 0;

	EXPECT_EQ(poll(&fd, 1, 10000), 1);
	eventfd_read(net.signal_fd[vector], &count);
	return count;
}

void net_expect_used(unsigned int queue, u16 count)
{
	unsigned int i;

	for (i = 0; i < 5000 && net_used_count(queue) != count; i++)
		net_sleep(1);
	EXPECT_EQ(net_used_count(queue), count);
}

void net_expect_still(unsigned int queue, u16 count)
{
	net_sleep(30);
	EXPECT_EQ(net_used_count(queue), count);
}

void net_offer(unsigned int queue, unsigned int head)
{
	avail(queue)[2 + net.offered[queue] % QUEUE_SIZE] = head;
	__atomic_store_n(&avail(queue)[1], ++net.offered[queue], __ATOMIC_RELEASE);
	eventfd_write(net.device->queue[queue].kick_fd, 1);
}

u8 *net_buffer(unsigned int n)
{
	return net_at(BUFFERS + n * BUFFER_SIZE);
}

void net_offer_buffer(unsigned int n, u32 len)
{
	memset(net_buffer(n), 0xee, len);
	net_desc(RECEIVE)[n] = (struct vring_desc){
		.addr = BUFFERS + n * BUFFER_SIZE, .len = len, .flags = VRING_DESC_F_WRITE,
	};
	net_offer(RECEIVE, n);
}

void net_send_split(unsigned int n, u32 len, u8 number, u32 first)
{
	u64 gpa = FRAMES + (n & 3) * 0x11000;
	u8 *bytes = net_at(gpa);

	memset(bytes, 0, HEADER);
	make_frame(bytes + HEADER, len, number);
	net_desc(SEND)[n] = (struct vring_desc){
		.addr = gpa, .len = first, .flags = VRING_DESC_F_NEXT, .next = n + 1,
	};
	net_desc(SEND)[n + 1] = (struct vring_desc){
		.addr = gpa + first, .len = HEADER + len - first,
	};
	net_offer(SEND, n);
}

void net_guest_sends(unsigned int n, u32 len, u8 number)
{
	net_send_split(n, len, number, HEADER);
}

void net_expect_received(unsigned int n, u16 buffers, u32 len, u8 number)
{
	struct virtio_net_hdr_v1 *header = (void *)net_buffer(n);
	u8 *expected = malloc(len);

	EXPECT_EQ(header->num_buffers, buffers);
	EXPECT_EQ(header->flags, 0);
	EXPECT_EQ(header->gso_type, 0);
	make_frame(expected, len, number);
	EXPECT(!memcmp(net_buffer(n) + HEADER, expected, len));
	free(expected);
}

void net_start_driver(u64 without)
{
	unsigned int i;

	net.device->accepted = net.device->offered & ~(BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | without);
	for (i = 0; i < 2; i++) {
		struct virtio_queue *q = &net.device->queue[i];

		q->ring.size = QUEUE_SIZE;
		q->ring.desc = RINGS + i * 0x1000;
		q->ring.avail = q->ring.desc + 0x800;
		q->ring.used = q->ring.desc + 0xc00;
		q->vector = i;
		q->enabled = true;
		net.offered[i] = 0;
		memset(net_at(q->ring.desc), 0, 0x1000);
	}
	net.device->config_vector = VECTOR_CONFIG;
	atomic_fetch_or(&net.device->status, VIRTIO_CONFIG_S_DRIVER_OK);
	EXPECT(!virtio_start(net.device));
}

void net_begin_with(const struct net_fake *like, u64 without)
{
	const struct net_config config = {
		.kind = NET_PASST, .mac = { 2, 3, 4, 5, 6, 7 }, .bps = like->bps,
	};
	unsigned int i;

	net.fake = *like;
	net.fake.fd = -1;
	net.fake.peer = (struct net_peer){ "fake", start_fake, tell_end, destroy_fake };
	EXPECT(!memory_create(&net.memory, MIB(2)));
	for (i = 0; i < VECTORS; i++)
		net.signal_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	net.device = virtio_net_stream_create(&config, &net.fake.peer, &net.memory);
	if (!net.device)
		return;
	net_settle();
	net.device->signal = on_signal;
	net_start_driver(without);
}

void net_begin(u64 without)
{
	net_begin_with(&(struct net_fake){ 0 }, without);
}

void net_end(void)
{
	unsigned int i;

	if (net.device)
		net.device->class->destroy(net.device);
	EXPECT_EQ(net.fake.destroyed, 1);
	memory_destroy(&net.memory);
	for (i = 0; i < VECTORS; i++)
		close(net.signal_fd[i]);
}

u16 net_link_status(void)
{
	u16 status;

	net.device->class->read_config(net.device, offsetof(struct virtio_net_config, status),
				       &status, sizeof(status));
	return status;
}
