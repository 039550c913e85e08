// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX	24

struct table {
	const struct table_column *column;
	unsigned int columns;
	char **cell;
	size_t cells, room;
};

struct table *table_create(const struct table_column *column, unsigned int columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t) {
		t->column = column;
		t->columns = min_u64(columns, COLUMNS_MAX);
	}
	return t;
}

void table_destroy(struct table *t)
{
	if (!t)
		return;
	while (t->cells)
		free(t->cell[--t->cells]);
	free(t->cell);
	free(t);
}

/* A file's name may have new lines in it, or what a terminal takes for orders. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == '\177')
			*text = '?';
	}
}

/* A cell that there is no memory for is empty, one without a place isn't there. */
void table_add(struct table *t, const char *fmt, ...)
{
	va_list args;

	if (t->cells == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		char **cell = realloc(t->cell, room * sizeof(*cell));

		if (!cell)
			return;
		t->cell = cell;
		t->room = room;
	}
	va_start(args, fmt);
	if (vasprintf(&t->cell[t->cells], fmt, args) < 0)
		t->cell[t->cells] = NULL;
	else
		make_printable(t->cell[t->cells]);
	va_end(args);
	t->cells++;
}

static const char *cell_at(const struct table *t, size_t row, unsigned int column)
{
	size_t i = row * t->columns + column;

	return i < t->cells && t->cell[i] ? t->cell[i] : "";
}

/* Shortens columns until a line has @width characters, as far as they may be. */
static void fit(const struct table *t, unsigned int *widths, unsigned int width)
{
	unsigned int i, total = t->columns - 1;

	for (i = 0; i < t->columns; i++)
		total += widths[i];
	while (i-- && total > width) {
		unsigned int least = t->column[i].least, cut;

		if (!least || widths[i] <= least)
			continue;
		cut = min_u64(widths[i] - least, total - width);
		widths[i] -= cut;
		total -= cut;
	}
}

/*
 * Of text that is too long for its column, words that fit are shown; of a single one, what does,
 * with a mark.
 */
static unsigned int shown(const char *text, unsigned int width, bool *marked)
{
	unsigned int len = strlen(text);

	*marked = false;
	if (len <= width)
		return len;
	for (len = width; len && text[len] != ' '; len--)
		;
	if (len)
		return len;
	*marked = true;
	return width ? width - 1 : 0;
}

/* A line on its way. Blanks wait for what comes after them. */
struct line {
	FILE *out;
	unsigned int left;	/* characters that there is room for */
	unsigned int blanks;
};

static void put(struct line *line, const char *text, unsigned int len)
{
	if (!len)
		return;
	if (line->blanks >= line->left) {
		line->left = 0;
		return;
	}
	len = min_u64(len, line->left - line->blanks);
	line->left -= line->blanks + len;
	fprintf(line->out, "%*s%.*s", (int)line->blanks, "", (int)len, text);
	line->blanks = 0;
}

static void put_cell(struct line *line, const char *text, unsigned int width,
		     enum table_align align)
{
	bool marked;
	unsigned int len = shown(text, width, &marked);
	unsigned int blanks = width - len - marked;

	if (align == TABLE_RIGHT)
		line->blanks += blanks;
	put(line, text, len);
	put(line, "~", marked);
	if (align == TABLE_LEFT)
		line->blanks += blanks;
	line->blanks++;
}

static void put_row(const struct table *t, FILE *out, const char * const *cell,
		    const unsigned int *widths, unsigned int width)
{
	struct line line = { .out = out, .left = width ? width : UINT32_MAX };
	unsigned int i;

	for (i = 0; i < t->columns; i++)
		put_cell(&line, cell[i], widths[i], t->column[i].align);
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out, size_t rows, unsigned int width)
{
	unsigned int widths[COLUMNS_MAX], i;
	const char *cell[COLUMNS_MAX];
	size_t row;

	rows = min_u64(rows, (t->cells + t->columns - 1) / t->columns);
	for (i = 0; i < t->columns; i++) {
		widths[i] = strlen(t->column[i].name);
		for (row = 0; row < rows; row++)
			widths[i] = max_u64(widths[i], strlen(cell_at(t, row, i)));
		cell[i] = t->column[i].name;
	}
	if (width)
		fit(t, widths, width);
	put_row(t, out, cell, widths, width);
	for (row = 0; row < rows; row++) {
		for (i = 0; i < t->columns; i++)
			cell[i] = cell_at(t, row, i);
		put_row(t, out, cell, widths, width);
	}
}
