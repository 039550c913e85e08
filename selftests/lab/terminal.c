// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's terminal, joined to a pseudo-terminal that the emulator takes for
 * the emulated host's second serial line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "relay.h"

#define ESCAPE	0x1c	/* Ctrl-\ */

static int master = -1;
static bool saved;
static struct termios termios_saved;

int terminal_open(char *device, size_t size)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, device, size))
		return -1;
	/* Held open: without a slave's user the master reads EIO. */
	if (open(device, O_RDWR | O_NOCTTY | O_CLOEXEC) < 0)
		return -1;
	return master;
}

void terminal_raw(void)
{
	struct termios raw;

	if (tcgetattr(0, &termios_saved))
		return;
	saved = true;
	raw = termios_saved;
	cfmakeraw(&raw);
	tcsetattr(0, TCSADRAIN, &raw);
}

void terminal_restore(void)
{
	if (saved)
		tcsetattr(0, TCSADRAIN, &termios_saved);
}

/* Returns false when the user asks to end the lab: Ctrl-\ and then q. */
bool terminal_from_user(void)
{
	static bool escaped;
	char buffer[256], out[2 * sizeof(buffer)];
	ssize_t length = read(0, buffer, sizeof(buffer));
	size_t used = 0;

	if (length <= 0)
		return length < 0 && errno == EINTR;
	for (ssize_t i = 0; i < length; i++) {
		if (escaped && buffer[i] == 'q')
			return false;
		if (escaped)
			out[used++] = ESCAPE;
		escaped = !escaped && buffer[i] == ESCAPE;
		if (!escaped)
			out[used++] = buffer[i];
	}
	write_all(master, out, used);
	return true;
}

bool terminal_from_host(void)
{
	char buffer[4096];
	ssize_t length = read(master, buffer, sizeof(buffer));

	if (length > 0)
		write_all(1, buffer, length);
	return length > 0 || (length < 0 && errno == EINTR);
}
