// SPDX-License-Identifier: GPL-2.0-only
#include "keyed_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static const struct option_key *find_key(const struct keyed_option *option, const char *name)
{
	unsigned int i;

	for (i = 0; i < option->count; i++) {
		if (!strcmp(option->keys[i].name, name))
			return &option->keys[i];
	}
	return NULL;
}

static int unknown_key(const struct keyed_option *option, const char *name)
{
	char list[256] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < option->count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s",
				 !i ? "" : i + 1 < option->count ? ", " : " and ",
				 option->keys[i].name);
	return fail("%s: '%s' is none of %s; %s", option->name, name, list, option->hint);
}

/* @part is "KEY" or "KEY=VALUE"; @seen has a bit for each key that was there before. */
static int parse_part(const struct keyed_option *option, void *config, char *part, u32 *seen)
{
	char *value = part;
	const char *name = strsep(&value, "=");
	const struct option_key *key = find_key(option, name);

	if (!*name)
		return fail("%s: there is a comma or '=' with nothing before it; take it out, or name what is missing",
			    option->name);
	if (!key)
		return unknown_key(option, name);
	if (*seen & BIT(key - option->keys))
		return fail("%s: %s is given twice; give it once", option->name, name);
	*seen |= BIT(key - option->keys);
	if (!key->example && value)
		return fail("%s: %s takes no value; give it as '%s' alone", option->name, name,
			    name);
	if (key->example && (!value || !*value))
		return fail("%s: %s needs a value: %s=%s", option->name, name, name, key->example);
	return key->parse(config, value);
}

int keyed_option_parse(const struct keyed_option *option, void *config, const char *text)
{
	char *copy, *rest, *part;
	u32 seen = 0;
	int ret = 0;

	copy = strdup(text);
	if (!copy)
		return fail("out of memory");
	rest = *copy ? copy : NULL;
	while (!ret && (part = strsep(&rest, ",")))
		ret = parse_part(option, config, part, &seen);
	free(copy);
	return ret;
}
