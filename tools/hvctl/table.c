// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

void table_init(struct table *t, const struct table_column *columns, unsigned int count)
{
	*t = (struct table){ .columns = columns, .count = count };
}

void table_destroy(struct table *t)
{
	size_t i;

	for (i = 0; i < t->rows * t->count; i++)
		free(t->cells[i]);
	free(t->cells);
}

/* ---- columns -------------------------------------------------------------------- */

bool table_shows(const struct table *t, const char *name)
{
	unsigned int i;

	for (i = 0; i < t->shown_count; i++) {
		if (!strcmp(t->columns[t->shown[i]].name, name))
			return true;
	}
	return false;
}

static int fail_unknown(const struct table *t, const char *option, const char *name)
{
	char list[256] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < t->count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? "," : "",
				 t->columns[i].name);
	return fail("%s: there is no column '%.40s'; there are %s", option, name, list);
}

static int show_one(struct table *t, const char *option, const char *name)
{
	unsigned int i;

	for (i = 0; i < t->count && strcasecmp(t->columns[i].name, name); i++)
		;
	if (i == t->count)
		return fail_unknown(t, option, name);
	if (table_shows(t, t->columns[i].name) || t->shown_count == TABLE_COLUMNS_MAX)
		return fail("%s: the column '%s' is given twice", option, name);
	t->shown[t->shown_count++] = i;
	return 0;
}

int table_show(struct table *t, const char *option, const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	int ret = copy ? 0 : fail("out of memory");

	while (!ret && (name = strsep(&rest, ",")))
		ret = show_one(t, option, name);
	free(copy);
	return ret;
}

/* ---- rows ----------------------------------------------------------------------- */

/* Neither control characters, nor the rest of a terminal's, pass. */
static char *printable(const char *text)
{
	char *copy = strdup(*text ? text : "-"), *at;

	for (at = copy; at && *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return copy;
}

void table_add(struct table *t, const char * const *cells)
{
	char **larger = realloc(t->cells, (t->rows + 1) * t->count * sizeof(*larger));
	unsigned int i;

	if (!larger)
		return;
	t->cells = larger;
	for (i = 0; i < t->count; i++)
		t->cells[t->rows * t->count + i] = printable(cells[i]);
	t->rows++;
}

static const char *cell(const struct table *t, size_t row, unsigned int column)
{
	const char *text = t->cells[row * t->count + column];

	return text ? text : "";
}

/* In characters, of UTF-8. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void measure(const struct table *t, size_t widths[static TABLE_COLUMNS_MAX])
{
	unsigned int i;
	size_t row;

	for (i = 0; i < t->shown_count; i++) {
		widths[i] = strlen(t->columns[t->shown[i]].name);
		for (row = 0; row < t->rows; row++)
			widths[i] = max_u64(widths[i], width_of(cell(t, row, t->shown[i])));
	}
}

static void print_cell(const struct table *t, FILE *file, const size_t *widths, unsigned int i,
		       const char *text)
{
	int blanks = widths[i] - width_of(text);
	bool right = t->columns[t->shown[i]].right, last = i + 1 == t->shown_count;

	fprintf(file, "%*s%s%*s%s", right ? blanks : 0, "", text,
		right || last ? 0 : blanks, "", last ? "\n" : " ");
}

static void print_heads(const struct table *t, FILE *file, const size_t *widths)
{
	char head[64];
	unsigned int i, n;

	for (i = 0; i < t->shown_count; i++) {
		const char *name = t->columns[t->shown[i]].name;

		for (n = 0; name[n] && n < sizeof(head) - 1; n++)
			head[n] = toupper((unsigned char)name[n]);
		head[n] = '\0';
		print_cell(t, file, widths, i, head);
	}
}

void table_print(const struct table *t, FILE *file)
{
	size_t row, widths[TABLE_COLUMNS_MAX];
	unsigned int i;

	measure(t, widths);
	print_heads(t, file, widths);
	for (row = 0; row < t->rows; row++) {
		for (i = 0; i < t->shown_count; i++)
			print_cell(t, file, widths, i, cell(t, row, t->shown[i]));
	}
}
