// SPDX-License-Identifier: GPL-2.0-only
#include "breath_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "control_arguments.h"
#include "error.h"
#include "keyed_option.h"
#include "size.h"

static int parse_min(void *bounds, const char *value)
{
	return parse_size(value, "--memory: min", &((struct breath_bounds *)bounds)->min);
}

static int parse_max(void *bounds, const char *value)
{
	return parse_size(value, "--memory: max", &((struct breath_bounds *)bounds)->max);
}

static const struct option_key keys[] = {
	{ "min",	"256M",	parse_min },
	{ "max",	"1G",	parse_max },
};

static const struct keyed_option option = {
	.name = "--memory",
	.hint = "memory that follows the pressure on the host's is min=256M,max=1G",
	.keys = keys,
	.count = ARRAY_SIZE(keys),
};

bool breath_options_are(const char *text)
{
	return !strncmp(text, "min", 3) || !strncmp(text, "max", 3) || strstr(text, ",min");
}

int breath_options_parse(const char *text, struct breath_bounds *bounds)
{
	const char *comma = strchr(text, ',');
	char with_max[256];

	*bounds = (struct breath_bounds){ 0 };
	if (!comma || !isdigit((unsigned char)*text))
		return keyed_option_parse(&option, bounds, text);
	/* "1G,min=256M": the size is the most of it. */
	if (snprintf(with_max, sizeof(with_max), "max=%s", text) >= (int)sizeof(with_max))
		return fail("--memory: '%.40s' and so on is too long", text);
	return keyed_option_parse(&option, bounds, with_max);
}

int breath_options_from_json(struct breath_bounds *bounds, struct json_object *object)
{
	static const char * const known[] = { "min", "max", NULL };
	struct json_object *breath;

	*bounds = (struct breath_bounds){ 0 };
	if (!json_object_object_get_ex(object, "breath", &breath))
		return 0;
	if (!json_object_is_type(breath, json_type_object))
		return fail("breath is no object");
	if (control_check_keys(breath, "the arguments of breath", known) ||
	    control_get_size(breath, "min", 0, &bounds->min) ||
	    control_get_size(breath, "max", 0, &bounds->max))
		return -1;
	return bounds->min || bounds->max ? 0 : fail("breath has neither min nor max");
}

void breath_options_to_json(const struct breath_bounds *bounds, struct json_object *object)
{
	struct json_object *breath = json_object_new_object();

	if (bounds->min)
		json_object_object_add(breath, "min", json_object_new_uint64(bounds->min));
	if (bounds->max)
		json_object_object_add(breath, "max", json_object_new_uint64(bounds->max));
	json_object_object_add(object, "breath", breath);
}
