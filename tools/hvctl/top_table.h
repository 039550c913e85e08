/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of "hvctl top": who does how much now. */
#ifndef HVCTL_TOP_TABLE_H
#define HVCTL_TOP_TABLE_H

#include <stdio.h>

#include "machine_sample.h"
#include "survey.h"

enum top_order { TOP_CPU, TOP_MEMORY, TOP_EXITS, TOP_IO, TOP_NAME, TOP_ORDERS };

struct top_row {
	char *name;
	bool known;		/* it answered in the last round, and @sample is what it said */
	bool rated;		/* @rates are of the time between its last two answers */
	struct machine_sample sample;
	struct machine_rates rates;
};

/* All zeros: nobody was asked yet. */
struct top_table {
	struct top_row *row;
	size_t count;
};

/* What machines said in a round. Returns -1 with a sentence if there is no memory. */
int top_table_take(struct top_table *table, const struct survey *survey);
void top_table_free(struct top_table *table);

/* Most first, but for names, or the other way round; those that nothing is known of are last. */
void top_table_sort(struct top_table *table, enum top_order order, bool reversed);

/* The first @rows rows, in lines of up to @width characters; 0: as long as they are. */
void top_table_print(const struct top_table *table, FILE *out, size_t rows, unsigned int width);

/* A line of what they do together */
void top_table_sum(const struct top_table *table, FILE *out);

#endif
