// SPDX-License-Identifier: GPL-2.0-only
#include "json_members.h"

#include <stdio.h>
#include <stdlib.h>

void add_string(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

void add_number(struct json_object *object, const char *key, u64 number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void add_flag(struct json_object *object, const char *key, bool flag)
{
	json_object_object_add(object, key, json_object_new_boolean(flag));
}

void add_path(struct json_object *object, const char *key, const char *path)
{
	char *real = realpath(path, NULL);

	add_string(object, key, real ? real : path);
	free(real);
}

const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) && value ?
	       json_object_get_string(value) : "";
}

u64 number_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

struct json_object *object_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
	       json_object_is_type(value, json_type_object) ? value : NULL;
}

struct json_object *element_of(struct json_object *object, const char *key, size_t i)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
	       json_object_is_type(value, json_type_array) &&
	       i < json_object_array_length(value) ? json_object_array_get_idx(value, i) : NULL;
}

void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
}
