/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversations with a guest's agent, qemu-guest-agent or what speaks its protocol, at the
 * unix stream socket of its port. The port is one client's at a time, and others wait for it:
 * so nobody keeps a conversation for longer than what he has to say at once.
 *
 * What the guest says may be anything. It is limited in size, depth and time, and a text of
 * its that gets into a sentence has no control characters.
 */
#ifndef HVCTL_AGENT_CLIENT_H
#define HVCTL_AGENT_CLIENT_H

#include <json-c/json.h>

#include "types.h"
#include "clock.h"

/* How long to wait for one's turn, and for the agent, unless something else is known. */
#define AGENT_SECONDS	10

/* The most that most replies may have, in bytes */
#define AGENT_REPLY_MAX	KIB(64)

struct agent {
	const char *path;	/* of the socket */
	int cancel_fd;		/* when it is readable, everything here fails; -1: none */
	bool timed_out;		/* why the last one failed: nobody answered */
	bool refused;		/* or the agent did, for reasons of its own */
	/* The conversation */
	int fd;			/* -1: there is none */
	char *text;		/* what came and isn't taken yet */
	size_t used, size;	/* of @text, in bytes */
	u64 deadline;		/* of what is done now; see clock_ms() */
	u64 patience;		/* by which each AGENT_REPLY_MAX bytes move it, in ms */
	size_t moved;		/* bytes since then */
};

#define AGENT(socket_path)	{ .path = (socket_path), .cancel_fd = -1, .fd = -1 }

/*
 * Begin a conversation: wait up to @seconds for one's turn, and for the agent. -1 with a
 * sentence, and there is none then. What the agent says to others, or said before, is skipped.
 */
int agent_open(struct agent *agent, unsigned int seconds);

/* End it, if there is one. */
void agent_close(struct agent *agent);

/*
 * Have the agent do @command. @arguments, which may be NULL, is given up. It has @seconds,
 * and as many again for each AGENT_REPLY_MAX bytes that came or went, for a reply of up to
 * @most bytes. Returns 0 and in @result, unless that is NULL, what it returned, which
 * json_object_put() frees; or -1 with a sentence, which may be the agent's. The conversation
 * is over then, unless it was.
 */
int agent_call(struct agent *agent, const char *command, struct json_object *arguments,
	       size_t most, unsigned int seconds, struct json_object **result);

/* The whole of one: does an agent at @path answer within @seconds? -1 with a sentence */
int agent_ping(const char *path, unsigned int seconds);

/* The integer that is @object's @key, from @min to @max; -1 without a sentence if it isn't. */
int agent_number(struct json_object *object, const char *key, s64 min, s64 max, s64 *number);

/*
 * Connect to the socket of a machine's port at @path, which may be longer than a socket's
 * address, without waiting. Returns it, non-blocking, or -1 with a sentence and errno: EAGAIN
 * if as many wait there as may.
 */
int agent_dial(const char *path);

/* Copy what is fit to be printed of @text into @clean, of @size bytes. Returns @clean. */
char *agent_clean(const char *text, char *clean, size_t size);

#endif
