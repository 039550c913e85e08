/* SPDX-License-Identifier: GPL-2.0-only */
/* virtiofsd, the back-end that serves a folder; a process of hvctl's own for each. */
#ifndef HVCTL_VIRTIOFSD_H
#define HVCTL_VIRTIOFSD_H

#include <sys/types.h>

#include "share.h"

/*
 * Start one for @config, and connect to it. Returns the socket, which is non-blocking; the
 * process is in @pid, and ends when the socket is closed, by whatever. -1 with a sentence
 * if the folder isn't there, if no virtiofsd is installed, or if it can't be started.
 */
int virtiofsd_start(const struct share_config *config, pid_t *pid);

/* Wait until it has ended, as its socket is closed; one that doesn't is killed. */
void virtiofsd_end(pid_t pid, unsigned int timeout_ms);

#endif
