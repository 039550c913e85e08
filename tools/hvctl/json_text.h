/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON texts, of json-c, and members of objects. */
#ifndef HVCTL_JSON_TEXT_H
#define HVCTL_JSON_TEXT_H

#include <json-c/json.h>

#include "types.h"

/*
 * Parse @text, which has @len bytes and is all of one value, strictly. Objects and arrays may be
 * nested @depth deep. Returns 0 and a value that json_object_put() frees; or NULL in
 * *@object and -1 with a sentence that begins with @what.
 */
int json_text_parse(const char *text, size_t len, int depth, const char *what,
		    struct json_object **object);

/* For people: to stdout, with a newline. */
void json_text_print(struct json_object *object);

/* @object's @key; "" and 0 for what isn't there. */
const char *json_text_of(struct json_object *object, const char *key);
u64 json_number_of(struct json_object *object, const char *key);

#endif
