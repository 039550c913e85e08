/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hvctl enter has a guest do: give a shell, or a command, a terminal that is joined to a
 * port. By the port it tells of itself in marks among the output (enter_filter.h):
 *
 *	tty PATH	it begins, and its terminal is that; "tty" alone: it has none, as the
 *			guest lacks script(1)
 *	end STATUS	it has ended; "end" alone: nobody knows how
 */
#ifndef HVCTL_ENTER_SCRIPT_H
#define HVCTL_ENTER_SCRIPT_H

#include "types.h"

#define ENTER_TOKEN_SIZE	33	/* bytes of a token, with its end: hexadecimal digits */
#define ENTER_MARK		0x1e	/* RS: begins and ends a mark */

/* What the script returns where it can't begin. */
enum {
	ENTER_NO_PORT = 71,
	ENTER_PORT_BUSY = 72,
};

struct enter_command {
	const char *port;		/* its name in the guest, or the path of a device */
	char token[ENTER_TOKEN_SIZE];	/* random, so that marks are none of the output's */
	u16 rows, columns;		/* of the terminal; 0: not known */
	const char *terminal;		/* TERM; NULL or not fit to be one: "dumb" */
	const char *user;		/* whose shell it is */
	const char * const *argv;	/* the command, which ends with NULL; or NULL: a shell */
};

#define ENTER_ARGV_MAX	12

/*
 * Make what the agent is to run, which ends with NULL. *@text, which free() takes, is what it
 * points to besides @command's. -1 with a sentence
 */
int enter_script_make(const struct enter_command *command, const char *argv[ENTER_ARGV_MAX],
		      char **text);

#endif
