// SPDX-License-Identifier: GPL-2.0-only
#include "saved_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json_members.h"
#include "json_parse.h"
#include "saved_amount.h"

#define DEPTH_MAX	8

/* Those that may be repeated, and how much of a value says for which thing it is. */
static const struct {
	const char *name;
	const char *key;	/* this key's value; or what is before one of @end */
	const char *end;
} repeated[] = {
	{ "disk", "path=", NULL },
	{ "disk", "vhost-user=", NULL },
	{ "module", NULL, "" },
	{ "net", NULL, "," },
	{ "port", "name=", NULL },
	{ "share", NULL, ":," },
};

/* ---- options -------------------------------------------------------------------- */

static const struct option *find_option(const char *name)
{
	const struct option *option;

	for (option = run_long_options; option->name; option++) {
		if (!strcmp(option->name, name))
			return option;
	}
	return NULL;
}

bool saved_config_is_repeated(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(repeated); i++) {
		if (!strcmp(repeated[i].name, name))
			return true;
	}
	return false;
}

bool saved_config_allows(const char *name)
{
	static const char * const never[] = { "help", "host-root", "name" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(never); i++) {
		if (!strcmp(never[i], name))
			return false;
	}
	return find_option(name);
}

/* ---- reading -------------------------------------------------------------------- */

/* No part of it would be lost on a command line. */
static bool is_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       strlen(json_object_get_string(value)) ==
	       (size_t)json_object_get_string_len(value);
}

static bool is_text_array(struct json_object *value)
{
	size_t i;

	if (!json_object_is_type(value, json_type_array) || !json_object_array_length(value))
		return false;
	for (i = 0; i < json_object_array_length(value); i++) {
		if (!is_text(json_object_array_get_idx(value, i)))
			return false;
	}
	return true;
}

static int check_option(const char *name, struct json_object *value, const char *what)
{
	if (!saved_config_allows(name))
		return fail("%s: there is no option '%.40s'; it may be of a later hvctl", what,
			    name);
	if (saved_config_is_repeated(name))
		return is_text_array(value) ? 0 :
		       fail("%s: the value of '%s' is no array of strings", what, name);
	if (find_option(name)->has_arg == no_argument)
		return json_object_is_type(value, json_type_boolean) &&
		       json_object_get_boolean(value) ? 0 :
		       fail("%s: the value of '%s' is not true", what, name);
	return is_text(value) ? 0 : fail("%s: the value of '%s' is no string", what, name);
}

static int check_members(struct json_object *config, const char *what)
{
	struct json_object *version;

	if (!json_object_object_get_ex(config, "version", &version) ||
	    !json_object_is_type(version, json_type_int) || json_object_get_int64(version) < 1)
		return fail("%s: it has no version", what);
	if (json_object_get_int64(version) > SAVED_CONFIG_VERSION)
		return fail("%s: it is of version %lld, and this hvctl knows %d; use the later hvctl that wrote it",
			    what, (long long)json_object_get_int64(version),
			    SAVED_CONFIG_VERSION);
	json_object_object_foreach(config, key, value) {
		if (!strcmp(key, "version"))
			continue;
		if (!strcmp(key, "options") ? !json_object_is_type(value, json_type_object) :
		    strcmp(key, "datacenter") || !is_text(value))
			return fail("%s: it has a '%.40s' that makes no sense to this hvctl", what,
				    key);
	}
	return json_object_object_get_ex(config, "options", NULL) ? 0 :
	       fail("%s: it has no options", what);
}

static int check(struct json_object *config, const char *what)
{
	struct json_object *options;

	if (!json_object_is_type(config, json_type_object))
		return fail("%s: it is no object", what);
	if (check_members(config, what))
		return -1;
	json_object_object_get_ex(config, "options", &options);
	json_object_object_foreach(options, name, value) {
		if (check_option(name, value, what))
			return -1;
	}
	return saved_config_set_datacenter(config, saved_config_datacenter(config));
}

int saved_config_parse(const char *text, size_t len, const char *what,
		       struct json_object **config)
{
	if (json_parse(text, len, DEPTH_MAX, what, config))
		return -1;
	if (!check(*config, what))
		return 0;
	json_object_put(*config);
	*config = NULL;
	return -1;
}

/* ---- changing ------------------------------------------------------------------- */

struct json_object *saved_config_create(void)
{
	struct json_object *config = json_object_new_object();

	json_object_object_add(config, "version", json_object_new_int(SAVED_CONFIG_VERSION));
	json_object_object_add(config, "options", json_object_new_object());
	return config;
}

const char *saved_config_text(struct json_object *config)
{
	return json_object_to_json_string_ext(config, JSON_C_TO_STRING_PRETTY |
						      JSON_C_TO_STRING_NOSLASHESCAPE);
}

static struct json_object *options_of(struct json_object *config)
{
	struct json_object *options = NULL;

	json_object_object_get_ex(config, "options", &options);
	return options;
}

/* The part of @value that says for which thing it is; -1: @row isn't about this one */
static int identity(unsigned int row, const char *value, const char **start)
{
	const char *key = repeated[row].key, *at;

	*start = value;
	if (!key)
		return strcspn(value, repeated[row].end);
	for (at = value; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, key, strlen(key))) {
			*start = at;
			return strcspn(at, ",");
		}
	}
	return -1;
}

static bool is_same_thing(const char *name, const char *a, const char *b)
{
	const char *x, *y;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(repeated); i++) {
		int m, n;

		if (strcmp(repeated[i].name, name))
			continue;
		m = identity(i, a, &x);
		n = identity(i, b, &y);
		if (m >= 0 && m == n && !memcmp(x, y, m))
			return true;
	}
	return false;
}

/* Where it is in @array; its length: nowhere */
static size_t find_thing(struct json_object *array, const char *name, const char *value)
{
	size_t i, count = json_object_array_length(array);

	for (i = 0; i < count; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(array, i));

		if (is_same_thing(name, text, value))
			break;
	}
	return i;
}

static struct json_object *array_of(struct json_object *config, const char *name)
{
	struct json_object *options = options_of(config), *array;

	if (!json_object_object_get_ex(options, name, &array)) {
		array = json_object_new_array();
		json_object_object_add(options, name, array);
	}
	return array;
}

static bool is_amount(const char *name)
{
	return !strcmp(name, "cpus") || !strcmp(name, "memory");
}

static struct json_object *single_value(struct json_object *options, const char *name,
					const char *value)
{
	struct json_object *merged;
	char *text;

	if (!value)
		return json_object_new_boolean(true);
	if (!is_amount(name))
		return json_object_new_string(value);
	text = saved_amount_merge(text_of(options, name), value);
	merged = json_object_new_string(text ? text : value);
	free(text);
	return merged;
}

void saved_config_put(struct json_object *config, const char *name, const char *value)
{
	struct json_object *options = options_of(config), *array;

	if (saved_config_is_repeated(name)) {
		array = array_of(config, name);
		json_object_array_put_idx(array, find_thing(array, name, value),
					  json_object_new_string(value));
	} else {
		json_object_object_add(options, name, single_value(options, name, value));
	}
}

void saved_config_put_last(struct json_object *config, const char *name, const char *value)
{
	json_object_array_add(array_of(config, name), json_object_new_string(value));
}

void saved_config_put_first(struct json_object *config, const char *name, const char *value)
{
	struct json_object *array = array_of(config, name), *moved;
	size_t i;

	json_object_array_add(array, NULL);
	for (i = json_object_array_length(array) - 1; i; i--) {
		moved = json_object_get(json_object_array_get_idx(array, i - 1));
		json_object_array_put_idx(array, i, moved);
	}
	json_object_array_put_idx(array, 0, json_object_new_string(value));
}

static int take_thing(struct json_object *options, struct json_object *array, const char *name,
		      const char *value)
{
	size_t at = value ? find_thing(array, name, value) : json_object_array_length(array);

	if (!value)
		return fail("--without %s: say which one, for instance %s=%s", name, name,
			    json_object_get_string(json_object_array_get_idx(array, 0)));
	if (at == json_object_array_length(array))
		return fail("--without %s: the machine has none with '%s'", name, value);
	json_object_array_del_idx(array, at, 1);
	if (!json_object_array_length(array))
		json_object_object_del(options, name);
	return 0;
}

int saved_config_take(struct json_object *config, const char *name, const char *value)
{
	struct json_object *options = options_of(config), *present;

	if (!saved_config_allows(name))
		return fail("--without: there is no option '%s'", name);
	if (!json_object_object_get_ex(options, name, &present))
		return fail("--without: the machine has no %s", name);
	if (saved_config_is_repeated(name))
		return take_thing(options, present, name, value);
	if (value)
		return fail("--without %s: it takes no value; say '%s' alone", name, name);
	json_object_object_del(options, name);
	return 0;
}

int saved_config_set_datacenter(struct json_object *config, const char *label)
{
	size_t i, len = strlen(label);

	for (i = 0; i < len; i++) {
		if (!isgraph((unsigned char)label[i]) || len > DATACENTER_MAX)
			return fail("--datacenter: '%.80s' is no label; use up to %u printable ASCII characters without blanks",
				    label, DATACENTER_MAX);
	}
	/* It may be the object's own. */
	if (!len)
		json_object_object_del(config, "datacenter");
	else if (strcmp(label, saved_config_datacenter(config)))
		json_object_object_add(config, "datacenter", json_object_new_string(label));
	return 0;
}

const char *saved_config_datacenter(struct json_object *config)
{
	return text_of(config, "datacenter");
}
