/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder of the host's that a machine shares. */
#ifndef HVCTL_SHARE_H
#define HVCTL_SHARE_H

#include <limits.h>

#include "types.h"

#define SHARE_TAG_MAX	36	/* bytes (virtio 1.2, 5.11.4) */

/* What the user asked for. */
struct share_config {
	char path[PATH_MAX];
	char tag[SHARE_TAG_MAX + 1];	/* what the guest mounts it by */
	bool readonly;
};

/*
 * Parse the value of --share: DIR[:TAG][,readonly]. TAG is DIR's last part by default; it
 * has no '/'. No file is looked at. Returns -1 with a sentence.
 */
int share_options_parse(struct share_config *config, const char *text);

#endif
