/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One command at a time has a machine's name: those that create, start, change what is saved
 * of, and destroy a machine wait for each other. The lock is a byte of one file, by the name's
 * hash, so it costs the same however many machines there are, and leaves nothing behind.
 */
#ifndef HVCTL_MACHINE_LOCK_H
#define HVCTL_MACHINE_LOCK_H

#include "types.h"

/*
 * Wait for it. Returns an fd that holds it as long as it is open, here or in a child; or -1
 * with a sentence, as this user has no folder for machines that run.
 */
int machine_lock(const char *name);

#endif
