/* SPDX-License-Identifier: GPL-2.0-only */
/* hvctl top: the table, again and again. */
#ifndef HVCTL_TOP_H
#define HVCTL_TOP_H

#include "types.h"

struct top_options {
	unsigned int interval_ms;
	u64 rounds;		/* tables; 0: without end */
	bool batch;		/* one after the other, for scripts */
};

/* Until the user, a signal or the number of tables ends it. Returns -1 with a sentence. */
int top_batch(const struct top_options *options);
int top_live(const struct top_options *options);

#endif
