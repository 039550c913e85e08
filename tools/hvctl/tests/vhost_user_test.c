// SPDX-License-Identifier: GPL-2.0-only
/* vhost-user drives, with a back-end that may do what it shouldn't. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "blk_rig.h"
#include "test.h"
#include "vhost_user.h"
#include "vhost_user_blk.h"
#include "vu_backend.h"

static struct vhost_user_times real_times;

static void prepare(void)
{
	real_times = vhost_user_times;
	vhost_user_times = (struct vhost_user_times){ .timeout_ms = 10000, .retry_ms = 20 };
	backend_init();
	backend_listen();
	blk_begin();
}

static bool create(unsigned int queues)
{
	blk.device = vhost_user_blk_create(backend.path, queues, &blk.memory);
	return blk.device;
}

static void begin(void)
{
	prepare();
	EXPECT(create(8));
	EXPECT(!blk_start());
}

static void end(void)
{
	blk_end();
	backend_end();
	vhost_user_times = real_times;
}

static bool comes_true(const atomic_uint *value, unsigned int least)
{
	unsigned int i;

	for (i = 0; i < 5000 && *value < least; i++)
		usleep(1000);
	return *value >= least;
}

static bool connects(unsigned int times)
{
	return comes_true(&backend.connections, times);
}

static bool needs_reset(void)
{
	return blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* ---- what is said ---------------------------------------------------------------------- */

static void opening(void)
{
	static const u32 with_all[] = {
		0, VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, VU_SET_PROTOCOL_FEATURES,
		VU_GET_QUEUE_NUM, VU_SET_BACKEND_REQ_FD, VU_SET_OWNER, VU_GET_CONFIG,
	};
	struct virtio_blk_config config;

	prepare();
	EXPECT(create(8));
	EXPECT_EQ(backend.log_count, ARRAY_SIZE(with_all));
	EXPECT(backend_did(0, with_all, ARRAY_SIZE(with_all)));
	EXPECT_EQ(backend.accepted_protocol, 1 << 0 | 1 << 3 | 1 << 5 | 1 << 9 | 1 << 12);
	EXPECT_EQ(blk.device->queue_count, 2);
	EXPECT_EQ(blk.device->offered, BIT_ULL(VIRTIO_F_VERSION_1) |
		  BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
		  BIT_ULL(VIRTIO_BLK_F_MQ) | BIT_ULL(VIRTIO_BLK_F_FLUSH));
	blk.device->class->read_config(blk.device, 0, &config, 60);
	EXPECT_EQ(config.capacity, 1000);
	EXPECT_EQ(config.seg_max, 17);
	EXPECT_EQ(config.num_queues, 2);
	end();
}

static void one_queue(void)
{
	prepare();
	backend.queues = 4;
	EXPECT(create(1));
	EXPECT_EQ(blk.device->queue_count, 1);
	EXPECT(!(blk.device->offered & BIT_ULL(VIRTIO_BLK_F_MQ)));
	end();
	/* A back-end that doesn't say how many has one; and nothing is offered that it lacks. */
	prepare();
	backend.protocol = BIT_ULL(VU_PROTOCOL_CONFIG);
	backend.features &= ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	EXPECT(create(8));
	EXPECT_EQ(blk.device->queue_count, 1);
	EXPECT(!(blk.device->offered & BIT_ULL(VIRTIO_RING_F_EVENT_IDX)));
	EXPECT(!blk_start());
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(backend.inflight_made, 0);
	EXPECT_EQ(backend.request_fd, -1);
	/* Without acknowledgements the last message is one that has a reply. */
	EXPECT_EQ(backend.log[backend.log_count - 1], VU_GET_FEATURES);
	end();
}

/* As vhost-user has it, but for the order within a queue */
static void starting(void)
{
	static const u32 sequence[] = {
		VU_SET_FEATURES, VU_SET_MEM_TABLE, VU_SET_CONFIG, VU_GET_INFLIGHT_FD,
		VU_SET_INFLIGHT_FD,
		VU_SET_VRING_NUM, VU_SET_VRING_BASE, VU_SET_VRING_ADDR, VU_SET_VRING_ERR,
		VU_SET_VRING_CALL, VU_SET_VRING_KICK, VU_SET_VRING_ENABLE,
		VU_SET_VRING_NUM, VU_SET_VRING_BASE, VU_SET_VRING_ADDR, VU_SET_VRING_ERR,
		VU_SET_VRING_CALL, VU_SET_VRING_KICK, VU_SET_VRING_ENABLE,
	};
	static const u32 stop[] = { VU_GET_VRING_BASE, VU_GET_VRING_BASE, 0 };
	unsigned int i;

	begin();
	EXPECT(backend_did(8, sequence, ARRAY_SIZE(sequence)));
	EXPECT_EQ(backend.log_count, 8 + ARRAY_SIZE(sequence));
	EXPECT_EQ(backend.accepted, blk.device->accepted | BIT_ULL(VU_F_PROTOCOL));
	EXPECT_EQ(backend.wce, 1);
	EXPECT_EQ(backend.memory.count, 1);
	EXPECT_EQ(backend.memory.region[0].size, MIB(4));
	EXPECT_EQ(backend.memory.region[0].guest_address, 0);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(backend.queue[i].size, BLK_QUEUE_SIZE);
		EXPECT_EQ(backend.queue[i].base, 0);
		EXPECT(backend.queue[i].enabled);
		blk.queue = i;
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	}
	/* A driver that begins anew has a new connection; this one can't flush. */
	blk_reset();
	blk.device->offered &= ~BIT_ULL(VIRTIO_BLK_F_FLUSH);
	EXPECT(!blk_start());
	EXPECT_EQ(backend.connections, 2);
	EXPECT(backend_did(8 + ARRAY_SIZE(sequence), stop, ARRAY_SIZE(stop)));
	EXPECT_EQ(backend.queue[0].base, 0);
	EXPECT_EQ(backend.wce, 0);
	EXPECT_EQ(backend.inflight_made, 2);
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	end();
}

/* The halves of a large memory, and what may be plugged; nothing is mapped but for them. */
static void memory_above(void)
{
	struct vu_session s;
	struct vu_message message;
	struct guest_memory mem;
	int pair[2];

	EXPECT(!memory_create_growing(&mem, GIB(3) + MIB(6), GIB(3) + MIB(8), true));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	vu_session_init(&s, "the test", 1000);
	s.fd = pair[0];
	vu_begin(&s, -1);
	EXPECT(!vu_set_memory(&s, &mem));
	EXPECT(!vu_receive(pair[1], &message, vu_deadline(1000), -1));
	EXPECT_EQ(message.header.size, 8 + 3 * 32);
	EXPECT_EQ(message.fd_count, 3);
	EXPECT_EQ(message.payload.memory.count, 3);
	EXPECT_EQ(message.payload.memory.region[0].size, GIB(3));
	EXPECT_EQ(message.payload.memory.region[0].offset, 0);
	EXPECT_EQ(message.payload.memory.region[1].guest_address, GIB(4));
	EXPECT_EQ(message.payload.memory.region[1].size, MIB(6));
	EXPECT_EQ(message.payload.memory.region[1].offset, GIB(3));
	EXPECT_EQ(message.payload.memory.region[1].user_address, (uintptr_t)mem.host + GIB(3));
	EXPECT_EQ(message.payload.memory.region[2].guest_address, GIB(6));
	EXPECT_EQ(message.payload.memory.region[2].size, MIB(128));
	EXPECT_EQ(message.payload.memory.region[2].offset, GIB(3) + MIB(6));
	vu_close_fds(&message);
	vu_session_close(&s);
	close(pair[1]);
	memory_destroy(&mem);
}

static void vectors(void)
{
	begin();
	EXPECT(backend.queue[1].call_fd >= 0);
	virtio_set_vector(&blk.device->queue[1], VIRTIO_MSI_NO_VECTOR);
	EXPECT_EQ(backend.queue[1].call_fd, -1);
	EXPECT(backend.queue[0].call_fd >= 0);
	virtio_set_vector(&blk.device->queue[1], 1);
	EXPECT(backend.queue[1].call_fd >= 0);
	blk.queue = 1;
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	end();
}

static void broken_queue(void)
{
	begin();
	EXPECT(!needs_reset());
	eventfd_write(backend.queue[1].error_fd, 1);
	EXPECT(blk_needs_reset());
	EXPECT(blk_signalled(blk.config_fd, 10000));
	blk_reset();
	EXPECT(!blk_start());
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT(!needs_reset());
	end();
}

/* ---- what makes no sense ---------------------------------------------------------------- */

static void useless(void)
{
	static const struct {
		u64 features, protocol;
		unsigned int queues;
		const char *why;
	} bad[] = {
		{ BIT_ULL(VU_F_PROTOCOL), ~0ULL, 2, "no virtio 1" },
		{ BIT_ULL(VIRTIO_F_VERSION_1), ~0ULL, 2, "has no configuration" },
		{ BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL),
		  ~BIT_ULL(VU_PROTOCOL_CONFIG), 2, "has no configuration" },
		{ ~0ULL, ~0ULL, 0, "serves no queues" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		prepare();
		backend.features = bad[i].features;
		backend.protocol = bad[i].protocol;
		backend.queues = bad[i].queues;
		EXPECT(!create(8));
		EXPECT_HAS(fail_text(), bad[i].why);
		EXPECT_HAS(fail_text(), "--disk: the back-end at /tmp/");
		end();
	}
}

static const char * const sentences[] = {
	[HANG_UP] = "hung up",
	[BE_SILENT] = "has not answered",
	[CUT_HEADER] = "hung up",
	[CUT_PAYLOAD] = "hung up",
	[SAY_SHORT] = "gave a wrong answer",
	[SAY_LONG] = "gave a wrong answer",
	[SAY_HUGE] = "sent what is no vhost-user message",
	[OTHER_REQUEST] = "gave a wrong answer",
	[NO_REPLY_FLAG] = "gave a wrong answer",
	[OTHER_VERSION] = "sent what is no vhost-user message",
	[EXTRA_FD] = "gave a wrong answer",
	[EXTRA_FDS] = "sent what is no vhost-user message",
	[REFUSE] = "refuses vhost-user message",
};

static void set_misbehaviour(u32 request, enum misbehaviour how)
{
	backend.at = request;
	backend.misbehaviour = how;
}

/* It can't be told from one that takes long; to be asked before create(). */
static bool is_waited_for(enum misbehaviour how)
{
	bool waits = how == BE_SILENT || how == SAY_LONG;

	if (waits)
		vhost_user_times.timeout_ms = 1000;
	return waits;
}

static void misbehaves_at_first(void)
{
	static const u32 requests[] = {
		VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, VU_GET_QUEUE_NUM,
		VU_SET_BACKEND_REQ_FD, VU_SET_OWNER, VU_GET_CONFIG,
	};
	enum misbehaviour how;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		for (how = HANG_UP; how < MISBEHAVIOURS; how++) {
			prepare();
			if (is_waited_for(how) && i % 3) {
				end();
				continue;
			}
			set_misbehaviour(requests[i], how);
			fail_say("(no sentence)");
			EXPECT(!create(8));
			EXPECT_HAS(fail_text(), sentences[how]);
			end();
		}
	}
	prepare();
	set_misbehaviour(VU_SET_OWNER, REFUSE);
	EXPECT(!create(8));
	EXPECT_HAS(fail_text(), "refuses vhost-user message 3");
	end();
}

/* The driver is told, as far as a new connection can't help; and the next one is served. */
static void misbehaves_at_start(void)
{
	static const u32 requests[] = {
		VU_SET_FEATURES, VU_SET_MEM_TABLE, VU_SET_CONFIG, VU_GET_INFLIGHT_FD,
		VU_SET_INFLIGHT_FD, VU_SET_VRING_NUM, VU_SET_VRING_ADDR, VU_SET_VRING_KICK,
		VU_SET_VRING_ENABLE,
	};
	enum misbehaviour how;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		for (how = HANG_UP; how < MISBEHAVIOURS; how++) {
			bool hangs_up = how == HANG_UP || how == CUT_HEADER || how == CUT_PAYLOAD;

			prepare();
			if (is_waited_for(how) && i % 3) {
				end();
				continue;
			}
			EXPECT(create(8));
			set_misbehaviour(requests[i], how);
			EXPECT_EQ(blk_start(), hangs_up ? 0 : -1);
			EXPECT_EQ(needs_reset(), !hangs_up);
			backend.misbehaviour = BEHAVE;
			if (!hangs_up) {
				blk_reset();
				EXPECT(!blk_start());
			}
			EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
			EXPECT(!needs_reset());
			end();
		}
	}
	prepare();
	EXPECT(create(8));
	set_misbehaviour(VU_GET_INFLIGHT_FD, NO_FD);
	EXPECT_EQ(blk_start(), -1);
	set_misbehaviour(VU_SET_VRING_CALL, REFUSE);
	blk_reset();
	EXPECT_FAIL(blk_start(), "refuses vhost-user message 13");
	end();
}

static u64 milliseconds(void)
{
	return vu_deadline(0);
}

static void misbehaves_at_stop(void)
{
	enum misbehaviour how;
	u64 before;

	for (how = HANG_UP; how < MISBEHAVIOURS; how++) {
		prepare();
		is_waited_for(how);
		EXPECT(create(8));
		EXPECT(!blk_start());
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
		set_misbehaviour(VU_GET_VRING_BASE, how);
		before = milliseconds();
		blk_reset();
		EXPECT(milliseconds() - before < 3000);
		backend.misbehaviour = BEHAVE;
		EXPECT(!blk_start());
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
		end();
	}
}

static void misbehaves_at_vector(void)
{
	enum misbehaviour how;

	for (how = BE_SILENT; how <= REFUSE; how++) {
		prepare();
		is_waited_for(how);
		EXPECT(create(8));
		EXPECT(!blk_start());
		set_misbehaviour(VU_SET_VRING_CALL, how);
		virtio_set_vector(&blk.device->queue[0], VIRTIO_MSI_NO_VECTOR);
		if (how != CUT_HEADER && how != CUT_PAYLOAD)
			EXPECT(blk_needs_reset());
		backend.misbehaviour = BEHAVE;
		blk_reset();
		EXPECT(!blk_start());
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
		end();
	}
}

static void says_more(void)
{
	begin();
	set_misbehaviour(VU_SET_VRING_CALL, SAY_MORE);
	virtio_set_vector(&blk.device->queue[0], 1);
	EXPECT(blk_needs_reset());
	end();
}

/* ---- the back-end's requests --------------------------------------------------------------- */

static u64 capacity(void)
{
	struct virtio_blk_config config;

	blk.device->class->read_config(blk.device, 0, &config, sizeof(config.capacity));
	return config.capacity;
}

static struct vu_message request_of(u32 request, u32 flags)
{
	return (struct vu_message){ .header = { request, VU_VERSION | flags, 0 } };
}

static void send_request(const struct vu_message *message)
{
	EXPECT(!vu_send(backend.request_fd, message, vu_deadline(1000), -1));
}

static void changed_config(void)
{
	struct vu_message message = request_of(VU_BACKEND_CONFIG_CHANGED, 0), unknown, reply;
	u8 generation;

	begin();
	generation = blk.device->generation;
	backend.capacity = 2000;
	send_request(&message);
	EXPECT(blk_signalled(blk.config_fd, 5000));
	EXPECT_EQ(capacity(), 2000);
	EXPECT_EQ((u8)(blk.device->generation - generation), 1);
	/* It says so, but it isn't so; then with an answer, and an fd that nobody needs */
	message.header.flags |= VU_NEED_REPLY;
	message.fds[0] = backend.listener;
	message.fd_count = 1;
	send_request(&message);
	EXPECT(!vu_receive(backend.request_fd, &reply, vu_deadline(5000), -1));
	EXPECT_EQ(reply.header.flags, VU_VERSION | VU_REPLY);
	EXPECT_EQ(reply.header.request, VU_BACKEND_CONFIG_CHANGED);
	EXPECT_EQ(reply.payload.number, 0);
	EXPECT(!blk_signalled(blk.config_fd, 50));
	unknown = request_of(77, VU_NEED_REPLY);
	send_request(&unknown);
	EXPECT(!vu_receive(backend.request_fd, &reply, vu_deadline(5000), -1));
	EXPECT_EQ(reply.payload.number, 1);
	/* What is no request isn't listened to any more, and nothing else happens. */
	EXPECT_EQ(send(backend.request_fd, "0123456789ab", 12, MSG_NOSIGNAL), 12);
	EXPECT_EQ(vu_receive(backend.request_fd, &reply, vu_deadline(5000), -1), -1);
	EXPECT_EQ(errno, ECONNRESET);
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT(!needs_reset());
	end();
}

static void wrong_config(void)
{
	struct vu_message message = request_of(VU_BACKEND_CONFIG_CHANGED, 0);

	begin();
	set_misbehaviour(VU_GET_CONFIG, SAY_SHORT);
	send_request(&message);
	EXPECT(connects(2));
	EXPECT_EQ(capacity(), 1000);
	end();
}

/* ---- it goes, and comes back ------------------------------------------------------------- */

static void idle_connection_lost(void)
{
	u64 inflight;

	begin();
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	inflight = backend.inflight_inode;
	backend_hang_up();
	EXPECT(connects(2));
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(backend.queue[0].base, 2);
	EXPECT_EQ(backend.queue[1].base, 0);
	/* It is told what the first one noted. */
	EXPECT_EQ(backend.inflight_made, 1);
	EXPECT(inflight && backend.inflight_inode == inflight);
	EXPECT(!needs_reset());
	/* While nobody is there it may be stopped, started, and be given other vectors. */
	backend_leave();
	blk_reset();
	EXPECT(!blk_start());
	virtio_set_vector(&blk.device->queue[1], VIRTIO_MSI_NO_VECTOR);
	blk_offer(VIRTIO_BLK_T_IN, 0, 512, true);
	backend_listen();
	EXPECT_EQ(blk_wait(), VIRTIO_BLK_S_OK);
	EXPECT_EQ(backend.queue[0].base, 0);
	EXPECT_EQ(backend.queue[1].call_fd, -1);
	EXPECT_EQ(backend.inflight_made, 2);
	end();
}

/* Taken, and not done: known from the rings if nothing was done yet, and not else. */
static void in_flight(void)
{
	prepare();
	backend.protocol &= ~BIT_ULL(VU_PROTOCOL_INFLIGHT_SHMFD);
	EXPECT(create(8));
	EXPECT(!blk_start());
	backend.holds = true;
	blk_offer(VIRTIO_BLK_T_IN, 0, 512, true);
	while (!backend.queue[0].taken)
		usleep(1000);
	backend_leave();
	backend.holds = false;
	backend_listen();
	EXPECT_EQ(blk_wait(), VIRTIO_BLK_S_OK);
	EXPECT_EQ(backend.queue[0].base, 0);
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT(!needs_reset());

	backend.holds = true;
	blk_offer(VIRTIO_BLK_T_IN, 0, 512, true);
	while (backend.queue[0].taken != 3)
		usleep(1000);
	backend_hang_up();
	EXPECT(blk_needs_reset());
	blk_reset();
	backend.holds = false;
	EXPECT(!blk_start());
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	end();
}

/* It had done a request, and didn't come to interrupt for it. */
static void interrupt_lost(void)
{
	u16 *used;

	begin();
	used = blk_at(backend.queue[0].used - backend.memory.region[0].user_address);
	backend.mute = true;
	blk_offer(VIRTIO_BLK_T_IN, 0, 512, true);
	while (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != 1)
		usleep(1000);
	EXPECT(!blk_signalled(blk.signal_fd, 0));
	backend_hang_up();
	EXPECT(blk_signalled(blk.signal_fd, 10000));
	end();
}

/* The same with notes: its base is what was done, and the back-end knows the rest. */
static void in_flight_noted(void)
{
	begin();
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	backend.holds = true;
	blk_offer(VIRTIO_BLK_T_IN, 0, 512, true);
	while (backend.queue[0].taken != 2)
		usleep(1000);
	backend.holds = false;
	backend_hang_up();
	EXPECT_EQ(blk_wait(), VIRTIO_BLK_S_OK);
	EXPECT_EQ(backend.queue[0].base, 1);
	EXPECT(!needs_reset());
	end();
}

static void comes_back_otherwise(void)
{
	static const struct { u64 less, more; unsigned int queues; } bad[] = {
		{ BIT_ULL(VIRTIO_BLK_F_FLUSH), 0, 2 },
		{ BIT_ULL(VIRTIO_F_VERSION_1), 0, 2 },
		{ 0, BIT_ULL(VIRTIO_BLK_F_RO), 2 },
		{ 0, 0, 1 },
		{ 0, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
		backend_leave();
		backend.features = (backend.features & ~bad[i].less) | bad[i].more;
		backend.queues = bad[i].queues;
		backend_listen();
		EXPECT(blk_needs_reset());
		end();
	}
	/* More is fine. */
	begin();
	backend_leave();
	backend.features |= BIT_ULL(VIRTIO_BLK_F_DISCARD);
	backend.queues = 4;
	backend.capacity = 3000;
	backend_listen();
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	EXPECT(blk_signalled(blk.config_fd, 5000));
	EXPECT_EQ(capacity(), 3000);
	EXPECT(!needs_reset());
	end();
}

/* It does so each time that it is given the rings. */
static void hangs_up_always(void)
{
	begin();
	set_misbehaviour(VU_SET_VRING_ENABLE, HANG_UP);
	backend_hang_up();
	EXPECT(blk_needs_reset());
	EXPECT(backend.connections < 10);
	backend.misbehaviour = BEHAVE;
	blk_reset();
	EXPECT(!blk_start());
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	end();
}

static int count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void leaves_no_fds(void)
{
	int before = count_fds();
	unsigned int i;

	for (i = 0; i < 3; i++) {
		begin();
		EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
		backend_hang_up();
		EXPECT(connects(2));
		blk_reset();
		end();
		prepare();
		set_misbehaviour(VU_GET_CONFIG, i ? EXTRA_FDS : EXTRA_FD);
		EXPECT(!create(8));
		end();
	}
	EXPECT_EQ(count_fds(), before);
}

static const struct test_case cases[] = {
	TEST_CASE(opening), TEST_CASE(one_queue), TEST_CASE(starting), TEST_CASE(memory_above),
	TEST_CASE(vectors), TEST_CASE(broken_queue), TEST_CASE(useless),
	TEST_CASE(misbehaves_at_first), TEST_CASE(misbehaves_at_start),
	TEST_CASE(misbehaves_at_stop), TEST_CASE(misbehaves_at_vector), TEST_CASE(says_more),
	TEST_CASE(changed_config), TEST_CASE(wrong_config), TEST_CASE(idle_connection_lost),
	TEST_CASE(in_flight), TEST_CASE(interrupt_lost), TEST_CASE(in_flight_noted),
	TEST_CASE(comes_back_otherwise), TEST_CASE(hangs_up_always), TEST_CASE(leaves_no_fds),
};
TEST_SUITE(vhost_user_suite, "vhost_user", cases);
