/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables for people, with columns as wide as what is in them, and of which the user may choose
 * some by name. What isn't printable is shown as '?'.
 */
#ifndef HVCTL_TABLE_H
#define HVCTL_TABLE_H

#include <stdio.h>

#include "types.h"

#define TABLE_COLUMNS_MAX	32

struct table_column {
	const char *name;	/* in lower case; its head is in upper case */
	bool right;		/* aligned so, as numbers are */
};

struct table {
	const struct table_column *columns;
	unsigned int count;
	/* Those that are shown, in order */
	unsigned int shown[TABLE_COLUMNS_MAX];
	unsigned int shown_count;
	char **cells;		/* @count for each row */
	size_t rows;
};

/* An empty one of @count columns, of which none is shown yet. */
void table_init(struct table *t, const struct table_column *columns, unsigned int count);
void table_destroy(struct table *t);

/*
 * Show the columns that @list names, "name,state", in its order. @option says where the list
 * was given. -1 with a sentence: there is no such column, or it's there twice
 */
int table_show(struct table *t, const char *option, const char *list);

bool table_shows(const struct table *t, const char *name);

/* Add a row of copies of @cells, of which there are as many as columns; "" is shown as "-". */
void table_add(struct table *t, const char * const *cells);

/* Print the heads and all rows; lines have no blanks at their ends. */
void table_print(const struct table *t, FILE *file);

#endif
