/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who looks at the console of a machine that runs in the background: clients of a unix stream
 * socket, who get what was written last, and then all that comes, and whose input is the
 * guest's; and the machine's log. The guest waits for none of them: there is one buffer, and
 * who is slower than that misses something.
 */
#ifndef HVCTL_CONSOLE_VIEWERS_H
#define HVCTL_CONSOLE_VIEWERS_H

#include <sys/un.h>

#include "machine_log.h"
#include "types.h"

#define VIEWERS_MAX		16	/* more are hung up on */
#define VIEWERS_BUFFER		KIB(64)

struct console_viewers;

/*
 * Listen at @address, where nothing is, for the machine's owner and root alone. @log, which may
 * be NULL, outlives this. NULL with a sentence. One thread has this, and all but
 * console_viewers_put().
 */
struct console_viewers *console_viewers_create(const struct sockaddr_un *address,
					       struct machine_log *log);

/* Clients are hung up on, after what they can take at once. The socket's file stays. */
void console_viewers_destroy(struct console_viewers *v);

/* What to poll for reading: when it is readable, console_viewers_serve() has something to do. */
int console_viewers_fd(const struct console_viewers *v);

/* The guest's output, from any thread. Never waits. */
void console_viewers_put(struct console_viewers *v, const u8 *data, size_t len);

/*
 * Take new clients, and pass output on, as far as that goes without waiting. Returns the
 * number of bytes of their input that came to @input, where there is room for @room.
 */
size_t console_viewers_serve(struct console_viewers *v, u8 *input, size_t room);

#endif
