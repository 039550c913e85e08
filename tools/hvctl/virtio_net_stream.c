// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_net_stream.h"

#include <linux/sockios.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "error.h"
#include "frame_stream.h"
#include "rate_gate.h"
#include "virtio_net_config.h"

#define HEADER		sizeof(struct virtio_net_hdr_v1)
#define FEATURES	(NET_CONFIG_FEATURES | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF))

/* From a peer's end to the next one's start, and between looks whether that is ready */
#define RESTART_MS	1000
#define LOOK_MS		50
/* At first, somebody waits for it. */
#define FIRST_LOOK_US	50
#define LAST_LOOK_US	10000
#define FIRST_WAIT_US	10000000

/* Of one serve(), after which its thread looks whether it should end */
#define FRAMES_AT_ONCE	256

/* Which nobody answers: IEEE Std 802, for experiments */
#define HELLO_PROTOCOL	0x88b5

/* The thread of the queue that the guest receives by; it looks after the peer, too. */
struct receiver {
	int epoll_fd;		/* the timer and the socket */
	bool reading;		/* what the socket has is wanted; its end always is */
	struct frame_reader reader;
	struct rate_gate gate;	/* for the frame that is first in @reader */
	/* A frame that is partly in the guest's buffers. */
	struct virtq_done held[NET_QUEUE_SIZE];
	unsigned int held_count;
	u32 given;		/* bytes of the frame */
	struct virtq_chain first;	/* of @held: where the header is */
	struct virtq_chain next;
};

/* The thread of the queue that it sends by. */
struct sender {
	int epoll_fd;		/* the socket, until it has room */
	bool waiting;		/* for room, or for @gate */
	bool pending;		/* @chain has a frame that has to be sent */
	struct virtq_chain chain;
	struct rate_gate gate;	/* for that frame */
};

struct net_stream {
	struct virtio_device virtio;
	struct virtio_net_settings settings;
	struct net_peer *peer;
	int timer_fd;		/* when to look after the peer */
	/*
	 * The socket, -1 if the peer is gone, is the receiver's to use and to change; the
	 * lock keeps it as it is while the sender uses it, and what is left of its last frame.
	 */
	pthread_mutex_t lock;
	int fd;
	struct frame_writer writer;
	struct receiver receiver;
	struct sender sender;
	struct net_counters counters;
};

static struct net_stream *stream_of(struct virtio_device *dev)
{
	return (struct net_stream *)dev;
}

/* ---- the peer -------------------------------------------------------------------- */

static void set_timer(struct net_stream *net, unsigned int ms)
{
	const struct itimerspec in = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L },
	};

	timerfd_settime(net->timer_fd, 0, &in, NULL);
}

/* Also tells the peer the guest's address. That it is gone already shows later. */
static void send_hello(struct net_stream *net)
{
	struct ethhdr hello = { .h_proto = __builtin_bswap16(HELLO_PROTOCOL) };
	u8 padding[ETH_ZLEN - sizeof(hello)] = { 0 };
	struct iovec iov[] = { { 0 }, { &hello, sizeof(hello) }, { padding, sizeof(padding) } };

	memset(hello.h_dest, 0xff, sizeof(hello.h_dest));
	memcpy(hello.h_source, net->settings.mac, sizeof(hello.h_source));
	frame_write(&net->writer, net->fd, iov, ARRAY_SIZE(iov), ETH_ZLEN);
}

static void disconnect(struct net_stream *net)
{
	pthread_mutex_lock(&net->lock);
	epoll_ctl(net->sender.epoll_fd, EPOLL_CTL_DEL, net->fd, NULL);
	epoll_ctl(net->receiver.epoll_fd, EPOLL_CTL_DEL, net->fd, NULL);
	close(net->fd);
	net->fd = -1;
	net->settings.link_up = false;
	pthread_mutex_unlock(&net->lock);
	net->receiver.reader.start = 0;
	net->receiver.reader.end = 0;
	rate_gate_next(&net->receiver.gate);
}

/* Nobody else uses the socket, or the writer, before the link is up. */
static int connect_peer(struct net_stream *net)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = net->peer->start(net->peer);

	if (fd < 0)
		return -1;
	epoll_ctl(net->receiver.epoll_fd, EPOLL_CTL_ADD, fd, &event);
	net->receiver.reading = true;
	net->writer.start = 0;
	net->writer.end = 0;
	pthread_mutex_lock(&net->lock);
	net->fd = fd;
	pthread_mutex_unlock(&net->lock);
	send_hello(net);
	return 0;
}

/* Within that time, of less than a second */
static bool hangs_up(const struct net_stream *net, unsigned int us)
{
	struct timespec timeout = { .tv_nsec = us * 1000L };
	struct pollfd fd = { .fd = net->fd };

	return ppoll(&fd, 1, &timeout, NULL) > 0;
}

/* It has taken the first frame; that of one that died is gone, too. */
static bool is_ready(const struct net_stream *net)
{
	int unread;

	return !ioctl(net->fd, SIOCOUTQ, &unread) && !unread && !hangs_up(net, 0);
}

/* ---- what the guest receives ----------------------------------------------------- */

static void put_back(struct virtio_queue *q, struct receiver *rx)
{
	virtq_unpop(&q->ring, rx->held, rx->held_count);
	rx->held_count = 0;
	rx->given = 0;
}

/* What is in the next of the guest's buffers, which is in @chain */
static void fill(struct virtio_queue *q, struct receiver *rx, const struct virtq_chain *chain,
		 const u8 *frame, u32 len)
{
	u32 header = rx->held_count ? 0 : HEADER, n;

	/* 5.1.6.3.1: also of those that have none, each has room for a header. */
	if (chain->in_bytes < HEADER)
		q->ring.broken = true;
	n = virtq_write(chain, header, frame + rx->given, len - rx->given);
	rx->held[rx->held_count++] = (struct virtq_done){ chain->head, header + n };
	rx->given += n;
}

static void give_back(struct virtio_queue *q, struct receiver *rx)
{
	const struct virtio_net_hdr_v1 header = { .num_buffers = rx->held_count };

	virtq_write(&rx->first, 0, &header, sizeof(header));
	virtq_push_all(&q->ring, rx->held, rx->held_count);
	rx->held_count = 0;
	rx->given = 0;
}

/* A frame is in one buffer, or in several that the guest gets at once (5.1.6.4). */
static unsigned int buffers_max(const struct virtio_queue *q)
{
	return q->device->accepted & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) ? q->ring.size : 1;
}

/*
 * Returns false if the frame has to wait for buffers. One that is too large for those that
 * the guest can give is dropped.
 */
static bool give(struct virtio_queue *q, const u8 *frame, u32 len)
{
	struct net_stream *net = stream_of(q->device);
	struct receiver *rx = &net->receiver;

	while (rx->given < len) {
		struct virtq_chain *chain = rx->held_count ? &rx->next : &rx->first;

		if (rx->held_count == buffers_max(q)) {
			put_back(q, rx);
			net_dropped(&net->counters, NET_RECEIVE);
			return true;
		}
		if (virtq_pop(&q->ring, chain) <= 0)
			return false;
		fill(q, rx, chain, frame, len);
		if (q->ring.broken)
			return false;
	}
	net_passed(&net->counters, NET_RECEIVE, len);
	give_back(q, rx);
	return true;
}

/* The sender drops what it has: that nobody waits for a peer that may never come. */
static void peer_ended(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	bool was_up = net->settings.link_up;

	disconnect(net);
	put_back(q, &net->receiver);
	set_timer(net, RESTART_MS);
	eventfd_write(q->device->queue[NET_SEND].kick_fd, 1);
	if (!was_up)
		return;
	say("--net: %s ended. The guest's link is down until it is back", net->peer->name);
	virtio_config_changed(q->device);
}

static void look_after_peer(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	u64 count;

	if (read(net->timer_fd, &count, sizeof(count)) != sizeof(count) || net->settings.link_up)
		return;
	if (net->fd < 0) {
		set_timer(net, connect_peer(net) ? RESTART_MS : LOOK_MS);
	} else if (is_ready(net)) {
		net->settings.link_up = true;
		say("--net: %s is back", net->peer->name);
		virtio_config_changed(q->device);
	} else {
		set_timer(net, LOOK_MS);
	}
}

enum outcome {
	DRY,			/* no frames */
	STARVED,		/* no buffers, or the queue is broken */
	LIMITED,		/* a frame that may not go yet */
	BUSY,			/* perhaps more of both */
};

/* The first frame, if it is one, goes to the guest. BUSY: it is done with. */
static enum outcome pass(struct virtio_queue *q, const u8 *frame, u32 len)
{
	struct receiver *rx = &stream_of(q->device)->receiver;

	if (len >= FRAME_MIN) {
		if (!rate_gate_may_pass(&rx->gate, len))
			return LIMITED;
		if (!give(q, frame, len))
			return STARVED;
	}
	rate_gate_next(&rx->gate);
	frame_take(&rx->reader);
	return BUSY;
}

static enum outcome receive(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	struct receiver *rx = &net->receiver;
	unsigned int left = FRAMES_AT_ONCE;
	enum frame_result result;
	enum outcome outcome;
	const u8 *frame;
	u32 len;

	while (net->fd >= 0 && left--) {
		result = frame_next(&rx->reader, &frame, &len);
		if (result == FRAME_DONE) {
			outcome = pass(q, frame, len);
			if (outcome != BUSY)
				return outcome;
			continue;
		}
		/* One interrupt for all that was read at once */
		virtio_interrupt(q);
		if (result == FRAME_LATER)
			result = frame_read(&rx->reader, net->fd);
		if (result == FRAME_LATER)
			return DRY;
		if (result == FRAME_ENDED)
			peer_ended(q);
	}
	return net->fd >= 0 ? BUSY : DRY;
}

/*
 * A socket that nobody would read says no more than that its other end is gone; it fills, and
 * the peer waits, too.
 */
static void set_reading(struct net_stream *net, bool reading)
{
	struct epoll_event event = { .events = reading ? EPOLLIN : 0 };

	if (net->fd < 0 || net->receiver.reading == reading)
		return;
	epoll_ctl(net->receiver.epoll_fd, EPOLL_CTL_MOD, net->fd, &event);
	net->receiver.reading = reading;
}

/* Buffers that come while there are no frames are nothing to be told of. */
static void serve_receiver(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	enum outcome outcome;
	bool waits;

	look_after_peer(q);
	virtq_disable_notify(&q->ring);
	outcome = receive(q);
	virtio_interrupt(q);
	if (outcome == STARVED && virtq_enable_notify(&q->ring))
		outcome = BUSY;
	waits = outcome == STARVED || outcome == LIMITED;
	set_reading(net, !waits);
	if (waits && hangs_up(net, 0))
		peer_ended(q);
	if (outcome == BUSY)
		eventfd_write(q->kick_fd, 1);
}

/* ---- what it sends --------------------------------------------------------------- */

/* The thread is called again when there is room. */
static void wait_for_room(struct net_stream *net)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT };
	int fd = net->sender.epoll_fd;

	if (epoll_ctl(fd, EPOLL_CTL_MOD, net->fd, &event))
		epoll_ctl(fd, EPOLL_CTL_ADD, net->fd, &event);
	net->sender.waiting = true;
}

/* The frame's length, or 0 if it isn't one that can be sent. */
static u32 frame_length(const struct virtq_chain *chain)
{
	struct virtio_net_hdr_v1 header;

	if (chain->out_bytes < HEADER + FRAME_MIN || chain->out_bytes > HEADER + FRAME_MAX)
		return 0;
	virtq_read(chain, 0, &header, sizeof(header));
	/* 5.1.6.2: what wasn't negotiated isn't asked for. */
	if (header.flags || header.gso_type)
		return 0;
	return chain->out_bytes - HEADER;
}

/* What can't be sent, or to nobody, is dropped: this returns false for the others alone. */
static bool send_chain(struct net_stream *net, const struct virtq_chain *chain)
{
	struct iovec iov[1 + VIRTQ_IOV_MAX];
	u32 len = frame_length(chain);
	unsigned int pieces;

	if (!len || !net->settings.link_up) {
		net_dropped(&net->counters, NET_SEND);
		return true;
	}
	if (!rate_gate_may_pass(&net->sender.gate, len)) {
		net->sender.waiting = true;
		return false;
	}
	pieces = virtq_slice(iov + 1, chain->iov, chain->out_count, HEADER, len);
	switch (frame_write(&net->writer, net->fd, iov, 1 + pieces, len)) {
	case FRAME_LATER:
		wait_for_room(net);
		return false;
	case FRAME_ENDED:
		net_dropped(&net->counters, NET_SEND);
		return true;
	default:
		net_passed(&net->counters, NET_SEND, len);
		return true;
	}
}

/* Returns false if the guest has no more frames, or one that has to wait. */
static bool send_next(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	struct sender *tx = &net->sender;

	if (net->settings.link_up && frame_flush(&net->writer, net->fd) == FRAME_LATER) {
		wait_for_room(net);
		return false;
	}
	if (!tx->pending && virtq_pop(&q->ring, &tx->chain) <= 0)
		return false;
	tx->pending = !send_chain(net, &tx->chain);
	if (tx->pending)
		return false;
	rate_gate_next(&tx->gate);
	virtq_push(&q->ring, tx->chain.head, 0);
	return true;
}

static void serve_sender(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);
	unsigned int left = FRAMES_AT_ONCE;

	pthread_mutex_lock(&net->lock);
	net->sender.waiting = false;
	virtq_disable_notify(&q->ring);
	while (left && send_next(q))
		left--;
	pthread_mutex_unlock(&net->lock);
	virtio_interrupt(q);
	if (net->sender.waiting)
		return;
	if (!left || virtq_enable_notify(&q->ring))
		eventfd_write(q->kick_fd, 1);
}

/* ---- the device ------------------------------------------------------------------ */

/* Frames that a driver before this one left unfinished are forgotten, but for begun ones. */
static int start_queue(struct virtio_queue *q)
{
	struct net_stream *net = stream_of(q->device);

	if (q->index == NET_SEND) {
		net->sender.pending = false;
		rate_gate_next(&net->sender.gate);
		return net->sender.epoll_fd;
	}
	net->receiver.held_count = 0;
	net->receiver.given = 0;
	return net->receiver.epoll_fd;
}

static void serve(struct virtio_queue *q)
{
	if (q->index == NET_SEND)
		serve_sender(q);
	else
		serve_receiver(q);
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	virtio_net_read_config(&stream_of(dev)->settings, offset, data, size);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* All but what virtio_init() made */
static void free_stream(struct net_stream *net)
{
	close_fd(net->fd);
	net->peer->destroy(net->peer);
	close_fd(net->timer_fd);
	rate_gate_destroy(&net->receiver.gate);
	rate_gate_destroy(&net->sender.gate);
	close_fd(net->receiver.epoll_fd);
	close_fd(net->sender.epoll_fd);
	pthread_mutex_destroy(&net->lock);
	free(net);
}

static void destroy(struct virtio_device *dev)
{
	virtio_destroy(dev);
	free_stream(stream_of(dev));
}

void virtio_net_stream_count(struct virtio_device *dev, struct net_counts *counts)
{
	net_count(&stream_of(dev)->counters, counts);
}

static const struct virtio_class virtio_net_stream_class = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.pci_class = NET_PCI_CLASS,
	.config_size = NET_CONFIG_SIZE,
	.read_config = read_config,
	.start_queue = start_queue,
	.serve = serve,
	.destroy = destroy,
};

/* ---- creation -------------------------------------------------------------------- */

/* Better told to the user now than to the guest */
static int wait_for_peer(struct net_stream *net)
{
	unsigned int waited, us = FIRST_LOOK_US;

	for (waited = 0; waited < FIRST_WAIT_US; waited += us) {
		if (is_ready(net)) {
			net->settings.link_up = true;
			return 0;
		}
		us = min_u64(2 * us, LAST_LOOK_US);
		if (hangs_up(net, us)) {
			net->peer->tell_end(net->peer);
			return -1;
		}
	}
	return fail("--net: %s does nothing for %u seconds; is it the right one?",
		    net->peer->name, FIRST_WAIT_US / 1000000);
}

static int open_fds(struct net_stream *net)
{
	struct epoll_event event = { .events = EPOLLIN };

	net->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	net->receiver.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	net->sender.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (net->timer_fd < 0 || net->receiver.epoll_fd < 0 || net->sender.epoll_fd < 0 ||
	    epoll_ctl(net->receiver.epoll_fd, EPOLL_CTL_ADD, net->timer_fd, &event))
		return fail_errno("cannot wait for the network");
	return rate_gate_open(&net->receiver.gate, net->receiver.epoll_fd) ||
	       rate_gate_open(&net->sender.gate, net->sender.epoll_fd) ? -1 : 0;
}

static struct net_stream *allocate(struct net_peer *peer, u64 bps)
{
	struct net_stream *net = calloc(1, sizeof(*net));

	if (!net) {
		fail("out of memory");
		return NULL;
	}
	net->peer = peer;
	net->settings.mtu = NET_STREAM_MTU;
	net->fd = -1;
	net->timer_fd = -1;
	net->receiver.epoll_fd = -1;
	net->sender.epoll_fd = -1;
	rate_gate_init(&net->receiver.gate, bps);
	rate_gate_init(&net->sender.gate, bps);
	pthread_mutex_init(&net->lock, NULL);
	return net;
}

struct virtio_device *virtio_net_stream_create(const struct net_config *config,
					       struct net_peer *peer,
					       const struct guest_memory *mem)
{
	struct net_stream *net;

	if (!peer)
		return NULL;
	net = allocate(peer, config->bps);
	if (!net) {
		peer->destroy(peer);
		return NULL;
	}
	if (virtio_net_choose_mac(&net->settings, config) || open_fds(net) ||
	    connect_peer(net) || wait_for_peer(net) ||
	    virtio_init(&net->virtio, &virtio_net_stream_class, FEATURES, NET_QUEUES,
			NET_QUEUE_SIZE, mem)) {
		free_stream(net);
		return NULL;
	}
	return &net->virtio;
}
