// SPDX-License-Identifier: GPL-2.0-only
#include "vhost_user.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "thread.h"

struct vhost_user_times vhost_user_times = { .timeout_ms = 10000, .retry_ms = 1000 };

/* One that hangs up so often, each time within that time, isn't connected to again. */
#define LOSSES_MAX	5
#define LOSSES_MS	10000

/* In that time no back-end does 65536 requests, after which a ring looks as in the beginning. */
#define RECENT_MS	1000

/* ---- connections ----------------------------------------------------------------- */

static u64 wanted_protocol(const struct vhost_user *vu)
{
	u64 wanted = BIT_ULL(VU_PROTOCOL_MQ) | BIT_ULL(VU_PROTOCOL_REPLY_ACK);

	if (vu->ops->config_changed)
		wanted |= BIT_ULL(VU_PROTOCOL_CONFIG) | BIT_ULL(VU_PROTOCOL_BACKEND_REQ);
	if (vu->ops->reconnects)
		wanted |= BIT_ULL(VU_PROTOCOL_INFLIGHT_SHMFD);
	return wanted;
}

static void disconnect(struct vhost_user *vu)
{
	if (vu->session.fd < 0)
		return;
	vu_session_close(&vu->session);
	if (vu->ops->disconnected)
		vu->ops->disconnected(vu);
}

/* What the driver accepted, or may accept, must be there still. */
static int check_features(struct vhost_user *vu)
{
	if (vu->device && vu->device->offered & ~vu->session.features)
		return vu_misbehaved(&vu->session, "%s can do less than before; let it be as it was",
				     vu->session.name);
	return 0;
}

static int connect_to(struct vhost_user *vu)
{
	int fd;

	vu->session.failure = ECONNREFUSED;
	fd = vu->ops->connect(vu);
	if (fd < 0)
		return -1;
	if (!vu_session_open(&vu->session, fd, wanted_protocol(vu)) && !check_features(vu) &&
	    !vu->ops->check(vu))
		return 0;
	disconnect(vu);
	return -1;
}

int vhost_user_open(struct vhost_user *vu, const struct vhost_user_ops *ops, const char *name)
{
	vu->ops = ops;
	vu->device = NULL;
	vu->inflight_fd = -1;
	vu_session_init(&vu->session, name, vhost_user_times.timeout_ms);
	vu->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vu->error_fd < 0)
		return fail_errno("cannot create an eventfd");
	vu_begin(&vu->session, -1);
	if (connect_to(vu)) {
		close(vu->error_fd);
		return -1;
	}
	pthread_mutex_init(&vu->lock, NULL);
	return 0;
}

void vhost_user_close(struct vhost_user *vu)
{
	if (vu->session.fd >= 0) {
		vu_begin(&vu->session, -1);
		vu_session_finish(&vu->session);
	}
	disconnect(vu);
	pthread_mutex_destroy(&vu->lock);
	close(vu->error_fd);
}

void vhost_user_attach(struct vhost_user *vu, struct virtio_device *dev)
{
	unsigned int i;

	vu->device = dev;
	dev->offered &= vu->session.features;
	for (i = 0; i < dev->queue_count; i++)
		dev->queue[i].foreign = true;
}

/* ---- queues ---------------------------------------------------------------------- */

/* The first time the back-end makes it; later ones go on from there. */
static int set_inflight(struct vhost_user *vu)
{
	struct vu_session *s = &vu->session;

	if (!vu_has(s, VU_PROTOCOL_INFLIGHT_SHMFD))
		return 0;
	if (vu->inflight_fd < 0) {
		vu->inflight = (struct vu_inflight){
			.queues = vu->device->queue_count,
			.queue_size = vu->device->queue[0].size_max,
		};
		if (vu_get_inflight(s, &vu->inflight, &vu->inflight_fd))
			return -1;
	}
	return vu_set_inflight(s, &vu->inflight, vu->inflight_fd);
}

static void forget_inflight(struct vhost_user *vu)
{
	if (vu->inflight_fd >= 0)
		close(vu->inflight_fd);
	vu->inflight_fd = -1;
}

/* Modulo 65536, as the rings have it. */
static u16 requests_offered(const struct virtio_queue *q)
{
	return __atomic_load_n(&q->ring.vring.avail->idx, __ATOMIC_ACQUIRE);
}

static u16 requests_done(const struct virtio_queue *q)
{
	return __atomic_load_n(&q->ring.vring.used->idx, __ATOMIC_ACQUIRE);
}

static int start_queues(struct vhost_user *vu)
{
	struct virtio_device *dev = vu->device;
	bool again = vu->began;
	unsigned int i;

	vu->began = true;
	for (i = 0; i < dev->queue_count; i++) {
		struct virtio_queue *q = &dev->queue[i];

		if (!q->running)
			continue;
		vu->base[i] = again ? requests_done(q) : 0;
		if (vu_start_queue(&vu->session, q, vu->base[i], vu->error_fd))
			return -1;
		/* What nobody was there to be notified of, or to interrupt for */
		eventfd_write(q->kick_fd, 1);
		if (again)
			dev->signal(dev, q->vector);
	}
	return vu_confirm(&vu->session);
}

static int set_all(struct vhost_user *vu)
{
	struct vu_session *s = &vu->session;

	vu->connected_at = vu_deadline(0);
	return vu_set_features(s, vu->device->accepted) ||
	       vu_set_memory(s, vu->device->queue[0].ring.mem) ||
	       (vu->ops->prepare && vu->ops->prepare(vu)) ||
	       set_inflight(vu) || start_queues(vu) ? -1 : 0;
}

/* ---- the back-end goes, and comes back ---------------------------------------------- */

/*
 * Requests are done in any order, and what was offered before the last of a ring's size is
 * overwritten. So if the back-end didn't note which were in flight, that is known only when
 * there are none, or none was done yet.
 */
static bool knows_what_to_do(const struct vhost_user *vu)
{
	bool recent = vu_deadline(0) - vu->connected_at < RECENT_MS;
	const struct virtio_device *dev = vu->device;
	unsigned int i;

	for (i = 0; i < dev->queue_count; i++) {
		const struct virtio_queue *q = &dev->queue[i];

		if (q->running && requests_done(q) != requests_offered(q) &&
		    (requests_done(q) != vu->base[i] || !recent))
			return false;
	}
	return true;
}

/* To be asked when the connection is lost, not later. */
static bool can_wait(const struct vhost_user *vu)
{
	return vu->ops->reconnects &&
	       (!vu->began || vu->inflight_fd >= 0 || knows_what_to_do(vu));
}

static bool misbehaved(const struct vhost_user *vu)
{
	return vu->session.failure == EPROTO;
}

/* After fail() */
static void give_up(struct vhost_user *vu)
{
	say("%s. Its device stops until the guest resets it", fail_text());
	vu->given_up = true;
	virtio_needs_reset(vu->device);
}

/* Perhaps for what a driver has in its rings; it would do so for ever. */
static bool hangs_up_again(struct vhost_user *vu)
{
	if (vu_deadline(0) - vu->connected_at > LOSSES_MS)
		vu->losses = 0;
	return vu->losses++ == LOSSES_MAX;
}

/* After fail() */
static void connection_lost(struct vhost_user *vu)
{
	bool waits = can_wait(vu) && !misbehaved(vu) && !hangs_up_again(vu);

	disconnect(vu);
	if (vu->given_up)
		return;
	if (waits)
		say("%s. Its device waits until it is back", fail_text());
	else
		give_up(vu);
}

static void try_again(struct vhost_user *vu)
{
	vu_begin(&vu->session, vu->device->stop_fd);
	if (connect_to(vu)) {
		if (misbehaved(vu))
			give_up(vu);
	} else if (set_all(vu)) {
		if (vu->session.failure != ECANCELED)
			connection_lost(vu);
	} else {
		say("%s is back", vu->session.name);
	}
}

static void serve_request(struct vhost_user *vu)
{
	vu_begin(&vu->session, vu->device->stop_fd);
	if (vu_serve_request(&vu->session) && vu->session.fd >= 0)
		vu->ops->config_changed(vu);
}

static void look(struct vhost_user *vu, struct pollfd *fds)
{
	pthread_mutex_lock(&vu->lock);
	if (vu->session.fd < 0 && !vu->given_up)
		try_again(vu);
	else if (fds[2].revents && vu_session_is_over(&vu->session))
		connection_lost(vu);
	else if (fds[3].revents)
		serve_request(vu);
	pthread_mutex_unlock(&vu->lock);
}

static void *watch(void *arg)
{
	struct vhost_user *vu = arg;
	struct pollfd fds[] = {
		{ .fd = vu->error_fd, .events = POLLIN },
		{ .fd = vu->device->stop_fd, .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
	};
	bool waits;

	for (;;) {
		fds[2].fd = vu->session.fd;
		fds[3].fd = vu->session.request_fd;
		waits = vu->session.fd < 0 && !vu->given_up;
		if (poll(fds, ARRAY_SIZE(fds), waits ? (int)vhost_user_times.retry_ms : -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents) {
			virtio_needs_reset(vu->device);
			fds[0].fd = -1;
		}
		look(vu, fds);
	}
}

/* ---- start and stop --------------------------------------------------------------- */

static int start_watcher(struct vhost_user *vu)
{
	char name[16];

	snprintf(name, sizeof(name), "%s/vhost", vu->device->class->name);
	return thread_start(&vu->watcher, name, 0, watch, vu);
}

static int begin(struct vhost_user *vu)
{
	struct vu_session *s = &vu->session;

	vu_begin(s, -1);
	if (s->fd >= 0 && vu_session_is_over(s))
		disconnect(vu);
	if (s->fd < 0 && connect_to(vu))
		return -1;
	return set_all(vu);
}

int vhost_user_start(struct vhost_user *vu)
{
	eventfd_t count;
	int ret = 0;

	vu->began = false;
	vu->given_up = false;
	vu->losses = 0;
	eventfd_read(vu->error_fd, &count);
	pthread_mutex_lock(&vu->lock);
	if (begin(vu)) {
		disconnect(vu);
		if (!can_wait(vu) || misbehaved(vu) || vu->session.failure == ETIMEDOUT)
			ret = -1;
		say("%s. Its device %s", fail_text(), ret ? "does not start" : "waits until it is back");
	}
	if (!ret && start_watcher(vu))
		ret = -1;
	if (ret) {
		disconnect(vu);
		forget_inflight(vu);
	}
	pthread_mutex_unlock(&vu->lock);
	return ret;
}

/* A connection that failed, or was left in the midst of something, can only be ended. */
static void stop_queues(struct vhost_user *vu)
{
	struct virtio_device *dev = vu->device;
	struct vu_session *s = &vu->session;
	unsigned int i;

	vu_begin(s, -1);
	for (i = 0; i < dev->queue_count && !s->failure; i++) {
		if (dev->queue[i].running && vu_stop_queue(s, &dev->queue[i]))
			say("%s", fail_text());
	}
	vu_session_finish(s);
}

void vhost_user_stop(struct vhost_user *vu)
{
	eventfd_write(vu->device->stop_fd, 1);
	pthread_join(vu->watcher, NULL);
	pthread_mutex_lock(&vu->lock);
	if (vu->session.fd >= 0)
		stop_queues(vu);
	disconnect(vu);
	forget_inflight(vu);
	pthread_mutex_unlock(&vu->lock);
}

void vhost_user_set_call(struct vhost_user *vu, const struct virtio_queue *q)
{
	struct vu_session *s = &vu->session;

	pthread_mutex_lock(&vu->lock);
	vu_begin(s, -1);
	/* A back-end that comes back is told then; the watcher sees that this one is gone. */
	if (s->fd >= 0 && !vu->given_up && vu_set_call(s, q)) {
		if (s->failure != ECONNRESET)
			give_up(vu);
		vu_session_abandon(s);
	}
	pthread_mutex_unlock(&vu->lock);
}
