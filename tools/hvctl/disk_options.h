/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_DISK_OPTIONS_H
#define HVCTL_DISK_OPTIONS_H

#include "disk.h"

/*
 * Parse the value of --disk:
 * path=FILE[,readonly][,cache=none|writeback][,serial=TEXT][,iops=N][,bps=SIZE],
 * in any order; or vhost-user=SOCKET. No file is looked at. Returns -1 with a sentence.
 */
int disk_options_parse(struct disk_config *config, const char *text);

#endif
