// SPDX-License-Identifier: GPL-2.0-only
/*
 * Back-ends of vhost-user drives that say what they like: all of their answers come from
 * the input. Each is right but for what the input changes in it, or else they would not get
 * far.
 */
#include <linux/virtio_blk.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "fuzz.h"
#include "vhost_user_session.h"

#define MEMORY		KIB(64)
#define QUEUES		2
#define QUEUE_SIZE	16
#define RINGS		0x1000	/* a page for each queue */
#define CONFIG_SIZE	60
#define ANSWERS_MAX	40
#define ALL_PROTOCOL	(BIT_ULL(VU_PROTOCOL_MQ) | BIT_ULL(VU_PROTOCOL_REPLY_ACK) | \
			 BIT_ULL(VU_PROTOCOL_BACKEND_REQ) | BIT_ULL(VU_PROTOCOL_CONFIG) | \
			 BIT_ULL(VU_PROTOCOL_INFLIGHT_SHMFD))

static struct guest_memory memory = { .low = MEMORY };
static struct virtio_device device;

/* ---- the back-end: all is said in advance ---------------------------------------------- */

/* What hvctl asks for in this order, and how long the answer is */
static const struct { u8 request, size; } right[] = {
	{ VU_GET_FEATURES, 8 }, { VU_GET_PROTOCOL_FEATURES, 8 }, { VU_GET_QUEUE_NUM, 8 },
	{ VU_SET_BACKEND_REQ_FD, 8 }, { VU_SET_OWNER, 8 }, { VU_GET_CONFIG, 12 + CONFIG_SIZE },
	{ VU_SET_FEATURES, 8 }, { VU_SET_MEM_TABLE, 8 }, { VU_SET_CONFIG, 8 },
	{ VU_GET_INFLIGHT_FD, 20 }, { VU_SET_INFLIGHT_FD, 8 },
	{ VU_SET_VRING_NUM, 8 }, { VU_SET_VRING_BASE, 8 }, { VU_SET_VRING_ADDR, 8 },
	{ VU_SET_VRING_ERR, 8 }, { VU_SET_VRING_CALL, 8 }, { VU_SET_VRING_KICK, 8 },
	{ VU_SET_VRING_ENABLE, 8 }, { VU_GET_VRING_BASE, 8 },
};

static void fill_right(struct vu_message *message, unsigned int n)
{
	message->header.request = right[n].request;
	message->header.flags = VU_VERSION | VU_REPLY;
	message->header.size = right[n].size;
	switch (right[n].request) {
	case VU_GET_FEATURES:
	case VU_GET_PROTOCOL_FEATURES:
		message->payload.number = ~0ULL;
		break;
	case VU_GET_QUEUE_NUM:
		message->payload.number = QUEUES;
		break;
	case VU_GET_CONFIG:
		message->payload.config.size = CONFIG_SIZE;
		break;
	case VU_GET_INFLIGHT_FD:
		message->fd_count = 1;
		break;
	}
}

/* Any byte of it may be another one; it may be longer or shorter than it says. */
static void say_one(struct fuzz *f, int fd, unsigned int n)
{
	struct vu_message message = { .fds = { fd, fd } };
	u8 bytes[sizeof(message.header) + sizeof(message.payload)];
	u8 control = fuzz_u8(f);
	size_t size;

	fill_right(&message, n);
	if (control & 0x10)
		message.fd_count = control >> 6 & 1;
	if (!(control & 0x20)) {
		vu_send(fd, &message, vu_deadline(1000), -1);
		return;
	}
	memcpy(bytes, &message.header, sizeof(message.header));
	memcpy(bytes + sizeof(message.header), &message.payload, sizeof(message.payload));
	size = min_u64(sizeof(message.header) + right[n].size, sizeof(bytes));
	for (control &= 7; control; control--)
		bytes[fuzz_u8(f) % size] = fuzz_u8(f);
	size -= fuzz_u8(f) % 8 ? 0 : fuzz_u8(f) % size;
	MUST(send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) != 0);
}

static void say_all(struct fuzz *f, int fd)
{
	unsigned int i, n = 0;

	for (i = 0; i < ANSWERS_MAX && f->left; i++) {
		say_one(f, fd, n);
		/* Rings are told twice, and it stops as often. */
		n = n + 1 < ARRAY_SIZE(right) ? n + 1 : n;
		if (i == 17)
			n = 11;
		if (f->left && *f->data == 0xff)
			n = fuzz_u16(f) % ARRAY_SIZE(right);
	}
	shutdown(fd, SHUT_WR);
}

/* ---- hvctl ------------------------------------------------------------------------------ */

static int no_vector(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	(void)vector;
	return -1;
}

static const struct virtio_class class = { .name = "fuzz" };

static void set_up(void)
{
	unsigned int i;

	if (memory.host)
		return;
	memory.fd = memfd_create("guest", MFD_CLOEXEC);
	MUST(!ftruncate(memory.fd, MEMORY));
	memory.host = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
	MUST(!virtio_init(&device, &class, 0, QUEUES, QUEUE_SIZE, &memory));
	device.signal_fd = no_vector;
	for (i = 0; i < QUEUES; i++) {
		struct virtio_queue *q = &device.queue[i];

		q->ring.size = QUEUE_SIZE;
		q->ring.desc = RINGS * (i + 1);
		q->ring.avail = q->ring.desc + 0x800;
		q->ring.used = q->ring.desc + 0xc00;
		MUST(!virtq_start(&q->ring));
	}
}

static int begin(struct vu_session *s, int fd, int *inflight_fd)
{
	struct vu_inflight inflight = { .queues = QUEUES, .queue_size = QUEUE_SIZE };
	u8 config[CONFIG_SIZE], wce = 1;

	if (vu_session_open(s, fd, ALL_PROTOCOL))
		return -1;
	MUST(s->features & BIT_ULL(VIRTIO_F_VERSION_1) && !(s->protocol & ~ALL_PROTOCOL));
	MUST(!vu_has(s, VU_PROTOCOL_MQ) || (s->queues && s->queues <= UINT16_MAX));
	if (vu_get_config(s, config, sizeof(config)) || vu_set_features(s, ~0ULL) ||
	    vu_set_memory(s, &memory) || vu_set_config(s, 32, &wce, 1) ||
	    vu_get_inflight(s, &inflight, inflight_fd))
		return -1;
	MUST(*inflight_fd >= 0);
	return vu_set_inflight(s, &inflight, *inflight_fd);
}

static int use(struct vu_session *s)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		if (vu_start_queue(s, &device.queue[i], 0, device.stop_fd))
			return -1;
	}
	for (i = 0; i < QUEUES; i++) {
		if (vu_stop_queue(s, &device.queue[i]))
			return -1;
	}
	return vu_confirm(s);
}

/* The rest of the input is what the back-end asks. */
static void serve_requests(struct vu_session *s, struct fuzz *f)
{
	int pair[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	MUST(!f->left || send(pair[1], f->data, f->left, MSG_NOSIGNAL) > 0);
	shutdown(pair[1], SHUT_WR);
	if (s->request_fd >= 0)
		close(s->request_fd);
	s->request_fd = pair[0];
	while (s->request_fd >= 0)
		MUST(vu_serve_request(s) <= 1);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	int pair[2], inflight_fd = -1;
	struct vu_session s;

	set_up();
	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	say_all(&f, pair[1]);
	vu_session_init(&s, "the input", 1000);
	vu_begin(&s, -1);
	fail_say("%s", "");
	if (begin(&s, pair[0], &inflight_fd) || use(&s))
		MUST(s.failure && *fail_text());
	serve_requests(&s, &f);
	vu_session_finish(&s);
	vu_session_close(&s);
	if (inflight_fd >= 0)
		close(inflight_fd);
	close(pair[1]);
	/* No fd is left of it: the next one is as low as ever. */
	pair[0] = dup(memory.fd);
	MUST(pair[0] < 40);
	close(pair[0]);
	return 0;
}
