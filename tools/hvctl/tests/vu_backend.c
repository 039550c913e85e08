// SPDX-License-Identifier: GPL-2.0-only
#include "vu_backend.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

struct backend backend;

/* ---- its queues ---------------------------------------------------------------------- */

static void *at(u64 address)
{
	unsigned int i;

	for (i = 0; i < backend.memory.count; i++) {
		const struct vu_region *r = &backend.memory.region[i];

		if (address >= r->user_address && address - r->user_address < r->size)
			return backend.mapped[i] + (address - r->user_address);
	}
	EXPECT(!"an address is in the memory");
	return NULL;
}

/* Its memory is one region, from guest-physical 0. */
static void finish(struct backend_queue *q, u16 head)
{
	struct vring_desc *desc = at(q->desc);
	struct vring_used *used = at(q->used);
	u16 last = head;

	while (desc[last].flags & VRING_DESC_F_NEXT)
		last = desc[last].next;
	backend.mapped[0][desc[last].addr] = VIRTIO_BLK_S_OK;
	used->ring[used->idx % q->size] = (struct vring_used_elem){ head, 1 };
	__atomic_store_n(&used->idx, used->idx + 1, __ATOMIC_RELEASE);
	if (q->call_fd >= 0 && !backend.mute)
		eventfd_write(q->call_fd, 1);
}

static void serve_queue(struct backend_queue *q)
{
	struct vring_avail *avail = at(q->avail);
	eventfd_t count;

	eventfd_read(q->kick_fd, &count);
	while (q->enabled && q->taken != __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE)) {
		u16 head = avail->ring[q->taken++ % q->size];

		if (!backend.holds)
			finish(q, head);
	}
}

/* ---- messages ------------------------------------------------------------------------- */

static void replace(int *old, const struct vu_message *message)
{
	if (*old >= 0)
		close(*old);
	*old = message->fd_count ? dup(message->fds[0]) : -1;
}

static void take_memory(const struct vu_message *message)
{
	unsigned int i;

	backend.memory = message->payload.memory;
	EXPECT_EQ(message->fd_count, backend.memory.count);
	for (i = 0; i < backend.memory.count && i < VU_REGIONS_MAX; i++) {
		const struct vu_region *r = &backend.memory.region[i];

		backend.mapped[i] = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED,
					 message->fds[i], r->offset);
		EXPECT(backend.mapped[i] != MAP_FAILED);
	}
}

static u64 inode(int fd)
{
	struct stat stat_buf;

	return fstat(fd, &stat_buf) ? 0 : stat_buf.st_ino;
}

static struct backend_queue *queue_of(u32 index)
{
	EXPECT(index < BACKEND_QUEUES);
	return &backend.queue[index % BACKEND_QUEUES];
}

static void take_fd(const struct vu_message *message)
{
	u64 number = message->payload.number;
	struct backend_queue *q = queue_of(number & 0xff);

	EXPECT_EQ(message->fd_count, !(number & VU_NO_FD));
	EXPECT(!(number & ~0x1ffULL));
	if (message->header.request == VU_SET_VRING_KICK)
		replace(&q->kick_fd, message);
	else if (message->header.request == VU_SET_VRING_CALL)
		replace(&q->call_fd, message);
	else
		replace(&q->error_fd, message);
}

static void take_state(struct vu_message *message)
{
	struct vhost_vring_state *state = &message->payload.state;
	struct backend_queue *q = queue_of(state->index);

	switch (message->header.request) {
	case VU_SET_VRING_NUM:
		q->size = state->num;
		break;
	case VU_SET_VRING_BASE:
		q->base = state->num;
		q->taken = state->num;
		break;
	case VU_SET_VRING_ENABLE:
		q->enabled = state->num;
		break;
	case VU_GET_VRING_BASE:
		q->enabled = false;
		state->num = q->taken;
		break;
	}
}

static void take_address(const struct vu_message *message)
{
	const struct vhost_vring_addr *address = &message->payload.address;
	struct backend_queue *q = queue_of(address->index);

	EXPECT_EQ(address->flags, 0);
	EXPECT_EQ(address->log_guest_addr, 0);
	q->desc = address->desc_user_addr;
	q->avail = address->avail_user_addr;
	q->used = address->used_user_addr;
}

static void fill_config(struct vu_message *message)
{
	struct virtio_blk_config config = {
		.capacity = backend.capacity, .num_queues = backend.queues, .seg_max = 17,
	};

	EXPECT_EQ(message->payload.config.offset, 0);
	EXPECT_EQ(message->payload.config.size, offsetof(struct virtio_blk_config,
							 max_secure_erase_sectors));
	memcpy(message->payload.config.data, &config, message->payload.config.size);
}

static bool reply_number(struct vu_message *message, u64 number)
{
	EXPECT_EQ(message->header.size, 0);
	message->header.size = sizeof(number);
	message->payload.number = number;
	return true;
}

/* Returns whether there is a reply, into which @message is made. */
static bool carry_out(struct vu_message *message)
{
	union vu_payload *payload = &message->payload;

	switch (message->header.request) {
	case VU_GET_FEATURES:
		return reply_number(message, backend.features);
	case VU_GET_PROTOCOL_FEATURES:
		return reply_number(message, backend.protocol);
	case VU_GET_QUEUE_NUM:
		return reply_number(message, backend.queues);
	case VU_GET_CONFIG:
		fill_config(message);
		return true;
	case VU_GET_INFLIGHT_FD:
		EXPECT_EQ(payload->inflight.queue_size, 256);
		payload->inflight.size = 4096;
		message->fds[0] = memfd_create("inflight", MFD_CLOEXEC);
		message->fd_count = 1;
		backend.inflight_made++;
		return true;
	case VU_SET_INFLIGHT_FD:
		EXPECT_EQ(message->fd_count, 1);
		EXPECT_EQ(payload->inflight.size, 4096);
		backend.inflight_inode = inode(message->fds[0]);
		return false;
	case VU_GET_VRING_BASE:
		take_state(message);
		return true;
	case VU_SET_FEATURES:
		backend.accepted = payload->number;
		return false;
	case VU_SET_PROTOCOL_FEATURES:
		backend.accepted_protocol = payload->number;
		return false;
	case VU_SET_MEM_TABLE:
		take_memory(message);
		return false;
	case VU_SET_BACKEND_REQ_FD:
		EXPECT_EQ(message->fd_count, 1);
		replace(&backend.request_fd, message);
		return false;
	case VU_SET_CONFIG:
		EXPECT_EQ(payload->config.offset, offsetof(struct virtio_blk_config, wce));
		EXPECT_EQ(payload->config.size, 1);
		backend.wce = payload->config.data[0];
		return false;
	case VU_SET_VRING_KICK:
	case VU_SET_VRING_CALL:
	case VU_SET_VRING_ERR:
		take_fd(message);
		return false;
	case VU_SET_VRING_ADDR:
		take_address(message);
		return false;
	case VU_SET_VRING_NUM:
	case VU_SET_VRING_BASE:
	case VU_SET_VRING_ENABLE:
		take_state(message);
		return false;
	default:
		EXPECT_EQ(message->header.request, VU_SET_OWNER);
		return false;
	}
}

/* ---- replies -------------------------------------------------------------------------- */

/* Like vu_send(), of as many bytes and fds as one likes */
static void send_bytes(const struct vu_message *message, size_t bytes, unsigned int fds)
{
	union { struct cmsghdr align; u8 space[CMSG_SPACE(8 * sizeof(int))]; } control = { 0 };
	u8 data[sizeof(message->header) + sizeof(message->payload)];
	struct iovec iov = { data, bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned int i;

	memcpy(data, &message->header, sizeof(message->header));
	memcpy(data + sizeof(message->header), &message->payload, sizeof(message->payload));
	if (fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (i = 0; i < fds; i++)
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)) + i * sizeof(int),
			       i < message->fd_count ? &message->fds[i] : &backend.listener,
			       sizeof(int));
	}
	sendmsg(backend.fd, &msg, MSG_NOSIGNAL);
}

/* Returns false if it hangs up now. */
static bool misbehave(struct vu_message *message)
{
	size_t head = sizeof(message->header);
	unsigned int fds = message->fd_count;

	switch (backend.misbehaviour) {
	case HANG_UP:
		return false;
	case BE_SILENT:
		return true;
	case CUT_HEADER:
		send_bytes(message, head - 1, fds);
		return false;
	case CUT_PAYLOAD:
		send_bytes(message, head + message->header.size - 1, fds);
		return false;
	case SAY_SHORT:
		message->header.size -= 4;
		break;
	case SAY_LONG:
		message->header.size += 4;
		break;
	case SAY_HUGE:
		message->header.size = 0xfffffff4;
		send_bytes(message, head + 8, fds);
		return true;
	case OTHER_REQUEST:
		message->header.request++;
		break;
	case NO_REPLY_FLAG:
		message->header.flags &= ~VU_REPLY;
		break;
	case OTHER_VERSION:
		message->header.flags ^= 3;
		break;
	case EXTRA_FD:
		fds++;
		break;
	case EXTRA_FDS:
		fds = 8;
		break;
	case REFUSE:
		message->payload.number = 1;
		break;
	case NO_FD:
		fds = 0;
		break;
	case SAY_MORE:
		send_bytes(message, head + message->header.size, fds);
		break;
	default:
		break;
	}
	send_bytes(message, head + message->header.size, fds);
	return true;
}

static bool answer(struct vu_message *message, bool replies)
{
	bool wrong = backend.misbehaviour != BEHAVE && backend.at == message->header.request;
	bool acks = message->header.flags & VU_NEED_REPLY, made = message->fd_count;
	bool stays = true;

	if (!replies) {
		vu_close_fds(message);
		message->payload.number = 0;
		message->header.size = 8;
	}
	message->header.flags |= VU_REPLY;
	if (wrong && (replies || acks || backend.misbehaviour == HANG_UP))
		stays = misbehave(message);
	else if (replies || acks)
		send_bytes(message, sizeof(message->header) + message->header.size,
			   message->fd_count);
	if (made)
		vu_close_fds(message);
	return stays;
}

static bool serve_message(void)
{
	struct vu_message message;
	u32 request;
	bool replies;

	if (vu_receive(backend.fd, &message, vu_deadline(5000), -1))
		return false;
	request = message.header.request;
	EXPECT(backend.log_count < BACKEND_LOG_MAX);
	backend.log[backend.log_count % BACKEND_LOG_MAX] = request;
	backend.log_count++;
	EXPECT(!(message.header.flags & VU_REPLY));
	replies = carry_out(&message);
	if (replies && message.header.flags & VU_NEED_REPLY)
		EXPECT(!"it is asked to acknowledge what it replies to");
	else if (!replies && request != VU_SET_PROTOCOL_FEATURES)
		EXPECT_EQ(!!(message.header.flags & VU_NEED_REPLY),
			  !!(backend.accepted_protocol & BIT_ULL(VU_PROTOCOL_REPLY_ACK)));
	return answer(&message, replies);
}

/* ---- connections ---------------------------------------------------------------------- */

static void accept_one(void)
{
	backend.fd = accept4(backend.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	backend.accepted_protocol = 0;
	backend.log[backend.log_count % BACKEND_LOG_MAX] = 0;
	backend.log_count++;
	backend.connections++;
}

static void forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_connection(void)
{
	unsigned int i;

	for (i = 0; i < BACKEND_QUEUES; i++) {
		forget(&backend.queue[i].kick_fd);
		forget(&backend.queue[i].call_fd);
		forget(&backend.queue[i].error_fd);
		backend.queue[i].enabled = false;
	}
	for (i = 0; i < backend.memory.count; i++)
		munmap(backend.mapped[i], backend.memory.region[i].size);
	backend.memory.count = 0;
	forget(&backend.request_fd);
	forget(&backend.fd);
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		struct pollfd fds[3 + BACKEND_QUEUES] = {
			{ .fd = backend.stop_fd, .events = POLLIN },
			{ .fd = backend.fd < 0 ? backend.listener : -1, .events = POLLIN },
			{ .fd = backend.fd, .events = POLLIN },
		};
		unsigned int i;

		for (i = 0; i < BACKEND_QUEUES; i++)
			fds[3 + i] = (struct pollfd){
				.fd = backend.queue[i].enabled ? backend.queue[i].kick_fd : -1,
				.events = POLLIN,
			};
		poll(fds, ARRAY_SIZE(fds), -1);
		if (fds[0].revents)
			break;
		if (fds[1].revents)
			accept_one();
		if (fds[2].revents && !serve_message())
			close_connection();
		for (i = 0; i < BACKEND_QUEUES; i++) {
			if (backend.queue[i].enabled && fds[3 + i].revents)
				serve_queue(&backend.queue[i]);
		}
	}
	close_connection();
	return NULL;
}

/* ---- for tests ------------------------------------------------------------------------ */

void backend_init(void)
{
	unsigned int i;

	memset(&backend, 0, sizeof(backend));
	backend.features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
			   BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VU_F_PROTOCOL) |
			   BIT_ULL(VIRTIO_BLK_F_MQ) | BIT_ULL(VIRTIO_BLK_F_FLUSH) |
			   BIT_ULL(VIRTIO_BLK_F_SIZE_MAX) | BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) |
			   BIT_ULL(26);
	backend.protocol = ~0ULL;
	backend.capacity = 1000;
	backend.queues = 2;
	backend.wce = -1;
	backend.request_fd = -1;
	backend.fd = -1;
	for (i = 0; i < BACKEND_QUEUES; i++)
		backend.queue[i] = (struct backend_queue){
			.kick_fd = -1, .call_fd = -1, .error_fd = -1,
		};
	strcpy(backend.folder, "/tmp/hvctl-test-XXXXXX");
	EXPECT(mkdtemp(backend.folder) != NULL);
	snprintf(backend.path, sizeof(backend.path), "%s/socket", backend.folder);
	backend.stop_fd = eventfd(0, EFD_CLOEXEC);
}

void backend_listen(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, backend.path);
	backend.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(!bind(backend.listener, (struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(backend.listener, 4));
	EXPECT(!pthread_create(&backend.thread, NULL, serve, NULL));
}

void backend_leave(void)
{
	eventfd_t count;

	eventfd_write(backend.stop_fd, 1);
	pthread_join(backend.thread, NULL);
	eventfd_read(backend.stop_fd, &count);
	close(backend.listener);
	unlink(backend.path);
}

void backend_end(void)
{
	backend_leave();
	close(backend.stop_fd);
	rmdir(backend.folder);
}

void backend_hang_up(void)
{
	shutdown(backend.fd, SHUT_RDWR);
}

bool backend_did(unsigned int from, const u32 *requests, unsigned int count)
{
	unsigned int i;

	if (backend.log_count < from + count)
		return false;
	for (i = 0; i < count; i++) {
		if (backend.log[from + i] != requests[i])
			return false;
	}
	return true;
}
