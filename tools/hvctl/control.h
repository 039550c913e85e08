/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine's control socket: a unix stream socket for the machine's owner and root, on
 * which each line is one JSON text (docs/control.md). Who connects is greeted; then each
 * request gets its reply, in order.
 */
#ifndef HVCTL_CONTROL_H
#define HVCTL_CONTROL_H

#include <json-c/json.h>
#include <sys/un.h>

#include "types.h"

/* Counts up when something changes that a client of the last one can't know. */
#define CONTROL_VERSION		1

#define CONTROL_LINE_MAX	KIB(64)	/* a request's; a reply may be longer */

struct control;

/* What a control_handler returns that calls control_reply() when it is done. */
#define CONTROL_LATER		1

/* A request that is replied to later. */
typedef u64 control_ticket;

/*
 * Do what @command says, with @arguments, an object or NULL. Returns 0 and in @result what is
 * to be replied, which may stay NULL; or -1 with a sentence; or CONTROL_LATER, having kept
 * control_current().
 */
typedef int (*control_handler)(void *opaque, const char *command, struct json_object *arguments,
			       struct json_object **result);

/*
 * Listen at @address, where nothing is, for the machine @name. NULL with a sentence. One
 * thread has this and all that follows.
 */
struct control *control_create(const struct sockaddr_un *address, const char *name,
			       control_handler handler, void *opaque);

/* Clients are disconnected. The socket's file stays, as its folder is somebody else's. */
void control_destroy(struct control *control);

/* What to poll for reading: when it is readable, control_serve() has something to do. */
int control_fd(const struct control *control);

/* Take new clients, and handle the requests that are there. Never waits. */
void control_serve(struct control *control);

/* For a handler: the request that it handles. */
control_ticket control_current(const struct control *control);

/*
 * Reply to a request whose handler returned CONTROL_LATER: @result, which is given up and may
 * be NULL, or if @ret is below 0 the sentence that fail() keeps. Not from within a handler.
 * The client's next requests waited for this; one that is gone by now gets nothing.
 */
void control_reply(struct control *control, control_ticket ticket, int ret,
		   struct json_object *result);

#endif
