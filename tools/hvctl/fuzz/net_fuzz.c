// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver and a peer that do what they may not to a network device whose frames go over a
 * socket: rings and memory that change, bytes that are no frames, either of which comes or
 * goes at any time. The queues' threads are this one, so that each input repeats.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame_stream.h"
#include "fuzz.h"
#include "virtio_net_config.h"
#include "virtio_net_stream.h"

#define MEMORY		KIB(64)
#define QUEUE_SIZE	16
#define RINGS		0x1000	/* a page for each queue */
#define AVAIL		0x800
#define USED		0xc00
#define BUFFERS		0x4000

static struct guest_memory memory = { .low = MEMORY };

struct rig {
	struct net_peer peer;
	int peer_fd;
	bool narrow;		/* its socket takes frames in parts */
	struct virtio_device *device;
	unsigned int interrupts;
	bool running;
};

/* ---- the peer -------------------------------------------------------------------- */

/* One thread takes the hellos of all inputs' peers. */
static int hello_fds[2];

static void *take_hellos(void *arg)
{
	u8 hello[FRAME_LENGTH_BYTES + ETH_ZLEN];
	int fd;

	while (read(hello_fds[0], &fd, sizeof(fd)) == sizeof(fd))
		MUST(recv(fd, hello, sizeof(hello), MSG_WAITALL) == sizeof(hello));
	return arg;
}

static int start_peer(struct net_peer *peer)
{
	struct rig *rig = (struct rig *)peer;
	int ends[2], room = 1;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (rig->narrow)
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	rig->peer_fd = ends[1];
	MUST(write(hello_fds[1], &ends[1], sizeof(ends[1])) == sizeof(ends[1]));
	return ends[0];
}

static void tell_end(struct net_peer *peer)
{
	(void)peer;
	MUST(false);
}

static void destroy_peer(struct net_peer *peer)
{
	(void)peer;
}

static void peer_writes(struct rig *rig, struct fuzz *f)
{
	u8 bytes[256];
	size_t len = 1 + fuzz_u8(f) % sizeof(bytes);

	fuzz_bytes(f, bytes, len);
	send(rig->peer_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Frames as they should be, or nearly */
static void peer_sends(struct rig *rig, struct fuzz *f)
{
	static u8 bytes[FRAME_LENGTH_BYTES + FRAME_MAX + 1];
	u32 len = fuzz_u8(f) & 1 ? fuzz_u16(f) : fuzz_u8(f), length = __builtin_bswap32(len);

	memcpy(bytes, &length, sizeof(length));
	send(rig->peer_fd, bytes, FRAME_LENGTH_BYTES + len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void peer_reads(struct rig *rig)
{
	static u8 bytes[KIB(64)];

	while (recv(rig->peer_fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* ---- the driver ------------------------------------------------------------------ */

static void on_signal(struct virtio_device *dev, u16 vector)
{
	struct rig *rig = dev->transport;

	MUST(vector <= NET_QUEUES);
	rig->interrupts++;
}

static struct vring_desc *desc(unsigned int queue)
{
	return (void *)(memory.host + RINGS * (queue + 1));
}

static u16 *avail(unsigned int queue)
{
	return (void *)(memory.host + RINGS * (queue + 1) + AVAIL);
}

static void stop(struct rig *rig)
{
	unsigned int i;

	for (i = 0; rig->running && i < NET_QUEUES; i++)
		virtq_stop(&rig->device->queue[i].ring);
	rig->running = false;
}

static void start(struct rig *rig, struct fuzz *f)
{
	u8 what = fuzz_u8(f);
	unsigned int i;

	stop(rig);
	rig->device->accepted = rig->device->offered;
	if (what & 1)
		rig->device->accepted &= ~BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);
	for (i = 0; i < NET_QUEUES; i++) {
		struct virtio_queue *q = &rig->device->queue[i];

		q->ring = (struct virtq){
			.mem = &memory, .size = QUEUE_SIZE, .desc = RINGS * (i + 1),
			.avail = RINGS * (i + 1) + AVAIL, .used = RINGS * (i + 1) + USED,
			.event_idx = what & 2, .indirect = what & 4,
		};
		q->vector = i;
		memset(desc(i), 0, RINGS);
		MUST(!virtq_start(&q->ring));
		MUST(rig->device->class->start_queue(q) >= 0);
	}
	rig->running = true;
}

static void offer(struct fuzz *f, unsigned int queue)
{
	unsigned int n = fuzz_u8(f) % QUEUE_SIZE, count = 1 + fuzz_u8(f) % 3, i;
	u8 how = fuzz_u8(f);
	u16 head = n;

	for (i = 0; i < count; i++, n = (n + 1) % QUEUE_SIZE) {
		desc(queue)[n] = (struct vring_desc){
			.addr = BUFFERS + fuzz_u16(f) % 0x4000,
			.len = how & 1 ? fuzz_u16(f) % 0x8000 : fuzz_u8(f),
			.flags = (queue == NET_RECEIVE) * VRING_DESC_F_WRITE | (i < count - 1),
			.next = (n + 1) % QUEUE_SIZE,
		};
	}
	if (how & 2)
		desc(queue)[head].flags ^= fuzz_u8(f);
	avail(queue)[2 + avail(queue)[1] % QUEUE_SIZE] = head;
	avail(queue)[1]++;
}

static void poke(struct fuzz *f)
{
	u8 bytes[16];
	unsigned int at = RINGS + fuzz_u16(f) % (BUFFERS + 64 - RINGS);

	fuzz_bytes(f, bytes, 1 + at % sizeof(bytes));
	memcpy(memory.host + at, bytes, 1 + at % sizeof(bytes));
}

/* A thread calls it for no reason at all, or perhaps for one. */
static void serve(struct rig *rig, unsigned int queue)
{
	struct virtio_queue *q = &rig->device->queue[queue];

	if (rig->running)
		rig->device->class->serve(q);
}

/* ---- all ------------------------------------------------------------------------- */

static void step(struct rig *rig, struct fuzz *f)
{
	u8 what = fuzz_u8(f), queue = what >> 4 & 1;
	u32 config;

	switch (what % 10) {
	case 0:
		start(rig, f);
		break;
	case 1:
		poke(f);
		break;
	case 2:
		peer_writes(rig, f);
		break;
	case 3:
		peer_sends(rig, f);
		break;
	case 4:
		peer_reads(rig);
		break;
	case 5:
		rig->device->class->read_config(rig->device, fuzz_u8(f) % (NET_CONFIG_SIZE - 3),
						&config, sizeof(config));
		break;
	case 6:
	case 7:
		serve(rig, queue);
		break;
	default:
		offer(f, queue);
		if (what & 0x20)
			serve(rig, queue);
	}
	if (what == 0xff)
		shutdown(rig->peer_fd, SHUT_WR);
}

static void create(struct rig *rig, u8 how)
{
	/* So little that after the first frames of an input no time is left for others */
	const struct net_config config = {
		.kind = NET_PASST, .mac = { 2, 0, 0, 0, 0, 1 }, .bps = how & 2 ? 1 : 0,
	};

	*rig = (struct rig){ .peer = { "fuzz", start_peer, tell_end, destroy_peer },
			      .narrow = how & 1 };
	rig->device = virtio_net_stream_create(&config, &rig->peer, &memory);
	MUST(rig->device);
	rig->device->transport = rig;
	rig->device->signal = on_signal;
	rig->device->config_vector = NET_QUEUES;
	atomic_fetch_or(&rig->device->status, VIRTIO_CONFIG_S_DRIVER_OK);
}

static void begin(void)
{
	pthread_t thread;

	memory.host = malloc(MEMORY);
	MUST(memory.host && !pipe(hello_fds));
	MUST(!pthread_create(&thread, NULL, take_hellos, NULL));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct rig rig;
	unsigned int i;

	if (!memory.host)
		begin();
	memset(memory.host, 0, MEMORY);
	create(&rig, fuzz_u8(&f));
	start(&rig, &f);
	while (f.left)
		step(&rig, &f);
	for (i = 0; i < NET_QUEUES; i++) {
		const struct virtio_queue *q = &rig.device->queue[i];

		/* Nothing was given back twice, or that wasn't there. */
		MUST((u16)(q->ring.next_avail - q->ring.next_used) <= QUEUE_SIZE);
	}
	stop(&rig);
	rig.device->class->destroy(rig.device);
	close(rig.peer_fd);
	return 0;
}
