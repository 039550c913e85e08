/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of several tables in one, so that one command line may have them all. */
#ifndef HVCTL_OPTION_TABLE_H
#define HVCTL_OPTION_TABLE_H

#include <getopt.h>

#define OPTION_TABLE_MAX	96

struct option_table {
	struct option option[OPTION_TABLE_MAX + 1];	/* an empty one ends */
	unsigned int count;
};

/*
 * Add those of @options, up to an empty one, that @table hasn't by their name. They get other
 * values, but for OPT_HELP and its like.
 */
void option_table_add(struct option_table *table, const struct option *options);

/* The option for which getopt_long() returned @value; it is in the table. */
const struct option *option_table_find(const struct option_table *table, int value);

/* The one of that name; NULL: there is none. Of any list that an empty one ends. */
const struct option *option_find(const struct option *options, const char *name);

#endif
