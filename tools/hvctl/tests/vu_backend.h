/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vhost-user back-end of a drive, in a thread of the test's: checks what hvctl sends, has
 * all requests succeed without doing anything, and misbehaves where it is told to.
 */
#ifndef HVCTL_VU_BACKEND_H
#define HVCTL_VU_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>

#include "vhost_user_message.h"

#define BACKEND_QUEUES	4
#define BACKEND_LOG_MAX	256

enum misbehaviour {
	BEHAVE,
	HANG_UP,
	BE_SILENT,
	CUT_HEADER,		/* and hang up */
	CUT_PAYLOAD,		/* the same */
	SAY_SHORT,		/* of the payload */
	SAY_LONG,
	SAY_HUGE,
	OTHER_REQUEST,
	NO_REPLY_FLAG,
	OTHER_VERSION,
	EXTRA_FD,
	EXTRA_FDS,		/* more than any message has */
	MISBEHAVIOURS,
	REFUSE = MISBEHAVIOURS,	/* only where it acknowledges */
	NO_FD,			/* only where there should be one */
	SAY_MORE,		/* another reply that nobody asked for */
};

struct backend_queue {
	u32 size, base;
	u64 desc, avail, used;	/* the front-end's addresses */
	int kick_fd, call_fd, error_fd;	/* or -1 */
	bool enabled;
	u16 taken;
};

struct backend {
	/* The test's, to be set while nobody is connected. */
	u64 features, protocol, capacity;
	unsigned int queues;
	enum misbehaviour misbehaviour;
	u32 at;			/* the request at which it does so */
	atomic_bool holds;	/* takes requests, and doesn't finish them */
	atomic_bool mute;	/* finishes them, and doesn't interrupt */

	/* What happened. */
	atomic_uint connections;
	atomic_uint log_count;
	u32 log[BACKEND_LOG_MAX];	/* requests, 0 for each connection */
	u64 accepted, accepted_protocol;
	struct vu_memory memory;
	u8 *mapped[VU_REGIONS_MAX];
	struct backend_queue queue[BACKEND_QUEUES];
	int request_fd;		/* its own requests go there, or -1 */
	u64 inflight_inode;	/* of the file that it was told last */
	unsigned int inflight_made;
	int wce;		/* -1: not set */

	/* Its own. */
	char folder[32], path[64];
	int listener, stop_fd, fd;
	pthread_t thread;
};

extern struct backend backend;

/* Before there is a thread: one that can do all, for drives of 2 queues. */
void backend_init(void);
void backend_listen(void);
/* It goes away with all its connections, and comes back by backend_listen(). */
void backend_leave(void);
void backend_end(void);

/* The connection was lost or used up; waits for the next one. */
void backend_hang_up(void);

/* The log from entry @from on begins so. */
bool backend_did(unsigned int from, const u32 *requests, unsigned int count);

#endif
