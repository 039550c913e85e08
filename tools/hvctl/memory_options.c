// SPDX-License-Identifier: GPL-2.0-only
#include "memory_options.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "keyed_option.h"
#include "size.h"

static int parse_max(void *memory, const char *value)
{
	return parse_size(value, "--memory: max", &((struct run_memory *)memory)->max);
}

static int parse_overcommit(void *memory, const char *value)
{
	(void)value;
	((struct set_memory *)memory)->overcommit = true;
	return 0;
}

static const struct option_key run_keys[] = {
	{ "max",	"4G",	parse_max },
};

static const struct keyed_option run_option = {
	.name = "--memory",
	.hint = "a size comes first, and may have one to grow to: 512M,max=4G",
	.keys = run_keys,
	.count = ARRAY_SIZE(run_keys),
};

static const struct option_key set_keys[] = {
	{ "overcommit",	NULL,	parse_overcommit },
};

static const struct keyed_option set_option = {
	.name = "--memory",
	.hint = "a size comes first, and may be more than the host has: 4G,overcommit",
	.keys = set_keys,
	.count = ARRAY_SIZE(set_keys),
};

/* SIZE, and what follows its comma for @option. */
static int parse(const struct keyed_option *option, void *memory, u64 *size, const char *text)
{
	size_t len = strcspn(text, ",");
	char first[32];

	if (len >= sizeof(first))
		return parse_size(text, "--memory", size);
	snprintf(first, sizeof(first), "%.*s", (int)len, text);
	if (parse_size(first, "--memory", size))
		return -1;
	if (!text[len])
		return 0;
	if (!text[len + 1])
		return fail("--memory: there is nothing after the comma; take it out, or give %s there",
			    option->keys[0].name);
	return keyed_option_parse(option, memory, text + len + 1);
}

int run_memory_parse(struct run_memory *memory, const char *text)
{
	*memory = (struct run_memory){ 0 };
	if (parse(&run_option, memory, &memory->size, text))
		return -1;
	if (!memory->max)
		memory->max = memory->size;
	return 0;
}

int set_memory_parse(struct set_memory *memory, const char *text)
{
	*memory = (struct set_memory){ 0 };
	return parse(&set_option, memory, &memory->size, text);
}
