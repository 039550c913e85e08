/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_COLUMN_CHOICE_H
#define HVCTL_COLUMN_CHOICE_H

#include "types.h"

#define COLUMNS_MAX	24

/* Some of the columns that there are, by their numbers and in an order of their own. */
struct column_choice {
	unsigned int column[COLUMNS_MAX];
	unsigned int count;
};

/*
 * Choose those of @names, of which there are @count, that @list names: "name,state", in either
 * case. @option says where the list was given. -1 with a sentence: there is no such column,
 * or it's there twice
 */
int column_choice_parse(struct column_choice *choice, const char * const *names,
			unsigned int count, const char *option, const char *list);

#endif
