// SPDX-License-Identifier: GPL-2.0-only
#include "cpus_options.h"

#include <string.h>

#include "error.h"
#include "keyed_option.h"
#include "size.h"

static int parse_max(void *config, const char *value)
{
	struct cpus_options *options = config;
	u64 max;

	if (parse_number(value, "--cpus: max", 1, CPUS_MAX, &max))
		return -1;
	options->max = max;
	return 0;
}

static const struct option_key cpus_keys[] = {
	{ "max",	"8",	parse_max },
};

static const struct keyed_option cpus_option = {
	.name = "--cpus",
	.hint = "the number comes first: --cpus 2,max=8",
	.keys = cpus_keys,
	.count = ARRAY_SIZE(cpus_keys),
};

int cpus_options_parse_number(const char *text, unsigned int *number)
{
	u64 value;

	if (parse_number(text, "--cpus", 1, CPUS_MAX, &value))
		return -1;
	*number = value;
	return 0;
}

int cpus_options_parse(struct cpus_options *options, const char *text)
{
	size_t len = strcspn(text, ",");
	char number[32];

	*options = (struct cpus_options){ 0 };
	if (len >= sizeof(number))
		return fail("--cpus: '%.60s' is not a number of vCPUs", text);
	memcpy(number, text, len);
	number[len] = '\0';
	if (cpus_options_parse_number(number, &options->number))
		return -1;
	if (text[len] && !text[len + 1])
		return fail("--cpus: nothing follows the comma; give the most that there may be as %u,max=8",
			    options->number);
	if (text[len] && keyed_option_parse(&cpus_option, options, text + len + 1))
		return -1;
	if (!options->max)
		options->max = options->number;
	else if (options->max < options->number)
		return fail("--cpus: max=%u is less than the %u at the start; give it the most that there may ever be",
			    options->max, options->number);
	else
		options->change = options->max > 1;
	return 0;
}
