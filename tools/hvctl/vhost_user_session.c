// SPDX-License-Identifier: GPL-2.0-only
#include "vhost_user_session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"

#define CONFIG_HEAD	offsetof(struct vu_config, data)
#define MEMORY_HEAD	offsetof(struct vu_memory, region)

_Static_assert(MEMORY_PARTS_MAX <= VU_REGIONS_MAX, "all of the memory is told");

/* ---- messages -------------------------------------------------------------------- */

static struct vu_message message_of(enum vu_request request, u32 size)
{
	return (struct vu_message){
		.header = { .request = request, .flags = VU_VERSION, .size = size },
	};
}

/* Why nothing came, or nothing went. */
static int lost(struct vu_session *s)
{
	s->failure = errno;
	switch (errno) {
	case ECONNRESET:
		return fail("%s hung up", s->name);
	case ETIMEDOUT:
		return fail("%s has not answered for %u seconds", s->name, s->timeout_ms / 1000);
	case EPROTO:
		return fail("%s sent what is no vhost-user message", s->name);
	default:
		return fail_errno("%s can't be talked to", s->name);
	}
}

static bool answers(const struct vu_message *reply, u32 request, u32 size, unsigned int fds)
{
	return reply->header.request == request && reply->header.flags & VU_REPLY &&
	       reply->header.size == size && reply->fd_count == fds;
}

static int send_message(struct vu_session *s, const struct vu_message *message)
{
	return vu_send(s->fd, message, s->deadline, s->cancel_fd) ? lost(s) : 0;
}

/* @message becomes the reply, which has @size bytes and @fds fds. */
static int receive_reply(struct vu_session *s, struct vu_message *message, u32 size,
			 unsigned int fds)
{
	u32 request = message->header.request;

	if (vu_receive(s->fd, message, s->deadline, s->cancel_fd))
		return lost(s);
	if (answers(message, request, size, fds))
		return 0;
	vu_close_fds(message);
	return vu_misbehaved(s, "%s gave a wrong answer to vhost-user message %u", s->name,
			     request);
}

static int ask(struct vu_session *s, struct vu_message *message, u32 size, unsigned int fds)
{
	return send_message(s, message) ? -1 : receive_reply(s, message, size, fds);
}

static int ask_number(struct vu_session *s, enum vu_request request, u64 *number)
{
	struct vu_message message = message_of(request, 0);

	if (ask(s, &message, sizeof(message.payload.number), 0))
		return -1;
	*number = message.payload.number;
	return 0;
}

/* What has no answer of its own is acknowledged, if the back-end can. */
static int tell(struct vu_session *s, struct vu_message *message)
{
	u32 request = message->header.request;

	if (!vu_has(s, VU_PROTOCOL_REPLY_ACK))
		return send_message(s, message);
	message->header.flags |= VU_NEED_REPLY;
	if (ask(s, message, sizeof(message->payload.number), 0))
		return -1;
	if (message->payload.number)
		return vu_misbehaved(s, "%s refuses vhost-user message %u", s->name, request);
	return 0;
}

static int tell_number(struct vu_session *s, enum vu_request request, u64 number)
{
	struct vu_message message = message_of(request, sizeof(number));

	message.payload.number = number;
	return tell(s, &message);
}

static int tell_state(struct vu_session *s, enum vu_request request, unsigned int index, u32 value)
{
	struct vu_message message = message_of(request, sizeof(message.payload.state));

	message.payload.state = (struct vhost_vring_state){ .index = index, .num = value };
	return tell(s, &message);
}

/* @fd -1: none */
static int tell_fd(struct vu_session *s, enum vu_request request, unsigned int index, int fd)
{
	struct vu_message message = message_of(request, sizeof(message.payload.number));

	message.payload.number = fd < 0 ? index | VU_NO_FD : index;
	message.fds[0] = fd;
	message.fd_count = fd >= 0;
	return tell(s, &message);
}

/* ---- the connection -------------------------------------------------------------- */

void vu_session_init(struct vu_session *s, const char *name, unsigned int timeout_ms)
{
	*s = (struct vu_session){
		.name = name, .timeout_ms = timeout_ms, .fd = -1, .request_fd = -1,
	};
}

void vu_begin(struct vu_session *s, int cancel_fd)
{
	s->deadline = vu_deadline(s->timeout_ms);
	s->cancel_fd = cancel_fd;
}

static int set_protocol(struct vu_session *s, u64 wanted)
{
	u64 protocol;

	if (!(s->features & BIT_ULL(VU_F_PROTOCOL)))
		return 0;
	if (ask_number(s, VU_GET_PROTOCOL_FEATURES, &protocol) ||
	    tell_number(s, VU_SET_PROTOCOL_FEATURES, protocol & wanted))
		return -1;
	s->protocol = protocol & wanted;
	return 0;
}

static int get_queue_count(struct vu_session *s)
{
	u64 count;

	if (!vu_has(s, VU_PROTOCOL_MQ))
		return 0;
	if (ask_number(s, VU_GET_QUEUE_NUM, &count))
		return -1;
	if (!count)
		return vu_misbehaved(s, "%s serves no queues", s->name);
	s->queues = min_u64(count, UINT16_MAX);
	return 0;
}

/* The back-end has one end of a socket, and hvctl the other. */
static int open_requests(struct vu_session *s)
{
	struct vu_message message = message_of(VU_SET_BACKEND_REQ_FD, 0);
	int pair[2], ret;

	if (!vu_has(s, VU_PROTOCOL_BACKEND_REQ))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return fail_errno("cannot create a socket");
	s->request_fd = pair[0];
	message.fds[0] = pair[1];
	message.fd_count = 1;
	ret = tell(s, &message);
	close(pair[1]);
	return ret;
}

int vu_session_open(struct vu_session *s, int fd, u64 wanted)
{
	s->fd = fd;
	s->protocol = 0;
	s->queues = 0;
	s->failure = 0;
	if (ask_number(s, VU_GET_FEATURES, &s->features) || set_protocol(s, wanted))
		return -1;
	if (!(s->features & BIT_ULL(VIRTIO_F_VERSION_1)))
		return vu_misbehaved(s, "%s knows no virtio 1 (feature VERSION_1)", s->name);
	return get_queue_count(s) || open_requests(s) ||
	       tell(s, &(struct vu_message){
			.header = { .request = VU_SET_OWNER, .flags = VU_VERSION },
	       }) ? -1 : 0;
}

void vu_session_close(struct vu_session *s)
{
	if (s->request_fd >= 0)
		close(s->request_fd);
	if (s->fd >= 0)
		close(s->fd);
	s->request_fd = -1;
	s->fd = -1;
}

void vu_session_finish(struct vu_session *s)
{
	struct vu_message message;

	shutdown(s->fd, SHUT_WR);
	while (!vu_receive(s->fd, &message, s->deadline, -1))
		vu_close_fds(&message);
}

void vu_session_abandon(struct vu_session *s)
{
	shutdown(s->fd, SHUT_RDWR);
}

bool vu_session_is_over(struct vu_session *s)
{
	ssize_t got;
	u8 byte;

	got = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got > 0) {
		vu_misbehaved(s, "%s said something unasked", s->name);
	} else {
		errno = ECONNRESET;
		lost(s);
	}
	return true;
}

/* ---- the device ------------------------------------------------------------------ */

int vu_get_config(struct vu_session *s, void *data, unsigned int size)
{
	struct vu_message message = message_of(VU_GET_CONFIG, CONFIG_HEAD + size);

	message.payload.config.size = size;
	if (send_message(s, &message) ||
	    receive_reply(s, &message, CONFIG_HEAD + size, 0))
		return -1;
	if (message.payload.config.offset || message.payload.config.size != size)
		return vu_misbehaved(s, "%s does not tell its configuration", s->name);
	memcpy(data, message.payload.config.data, size);
	return 0;
}

int vu_set_config(struct vu_session *s, unsigned int offset, const void *data, unsigned int size)
{
	struct vu_message message = message_of(VU_SET_CONFIG, CONFIG_HEAD + size);

	message.payload.config.offset = offset;
	message.payload.config.size = size;
	memcpy(message.payload.config.data, data, size);
	return tell(s, &message);
}

int vu_set_features(struct vu_session *s, u64 features)
{
	return tell_number(s, VU_SET_FEATURES,
			   (features | BIT_ULL(VU_F_PROTOCOL)) & s->features);
}

int vu_set_memory(struct vu_session *s, const struct guest_memory *mem)
{
	struct vu_message message = message_of(VU_SET_MEM_TABLE, 0);
	struct vu_memory *table = &message.payload.memory;
	struct memory_part part[MEMORY_PARTS_MAX];
	unsigned int i;

	table->count = memory_parts(mem, part);
	for (i = 0; i < table->count; i++) {
		table->region[i] = (struct vu_region){
			.guest_address = part[i].gpa,
			.size = part[i].size,
			.user_address = (uintptr_t)(mem->host + part[i].offset),
			.offset = part[i].offset,
		};
		message.fds[i] = mem->fd;
	}
	message.header.size = MEMORY_HEAD + table->count * sizeof(table->region[0]);
	message.fd_count = table->count;
	return tell(s, &message);
}

int vu_get_inflight(struct vu_session *s, struct vu_inflight *inflight, int *fd)
{
	struct vu_message message = message_of(VU_GET_INFLIGHT_FD, sizeof(*inflight));

	message.payload.inflight = *inflight;
	if (ask(s, &message, sizeof(*inflight), 1))
		return -1;
	inflight->size = message.payload.inflight.size;
	inflight->offset = message.payload.inflight.offset;
	*fd = message.fds[0];
	return 0;
}

int vu_set_inflight(struct vu_session *s, const struct vu_inflight *inflight, int fd)
{
	struct vu_message message = message_of(VU_SET_INFLIGHT_FD, sizeof(*inflight));

	message.payload.inflight = *inflight;
	message.fds[0] = fd;
	message.fd_count = 1;
	return tell(s, &message);
}

int vu_confirm(struct vu_session *s)
{
	u64 features;

	/* Messages are carried out in their order. */
	return vu_has(s, VU_PROTOCOL_REPLY_ACK) ? 0 : ask_number(s, VU_GET_FEATURES, &features);
}

/* ---- queues ---------------------------------------------------------------------- */

static int set_address(struct vu_session *s, const struct virtio_queue *q)
{
	struct vu_message message = message_of(VU_SET_VRING_ADDR, sizeof(message.payload.address));
	const struct vring *vring = &q->ring.vring;

	message.payload.address = (struct vhost_vring_addr){
		.index = q->index,
		.desc_user_addr = (uintptr_t)vring->desc,
		.avail_user_addr = (uintptr_t)vring->avail,
		.used_user_addr = (uintptr_t)vring->used,
	};
	return tell(s, &message);
}

int vu_set_call(struct vu_session *s, const struct virtio_queue *q)
{
	return tell_fd(s, VU_SET_VRING_CALL, q->index, virtio_call_fd(q));
}

int vu_start_queue(struct vu_session *s, const struct virtio_queue *q, u16 base, int error_fd)
{
	if (tell_state(s, VU_SET_VRING_NUM, q->index, q->ring.size) ||
	    tell_state(s, VU_SET_VRING_BASE, q->index, base) ||
	    set_address(s, q) ||
	    tell_fd(s, VU_SET_VRING_ERR, q->index, error_fd) ||
	    vu_set_call(s, q) ||
	    tell_fd(s, VU_SET_VRING_KICK, q->index, q->kick_fd))
		return -1;
	/* Others begin enabled. */
	return s->features & BIT_ULL(VU_F_PROTOCOL) ?
	       tell_state(s, VU_SET_VRING_ENABLE, q->index, 1) : 0;
}

int vu_stop_queue(struct vu_session *s, const struct virtio_queue *q)
{
	struct vu_message message = message_of(VU_GET_VRING_BASE, sizeof(message.payload.state));

	message.payload.state.index = q->index;
	if (ask(s, &message, sizeof(message.payload.state), 0))
		return -1;
	if (message.payload.state.index != q->index)
		return vu_misbehaved(s, "%s stopped another queue than it was told", s->name);
	return 0;
}

/* ---- the back-end's requests ------------------------------------------------------- */

static void stop_listening(struct vu_session *s)
{
	close(s->request_fd);
	s->request_fd = -1;
}

static int acknowledge(struct vu_session *s, u32 request, u64 value)
{
	struct vu_message reply = message_of(request, sizeof(value));

	reply.header.flags |= VU_REPLY;
	reply.payload.number = value;
	return vu_send(s->request_fd, &reply, s->deadline, s->cancel_fd);
}

int vu_serve_request(struct vu_session *s)
{
	struct vu_message message;
	bool known;

	if (vu_receive(s->request_fd, &message, s->deadline, s->cancel_fd)) {
		stop_listening(s);
		return 0;
	}
	vu_close_fds(&message);
	known = message.header.request == VU_BACKEND_CONFIG_CHANGED &&
		vu_has(s, VU_PROTOCOL_CONFIG);
	if (message.header.flags & VU_NEED_REPLY &&
	    acknowledge(s, message.header.request, !known))
		stop_listening(s);
	return known;
}
