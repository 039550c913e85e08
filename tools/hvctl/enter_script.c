// SPDX-License-Identifier: GPL-2.0-only
#include "enter_script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "guest_command.h"

#define TERMINAL_MAX	63	/* characters of TERM */

/*
 * $1 is the port, $2 the token, $3 what runs on the terminal.
 *
 * A port is one process' at a time, and its last user may only just be hung up on. Each end
 * of the pipe that ends takes the other along, and the whole process group, which is the
 * script's own: cat(1) when the client has left; script(1) with the shell. script(1), which
 * blocks other signals, passes SIGTERM on; where it waits for somebody to read, it has to be
 * killed. Either way the terminal is hung up. What script(1) says is for the agent's log.
 */
static const char outer[] =
"case $1 in\n"
"/*) port=$1 ;;\n"
"*)\n"
"	for p in /sys/class/virtio-ports/*; do\n"
"		[ \"$(cat \"$p/name\" 2>/dev/null)\" != \"$1\" ] || port=/dev/${p##*/}\n"
"	done ;;\n"
"esac\n"
"[ -c \"$port\" ] || exit 71\n"
"session() {\n"
"	ran=1\n"
"	{ trap '' HUP; cat <&3; exec 3<&-; trap '' TERM; kill -TERM 0; sleep 1; kill -KILL 0; } | {\n"
"		if command -v script >/dev/null; then\n"
"			script -qfc \"$3\" /dev/null >&3 2>&4 3>&- 4>&-\n"
"		else\n"
"			sh -c \"$3\" >&3 2>&3 3>&- 4>&-\n"
"		fi\n"
"		printf '\\036%s:end\\036' \"$2\" >&3\n"
"		kill -TERM 0\n"
"	}\n"
"}\n"
"n=0 ran=\n"
"while [ $n -lt 50 ]; do\n"
"	session \"$1\" \"$2\" \"$3\" 4>&2 2>/dev/null 3<>\"$port\"\n"
"	[ -z \"$ran\" ] || exit 0\n"
"	sleep 0.1\n"
"	n=$((n + 1))\n"
"done\n"
"exit 72\n";

/*
 * On the terminal: it knows its size, says that it is there, and how it ended. Interrupts are
 * for the command alone.
 */
static const char inner[] =
"trap : INT QUIT\n"
"t=$(tty) || t=\n"
"[ -z \"$t\" ] || stty sane %s 2>/dev/null\n"
"TERM=%s HOME=${HOME:-/root}\n"
"export TERM HOME\n"
"cd \"$HOME\" 2>/dev/null || cd /\n"
"printf '\\036%s:tty%%s\\036' \"${t:+ $t}\"\n"
"%s\n"
"printf '\\036%s:end %%s\\036' $?\n";

/* It is part of a script. */
static const char *check_terminal(const char *terminal)
{
	const char *p = terminal;

	if (!p)
		return "dumb";
	while (isalnum((unsigned char)*p) || (*p && strchr("-_.+", *p)))
		p++;
	return *p || p == terminal || p - terminal > TERMINAL_MAX ? "dumb" : terminal;
}

/* A login shell, in a guest with su(1); without a terminal it would say nothing. */
static char *make_shell(const char *user)
{
	char *text;

	if (asprintf(&text,
		     "if [ -z \"$t\" ]; then sh -i +m\n"
		     "elif command -v su >/dev/null; then su -l %s\n"
		     "else sh -l\n"
		     "fi", user ? user : "root") < 0) {
		fail("out of memory");
		return NULL;
	}
	return text;
}

static char *make_inner(const struct enter_command *command)
{
	char *run = command->argv ? guest_command_quote(command->argv) :
				    make_shell(command->user);
	char size[32] = "", *text = NULL;

	if (!run)
		return NULL;
	if (command->rows && command->columns)
		snprintf(size, sizeof(size), "rows %u cols %u", command->rows, command->columns);
	if (asprintf(&text, inner, size, check_terminal(command->terminal), command->token, run,
		     command->token) < 0) {
		fail("out of memory");
		text = NULL;
	}
	free(run);
	return text;
}

int enter_script_make(const struct enter_command *command, const char *argv[ENTER_ARGV_MAX],
		      char **text)
{
	const char *all[ENTER_ARGV_MAX] = {
		"setsid", "sh", "-c", outer, "hvctl-enter", command->port, command->token,
	};

	*text = make_inner(command);
	if (!*text)
		return -1;
	all[7] = *text;
	memcpy(argv, all, sizeof(all));
	return 0;
}
