/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This process' terminal, at its standard input: in raw mode, where each key is input at once and
 * nothing is echoed, and back as it was, however the process ends, but by SIGKILL.
 */
#ifndef HVCTL_TERMINAL_H
#define HVCTL_TERMINAL_H

#include "types.h"

/* Is it a terminal, and ours to change? Only a foreground process' is. */
bool terminal_is_own(void);

/*
 * Have it given back at exit(), and when a signal that tells of an error ends the process.
 * @farewell, which may be NULL, is then written to standard output first. Once, after
 * terminal_is_own().
 */
void terminal_take(const char *farewell);

/* Raw, or as it was, with the farewell; any number of times. */
void terminal_set_raw(void);
void terminal_restore(void);

/* Its lines and columns, or 24 and 80 if it doesn't know. */
void terminal_size(unsigned int *lines, unsigned int *columns);

#endif
