// SPDX-License-Identifier: GPL-2.0-only
#include "config_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json_parse.h"
#include "option_paths.h"
#include "option_table.h"
#include "saved_config.h"
#include "verb_options.h"

const struct option config_long_options[] = {
	{ "datacenter",	required_argument,	NULL, OPT_FIRST },
	{ "disk-img",	required_argument,	NULL, OPT_FIRST },
	{ "image",	required_argument,	NULL, OPT_FIRST },
	{ "network",	required_argument,	NULL, OPT_FIRST },
	{ 0 }
};

/* vzctl's words, each an option of ours with something before the value. */
static const struct {
	const char *name;
	const char *option;
	const char *before;
	bool first;		/* it goes before the others */
} words[] = {
	{ "disk-img", "disk", "path=", false },
	{ "image", "disk", "path=", true },
	{ "network", "net", "network=", false },
};

bool config_can_change(const char *name)
{
	return saved_config_allows(name) || option_find(config_long_options, name);
}

/* Could it be read again from a file, as JSON? */
static int check_text(const char *name, const char *value)
{
	struct json_object *string = json_object_new_string(value), *again;
	const char *json = json_object_to_json_string(string);
	int ret = json_parse(json, strlen(json), 2, "", &again);

	json_object_put(again);
	json_object_put(string);
	return ret ? fail("--%s: its value has bytes that aren't UTF-8, and can't be saved", name) :
	       0;
}

static int put(struct json_object *config, const char *name, const char *value, bool adds,
	       bool first)
{
	char *absolute = NULL;

	if (value) {
		absolute = option_paths_absolute(name, value);
		if (!absolute || check_text(name, absolute)) {
			free(absolute);
			return -1;
		}
	}
	if (!adds || !saved_config_is_repeated(name))
		saved_config_put(config, name, absolute);
	else if (first)
		saved_config_put_first(config, name, absolute);
	else
		saved_config_put_last(config, name, absolute);
	free(absolute);
	return 0;
}

static int put_word(struct json_object *config, unsigned int i, const char *value, bool adds)
{
	char *text;
	int ret;

	if (asprintf(&text, "%s%s", words[i].before, value) < 0)
		return fail("out of memory");
	ret = put(config, words[i].option, text, adds, words[i].first);
	free(text);
	return ret;
}

static int change(struct json_object *config, const char *name, const char *value, bool adds)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i].name, name))
			return put_word(config, i, value, adds);
	}
	if (!strcmp(name, "datacenter"))
		return saved_config_set_datacenter(config, value);
	if (!saved_config_allows(name))
		return fail("--%s is for 'hvctl run' alone", name);
	return put(config, name, value, adds, false);
}

int config_change(struct json_object *config, const char *name, const char *value)
{
	return change(config, name, value, false);
}

int config_add(struct json_object *config, const char *name, const char *value)
{
	return change(config, name, value, true);
}

int config_change_without(struct json_object *config, const char *text)
{
	char *name = strdup(text), *value, *absolute = NULL;
	int ret;

	if (!strcmp(text, "datacenter")) {
		free(name);
		return saved_config_set_datacenter(config, "");
	}
	if (!name)
		return fail("out of memory");
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	if (value)
		absolute = option_paths_absolute(name, value);
	/* What is to go may be gone already, and then isn't made absolute. */
	ret = saved_config_take(config, name, absolute ? absolute : value);
	free(absolute);
	free(name);
	return ret;
}
