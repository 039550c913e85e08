/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of JSON objects, as the control socket's clients and servers have them. */
#ifndef HVCTL_JSON_MEMBERS_H
#define HVCTL_JSON_MEMBERS_H

#include <json-c/json.h>

#include "types.h"

void add_string(struct json_object *object, const char *key, const char *text);
void add_number(struct json_object *object, const char *key, u64 number);
void add_flag(struct json_object *object, const char *key, bool flag);

/* As others can find it, whatever their current directory is. */
void add_path(struct json_object *object, const char *key, const char *path);

/* "" and 0 for what isn't there, or if @object, which may be NULL, is none. */
const char *text_of(struct json_object *object, const char *key);
u64 number_of(struct json_object *object, const char *key);

/* The member that is an object; NULL. The element of the array that it is; NULL. */
struct json_object *object_of(struct json_object *object, const char *key);
struct json_object *element_of(struct json_object *object, const char *key, size_t i);

/* Pretty, and in a line of its own. */
void print_json(struct json_object *object);

#endif
