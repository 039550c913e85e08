// SPDX-License-Identifier: GPL-2.0-only
#include "column_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static int fail_unknown(const char * const *names, unsigned int count, const char *option,
			const char *name)
{
	char list[256] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? "," : "", names[i]);
	return fail("%s: there is no column '%.40s'; there are %s", option, name, list);
}

static int choose(struct column_choice *choice, const char * const *names, unsigned int count,
		  const char *option, const char *name)
{
	unsigned int i, n;

	for (n = 0; n < count && strcasecmp(names[n], name); n++)
		;
	if (n == count)
		return fail_unknown(names, count, option, name);
	for (i = 0; i < choice->count; i++) {
		if (choice->column[i] == n)
			return fail("%s: the column '%s' is given twice", option, name);
	}
	choice->column[choice->count++] = n;
	return 0;
}

int column_choice_parse(struct column_choice *choice, const char * const *names,
			unsigned int count, const char *option, const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	int ret = copy ? 0 : fail("out of memory");

	choice->count = 0;
	while (!ret && (name = strsep(&rest, ",")))
		ret = choose(choice, names, count, option, name);
	free(copy);
	return ret;
}
