/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a console of the guest's ends, its serial port or the console device's: this
 * terminal, a file, those who look at it (console_viewers.h), or nowhere.
 * Output is collected, and written when the main thread comes around or the
 * buffer is full: a system call per character would dwarf the guest's own work.
 */
#ifndef HVCTL_CONSOLE_H
#define HVCTL_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "types.h"

#define CONSOLE_BUFFER	4096	/* not above PIPE_BUF, so that poll() tells if it fits */
#define CONSOLE_INPUT	256

struct console_viewers;

struct console {
	struct console_viewers *viewers;	/* NULL: none */
	int in_fd;		/* -1: no input, or its end was seen */
	int out_fd;		/* -1: none */
	bool raw;		/* the terminal is in raw mode */
	bool escaped;		/* Ctrl-] was typed, and what follows counts */
	bool detaches;		/* Ctrl-] d quits, too */
	bool tells_end;		/* the guest is told of the end of input as a terminal's */

	/* What the guest has not taken yet; the main thread's own. */
	u8 input[CONSOLE_INPUT];
	unsigned int input_used;
	bool was_full;		/* viewers' input had to wait */

	atomic_bool waiting;	/* for slow readers */
	pthread_mutex_t lock;
	u8 buffer[CONSOLE_BUFFER];
	unsigned int used;
	bool active;		/* the main thread comes by to flush */
	bool starved;		/* console_write() could not take everything */
};

/*
 * @where: "stdio", "none", or the file to write to, which is replaced. @option is who says
 * so, for the sentence.
 */
int console_open(struct console *c, const char *option, const char *where);

/* @viewers, who outlive it, have the console. */
void console_open_viewers(struct console *c, struct console_viewers *viewers);

/* What to poll for reading, if it has viewers: then console_serve() has something to do. */
int console_viewers_poll(const struct console *c);

/*
 * Pass on to the viewers what was flushed, and their input to @input; @ready: something was
 * flushed, or what is polled is readable.
 */
void console_serve(struct console *c, bool ready);

/* Is there more of the viewers' input that fits now? */
bool console_has_input_room(const struct console *c);

/* Flush, and give the terminal back as it was. */
void console_close(struct console *c);

/*
 * Put a byte into the buffer. Returns true if the main thread has to be woken
 * to flush it.
 */
bool console_put(struct console *c, u8 byte);

/*
 * Put some of @len bytes into the buffer, as many as fit without waiting for a slow reader.
 * Returns how many; sets *@wake if the main thread has to be woken.
 */
unsigned int console_write(struct console *c, const u8 *data, unsigned int len, bool *wake);

/* Is there room for what console_write() did not take? True once each time. */
bool console_has_room(struct console *c);

/*
 * Write out what there is, as far as that goes without waiting. Returns false
 * if there was nothing, and the main thread may then rest until console_put()
 * calls for it.
 */
bool console_flush(struct console *c);

/* May console_put() wait for a slow reader? It does, at first. */
void console_set_waiting(struct console *c, bool waiting);

/*
 * Is in_fd to be polled? A terminal always, because Ctrl-] q must work with a
 * guest that reads nothing; a pipe or file only when its last bytes are taken.
 */
bool console_wants_input(const struct console *c);

/*
 * Read into @input what can be read. Returns -1 if the user wants to quit:
 * Ctrl-] q. Ctrl-] twice types one.
 */
int console_read(struct console *c);

/* The guest took the first @count bytes of @input. */
void console_consume(struct console *c, unsigned int count);

/* Add what was typed to @input, as console_read() does. */
int console_filter(struct console *c, const u8 *typed, unsigned int len);

/* Raw mode off and on again, to be stopped by job control in between. */
void console_suspend(struct console *c);
void console_resume(struct console *c);

#endif
