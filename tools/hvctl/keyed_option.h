/* SPDX-License-Identifier: GPL-2.0-only */
/* Options whose value is a list: KEY=VALUE,KEY,... */
#ifndef HVCTL_KEYED_OPTION_H
#define HVCTL_KEYED_OPTION_H

#include "types.h"

struct option_key {
	const char *name;
	const char *example;	/* its value as users are told it, NULL if it has none */
	/* Returns -1 with a sentence. @value is NULL if there is none. */
	int (*parse)(void *config, const char *value);
};

struct keyed_option {
	const char *name;	/* "--disk" */
	const char *hint;	/* for who gives a key that there isn't */
	const struct option_key *keys;
	unsigned int count;	/* 32 at most */
};

/*
 * Call parse() of each key in @text with @config, in the order in which they are given,
 * each at most once. Returns -1 with a sentence.
 */
int keyed_option_parse(const struct keyed_option *option, void *config, const char *text);

#endif
