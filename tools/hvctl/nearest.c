// SPDX-License-Identifier: GPL-2.0-only
#include "nearest.h"

#include <string.h>

#include "types.h"

#define LENGTH_MAX	64

/* Levenshtein's distance, a row of its table at a time; @b has up to LENGTH_MAX letters. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LENGTH_MAX + 1], len = strlen(b), i, j;

	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (j = 0; j < len; j++) {
			size_t changed = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = min_u64(changed, min_u64(diagonal, row[j]) + 1);
		}
	}
	return row[len];
}

const char *nearest_name(const char *name, char * const *names)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	for (; *names; names++) {
		size_t far, len = strlen(*names);

		if (len > LENGTH_MAX)
			continue;
		far = distance(name, *names);
		if (far < least && far <= (len + 2) / 3) {
			nearest = *names;
			least = far;
		}
	}
	return nearest;
}
