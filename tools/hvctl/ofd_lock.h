/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks on bytes of a file that belong to the open file, not to the process: who forks shares
 * them with its child, and they go when the last of these closes it, or is killed.
 */
#ifndef HVCTL_OFD_LOCK_H
#define HVCTL_OFD_LOCK_H

#include <sys/types.h>

#include "types.h"

/* Lock @byte of @fd for this open file alone, when it can be had. -1 with errno. */
int ofd_lock(int fd, off_t byte);

/* The same, but -1 with EAGAIN if another has it. */
int ofd_try_lock(int fd, off_t byte);

void ofd_unlock(int fd, off_t byte);

/* Has another one @byte? */
bool ofd_is_locked(int fd, off_t byte);

#endif
