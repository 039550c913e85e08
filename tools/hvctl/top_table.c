// SPDX-License-Identifier: GPL-2.0-only
#include "top_table.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "size.h"
#include "table.h"

/* Of exits of one reason, less than one in a hundred isn't worth a word. */
#define REASON_WORTH	0.01

/* ---- rows ----------------------------------------------------------------------- */

static void free_row(struct top_row *row)
{
	free(row->name);
	machine_sample_free(&row->sample);
}

void top_table_free(struct top_table *table)
{
	while (table->count)
		free_row(&table->row[--table->count]);
	free(table->row);
	*table = (struct top_table){ 0 };
}

static struct top_row *find_row(const struct top_table *table, const char *name)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		if (!strcmp(table->row[i].name, name))
			return &table->row[i];
	}
	return NULL;
}

/* Takes what @was, which may be NULL, has of the machine, and what it said since. */
static int make_row(struct top_row *row, const struct surveyed *machine, struct top_row *was)
{
	struct machine_sample sample;

	row->name = strdup(machine->name);
	if (!row->name)
		return fail("out of memory");
	row->known = machine->fresh;
	if (machine->fresh && machine_sample_take(&sample, machine->result))
		return -1;
	if (was) {
		row->sample = was->sample;
		was->sample = (struct machine_sample){ 0 };
	}
	if (!machine->fresh)
		return 0;
	row->rated = was && machine_rates_between(&row->sample, &sample, &row->rates);
	machine_sample_free(&row->sample);
	row->sample = sample;
	return 0;
}

int top_table_take(struct top_table *table, const struct survey *survey)
{
	struct top_table new = { 0 };
	size_t i, count = survey_count(survey);
	int ret = 0;

	new.row = calloc(count + 1, sizeof(new.row[0]));
	if (!new.row)
		return fail("out of memory");
	for (i = 0; !ret && i < count; i++) {
		struct surveyed machine = survey_get(survey, i);

		ret = make_row(&new.row[new.count++], &machine, find_row(table, machine.name));
	}
	top_table_free(table);
	*table = new;
	return ret;
}

/* ---- order ---------------------------------------------------------------------- */

static double weight(const struct top_row *row, enum top_order order)
{
	if (!row->known)
		return -1;
	switch (order) {
	case TOP_CPU:
		return row->rates.cpu;
	case TOP_MEMORY:
		return row->sample.resident;
	case TOP_EXITS:
		return row->rates.exits;
	case TOP_IO:
		return row->rates.disk + row->rates.net;
	default:
		return 0;
	}
}

struct order {
	enum top_order by;
	bool reversed;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct top_row *row[] = { a, b };
	const struct order *order = arg;
	double first = weight(row[0], order->by), second = weight(row[1], order->by);
	int ret;

	if (row[0]->known != row[1]->known)
		return row[0]->known ? -1 : 1;
	ret = (first < second) - (first > second);
	if (!ret)
		ret = strcmp(row[0]->name, row[1]->name);
	return order->reversed ? -ret : ret;
}

void top_table_sort(struct top_table *table, enum top_order by, bool reversed)
{
	struct order order = { by, reversed };

	qsort_r(table->row, table->count, sizeof(table->row[0]), compare, &order);
}

/* ---- text ----------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "NAME", TABLE_LEFT, 8 },
	{ "STATE", TABLE_LEFT, 0 },
	{ "CPUS", TABLE_RIGHT, 0 },
	{ "%CPU", TABLE_RIGHT, 0 },
	{ "%GUEST", TABLE_RIGHT, 0 },
	{ "RSS", TABLE_RIGHT, 0 },
	{ "SIZE", TABLE_RIGHT, 0 },
	{ "EXITS/S", TABLE_RIGHT, 0 },
	{ "DISK/S", TABLE_RIGHT, 0 },
	{ "NET/S", TABLE_RIGHT, 0 },
	{ "REASONS", TABLE_LEFT, 10 },
};

static void add_short(struct table *t, bool known, double value, unsigned int step)
{
	char text[SHORT_LENGTH];

	table_add(t, "%s", known ? format_short(value, step, text) : "-");
}

static void add_percent(struct table *t, bool known, double value)
{
	if (known)
		table_add(t, "%.1f", value);
	else
		table_add(t, "-");
}

/* The most frequent first: "msr:61% hlt:30%" */
static void add_reasons(struct table *t, const struct top_row *row)
{
	double left[REASONS], all = 0;
	char text[REASONS * 16] = "";
	unsigned int i, most, used = 0;

	memcpy(left, row->rates.reason, sizeof(left));
	for (i = 0; i < REASONS; i++)
		all += left[i];
	for (;;) {
		for (most = 0, i = 1; i < REASONS; i++)
			most = left[i] > left[most] ? i : most;
		if (all <= 0 || left[most] < REASON_WORTH * all)
			break;
		used += snprintf(text + used, sizeof(text) - used, "%s%s:%.0f%%", used ? " " : "",
				 reason_name[most], 100 * left[most] / all);
		left[most] = -1;
	}
	table_add(t, "%s", text);
}

static void add_row(struct table *t, const struct top_row *row)
{
	const struct machine_sample *s = &row->sample;
	const struct machine_rates *r = &row->rates;

	table_add(t, "%s", row->name);
	table_add(t, "%s", row->known ? s->state : "unknown");
	if (row->known)
		table_add(t, "%u", s->vcpu_count);
	else
		table_add(t, "-");
	add_percent(t, row->rated, r->cpu);
	add_percent(t, row->rated, r->guest);
	add_short(t, row->known, s->resident, 1024);
	add_short(t, row->known, s->memory, 1024);
	add_short(t, row->rated, r->exits, 1000);
	add_short(t, row->rated, r->disk, 1024);
	add_short(t, row->rated, r->net, 1024);
	add_reasons(t, row);
}

void top_table_print(const struct top_table *table, FILE *out, size_t rows, unsigned int width)
{
	struct table *t = table_create(columns, ARRAY_SIZE(columns));
	size_t i;

	if (!t)
		return;
	for (i = 0; i < table->count && i < rows; i++)
		add_row(t, &table->row[i]);
	table_print(t, out, TABLE_ALL, width);
	table_destroy(t);
}

void top_table_sum(const struct top_table *table, FILE *out)
{
	char resident[SHORT_LENGTH], memory[SHORT_LENGTH], exits[SHORT_LENGTH];
	struct machine_sample s = { 0 };
	struct machine_rates r = { 0 };
	size_t i, silent = 0;

	for (i = 0; i < table->count; i++) {
		const struct top_row *row = &table->row[i];

		silent += !row->known;
		if (!row->known)
			continue;
		s.vcpu_count += row->sample.vcpu_count;
		s.resident += row->sample.resident;
		s.memory += row->sample.memory;
		r.cpu += row->rates.cpu;
		r.exits += row->rates.exits;
	}
	fprintf(out, "%zu machines", table->count);
	if (silent)
		fprintf(out, ", %zu silent", silent);
	fprintf(out, ", %u vCPUs, %.1f%% CPU, %s of %s, %s exits/s\n", s.vcpu_count, r.cpu,
		format_short(s.resident, 1024, resident), format_short(s.memory, 1024, memory),
		format_short(r.exits, 1000, exits));
}
