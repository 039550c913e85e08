/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of a machine that runs in the background: what its hvctl says, and what its guest
 * writes to the console. When it has LOG_MAX bytes, it becomes log.1, in place of an older one.
 */
#ifndef HVCTL_MACHINE_LOG_H
#define HVCTL_MACHINE_LOG_H

#include <limits.h>

#include "types.h"

#define LOG_MAX		MIB(1)

struct machine_log {
	int fd;
	char path[PATH_MAX];
	char old[PATH_MAX];
};

/* Open the log of the machine @name, which was created. -1 with a sentence */
int machine_log_open(struct machine_log *log, const char *name);
void machine_log_close(struct machine_log *log);

/* Have this process's standard output and error go to the log. */
void machine_log_redirect(const struct machine_log *log);

/* Append; what the disk has no room for is lost. */
void machine_log_write(struct machine_log *log, const void *data, size_t len);

#endif
