// SPDX-License-Identifier: GPL-2.0-only
/* The table of "hvctl top", on made-up machines. */
#include "top_table.h"

#include <stdlib.h>

#include "test.h"

static struct top_row row[4];
static const struct top_table table = { row, ARRAY_SIZE(row) };

static void make(void)
{
	row[0] = (struct top_row){
		.name = "db", .known = true, .rated = true,
		.sample = { .state = "running", .vcpu_count = 4, .memory = GIB(4),
			    .resident = MIB(1200) },
		.rates = { .cpu = 12.34, .guest = 10, .exits = 12345, .disk = MIB(3), .net = 5,
			   .reason = { [REASON_HLT] = 100, [REASON_MSR] = 300, [REASON_IO] = 3 } },
	};
	row[1] = (struct top_row){
		.name = "a-machine-with-a-long-name", .known = true, .rated = true,
		.sample = { .state = "paused", .vcpu_count = 1, .memory = MIB(256),
			    .resident = MIB(100) },
		.rates = { .cpu = 99.96, .exits = 7, .net = GIB(1),
			   .reason = { [REASON_IO] = 7 } },
	};
	row[2] = (struct top_row){ .name = "dead", .sample = { .state = "running" } };
	row[3] = (struct top_row){
		.name = "new", .known = true,
		.sample = { .state = "running", .vcpu_count = 2, .memory = MIB(512),
			    .resident = MIB(300) },
	};
}

static char *text_of_table(size_t rows, unsigned int width)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	top_table_print(&table, out, rows, width);
	fclose(out);
	return text;
}

static void prints(void)
{
	char *text;

	make();
	text = text_of_table(SIZE_MAX, 0);
	EXPECT(!strcmp(text,
		"NAME                       STATE   CPUS  %CPU %GUEST  RSS SIZE EXITS/S DISK/S NET/S REASONS\n"
		"db                         running    4  12.3   10.0 1.1G 4.0G     12K   3.0M     5 msr:74% hlt:25%\n"
		"a-machine-with-a-long-name paused     1 100.0    0.0 100M 256M       7      0  1.0G io:100%\n"
		"dead                       unknown    -     -      -    -    -       -      -     -\n"
		"new                        running    2     -      - 300M 512M       -      -     -\n"));
	free(text);
}

/* A terminal of 80 columns, and one that is too small */
static void fits(void)
{
	static const unsigned int widths[] = { 80, 40, 1 };
	unsigned int i;
	char *text, *line;

	make();
	text = text_of_table(2, 80);
	EXPECT(!strcmp(text,
		"NAME         STATE   CPUS  %CPU %GUEST  RSS SIZE EXITS/S DISK/S NET/S REASONS\n"
		"db           running    4  12.3   10.0 1.1G 4.0G     12K   3.0M     5 msr:74%\n"
		"a-machine-w~ paused     1 100.0    0.0 100M 256M       7      0  1.0G io:100%\n"));
	free(text);
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		text = text_of_table(SIZE_MAX, widths[i]);
		for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			EXPECT(strlen(line) <= widths[i]);
		free(text);
	}
}

static void order(enum top_order by, bool reversed, const char *expected)
{
	char names[5] = "";
	unsigned int i;

	make();
	top_table_sort((struct top_table *)&table, by, reversed);
	for (i = 0; i < 4; i++)
		names[i] = row[i].name[0] == 'd' && row[i].name[1] == 'e' ? '-' : row[i].name[0];
	EXPECT(!strcmp(names, expected));
}

static void sorts(void)
{
	order(TOP_CPU, false, "adn-");
	order(TOP_CPU, true, "nda-");
	order(TOP_MEMORY, false, "dna-");
	order(TOP_EXITS, false, "dan-");
	order(TOP_IO, false, "adn-");
	order(TOP_NAME, false, "adn-");
	order(TOP_NAME, true, "nda-");
}

static void sums(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	make();
	top_table_sum(&table, out);
	fclose(out);
	EXPECT(!strcmp(text, "4 machines, 1 silent, 7 vCPUs, 112.3% CPU, 1.5G of 4.7G, 12K exits/s\n"));
	free(text);
}

static const struct test_case cases[] = {
	TEST_CASE(prints),
	TEST_CASE(fits),
	TEST_CASE(sorts),
	TEST_CASE(sums),
};

TEST_SUITE(top_table_suite, "top_table", cases);
