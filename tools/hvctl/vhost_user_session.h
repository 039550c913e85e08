/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to a vhost-user back-end: what it is asked and told, and that its answers
 * are what they should be. One thread at a time. All return -1 with a sentence, after
 * which the connection is of no more use.
 */
#ifndef HVCTL_VHOST_USER_SESSION_H
#define HVCTL_VHOST_USER_SESSION_H

#include <errno.h>

#include "error.h"
#include "vhost_user_message.h"
#include "virtio.h"

struct vu_session {
	const char *name;	/* what sentences call the back-end */
	unsigned int timeout_ms;	/* for all that is done up to the next vu_begin() */
	int fd;			/* -1: there is no connection */
	u64 features;		/* the back-end's */
	u64 protocol;		/* VU_PROTOCOL_*, that both know */
	unsigned int queues;	/* how many it can serve; 0: it doesn't say */
	int request_fd;		/* its own requests come here; or -1 */
	int failure;		/* 0, or errno of vu_receive(), or EPROTO: it misbehaved */

	u64 deadline;
	int cancel_fd;
};

/* No connection yet. @name must stay. */
void vu_session_init(struct vu_session *s, const char *name, unsigned int timeout_ms);

/* From now on the time runs, and @cancel_fd, if it isn't -1, ends what would wait. */
void vu_begin(struct vu_session *s, int cancel_fd);

/*
 * @fd is a new connection, the session's from here on. Learn what the back-end can; of
 * protocol features, @wanted are used.
 */
int vu_session_open(struct vu_session *s, int fd, u64 wanted);

void vu_session_close(struct vu_session *s);

/* Hang up, and wait until the back-end does so, too: when it has let go of all. */
void vu_session_finish(struct vu_session *s);

/* Have it be over, for a thread that waits for it, too; that may close it. */
void vu_session_abandon(struct vu_session *s);

/* The back-end hung up, or said something unasked. */
bool vu_session_is_over(struct vu_session *s);

static inline bool vu_has(const struct vu_session *s, enum vu_protocol_feature feature)
{
	return s->protocol & BIT_ULL(feature);
}

/* It misbehaved: keep the sentence, too. */
#define vu_misbehaved(s, ...)	({ (s)->failure = EPROTO; fail(__VA_ARGS__); })

/* The first @size bytes of the configuration space; VU_CONFIG_MAX at most. */
int vu_get_config(struct vu_session *s, void *data, unsigned int size);
int vu_set_config(struct vu_session *s, unsigned int offset, const void *data, unsigned int size);

int vu_set_features(struct vu_session *s, u64 features);
int vu_set_memory(struct vu_session *s, const struct guest_memory *mem);

/* What the back-end notes requests in that it works on; @inflight's fd is the caller's. */
int vu_get_inflight(struct vu_session *s, struct vu_inflight *inflight, int *fd);
int vu_set_inflight(struct vu_session *s, const struct vu_inflight *inflight, int fd);

/* Of a queue that runs. @base: chains taken so far; @error_fd is signalled if it breaks. */
int vu_start_queue(struct vu_session *s, const struct virtio_queue *q, u16 base, int error_fd);
int vu_set_call(struct vu_session *s, const struct virtio_queue *q);
int vu_stop_queue(struct vu_session *s, const struct virtio_queue *q);

/* All that it was told has reached it. */
int vu_confirm(struct vu_session *s);

/*
 * Take one of the back-end's own requests, and answer it. Returns 1 if the configuration
 * space changed, else 0; a back-end that makes no sense isn't listened to any more.
 */
int vu_serve_request(struct vu_session *s);

#endif
