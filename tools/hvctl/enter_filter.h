/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest's terminal shows, and the marks in it (enter_script.h). */
#ifndef HVCTL_ENTER_FILTER_H
#define HVCTL_ENTER_FILTER_H

#include "enter_script.h"

/* The longest text of a mark, of which there is no longer one */
#define ENTER_TEXT_MAX	64

/* What may be held back, as it could become a mark: its begin, token, colon and text */
#define ENTER_HELD_MAX	(ENTER_TOKEN_SIZE + 1 + ENTER_TEXT_MAX)

struct enter_filter {
	char prefix[ENTER_TOKEN_SIZE + 1];	/* how marks begin; not a string */
	char held[ENTER_HELD_MAX];
	unsigned int held_count;
	bool started;
	char tty[ENTER_TEXT_MAX];	/* its path in the guest; "": it has none */
	bool ended;
	int status;			/* then; -1: not known */
};

void enter_filter_init(struct enter_filter *filter, const char token[static ENTER_TOKEN_SIZE]);

/*
 * Pass @len bytes through. Those that are to be shown are put into @out, which has room for
 * ENTER_HELD_MAX bytes more than that; returns how many. What comes before the start is
 * somebody else's, and after the end there is nothing.
 */
size_t enter_filter_pass(struct enter_filter *filter, const char *in, size_t len, char *out);

#endif
