/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of text, as wide as what is in them, or as there is room for. */
#ifndef HVCTL_TABLE_H
#define HVCTL_TABLE_H

#include <stdio.h>

#include "types.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *name;
	enum table_align align;
	unsigned int least;	/* it may be cut to so many characters; 0: only at the end */
};

struct table;

/* The array @column is there as long as the table. NULL if there is no memory. */
struct table *table_create(const struct table_column *column, unsigned int columns);
void table_destroy(struct table *table);

/* The next cell, in the order of reading. */
void table_add(struct table *table, const char *fmt, ...) __printf(2, 3);

/*
 * Print the names of columns, and the first @rows rows. No line is longer than @width, if that
 * isn't 0: columns that may be cut are, from the last one on, and at last the lines.
 */
void table_print(const struct table *table, FILE *out, size_t rows, unsigned int width);

/* All its rows */
#define TABLE_ALL	SIZE_MAX

#endif
