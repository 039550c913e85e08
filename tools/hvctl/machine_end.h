/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_END_H
#define HVCTL_MACHINE_END_H

#include "types.h"

struct end_options {
	bool force;		/* as if the power were cut; else by its power button */
	u64 timeout;		/* seconds that the guest has for it */
};

/*
 * End the machine @name, which must run, and wait until its process is gone. One that doesn't
 * answer is killed, if forced. -1 with a sentence: it goes on, or perhaps ends later
 */
int machine_end(const char *name, const struct end_options *options);

#endif
