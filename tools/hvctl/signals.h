/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals that are read where the main thread waits anyway. */
#ifndef HVCTL_SIGNALS_H
#define HVCTL_SIGNALS_H

#include <signal.h>

/*
 * A signalfd, which never blocks, of the @count signals in @numbers: they are blocked in this
 * thread and in those that it starts from here on. @old, if it isn't NULL, gets the mask as it
 * was. SIGHUP and SIGINT aren't taken if they are ignored: who started hvctl by nohup(1), or
 * in a script's background, wants it so (POSIX, Shell Command Language, "Signals and Error
 * Handling"). Returns -1 with a sentence, and the mask as it was.
 */
int signals_open(const int *numbers, unsigned int count, sigset_t *old);

#endif
