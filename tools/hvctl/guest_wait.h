/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_GUEST_WAIT_H
#define HVCTL_GUEST_WAIT_H

#include "types.h"

/*
 * Wait until the guest agent of the machine @name, which runs, answers, up to @seconds. -1 with
 * a sentence: it didn't, or the machine has no port for one, or ended
 */
int guest_wait(const char *name, u64 seconds);

#endif
