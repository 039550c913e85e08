// SPDX-License-Identifier: GPL-2.0-only
#include "option_table.h"

#include <assert.h>
#include <string.h>

#include "verb_options.h"

#define FIRST	0x10000		/* beyond those of any table */

const struct option *option_find(const struct option *options, const char *name)
{
	for (; options->name; options++) {
		if (!strcmp(options->name, name))
			return options;
	}
	return NULL;
}

void option_table_add(struct option_table *table, const struct option *options)
{
	for (; options->name; options++) {
		struct option *option = &table->option[table->count];

		if (option_find(table->option, options->name))
			continue;
		assert(table->count < OPTION_TABLE_MAX);
		*option = *options;
		if (option->val >= OPT_FIRST)
			option->val = FIRST + table->count;
		table->count++;
	}
}

const struct option *option_table_find(const struct option_table *table, int value)
{
	return &table->option[value - FIRST];
}
