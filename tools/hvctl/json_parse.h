/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_JSON_PARSE_H
#define HVCTL_JSON_PARSE_H

#include <json-c/json.h>

#include "types.h"

/*
 * Parse @text, which has @len bytes and is all of one value, strictly. Objects and arrays may be
 * nested @depth deep. Returns 0 and a value that json_object_put() frees; or NULL in
 * *@object and -1 with a sentence that begins with @what.
 */
int json_parse(const char *text, size_t len, int depth, const char *what,
	       struct json_object **object);

#endif
