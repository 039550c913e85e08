/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of commands (docs/control.md): all return -1 with a sentence. */
#ifndef HVCTL_CONTROL_ARGUMENTS_H
#define HVCTL_CONTROL_ARGUMENTS_H

#include <json-c/json.h>

#include "types.h"

/*
 * @object, which @what names in the sentence, has no keys but those of @known, which ends
 * with NULL. Where @object is NULL it has none.
 */
int control_check_keys(struct json_object *object, const char *what,
		       const char * const *known);
int control_no_arguments(struct json_object *arguments);

/* The number that is @object's @key; what isn't there is @missing. */
int control_get_number(struct json_object *object, const char *key, u64 missing, u64 *number);

/* The number of bytes that is @object's @key; what isn't there is @missing. */
int control_get_size(struct json_object *object, const char *key, u64 missing, u64 *size);

/* Whether @object's @key is true; what isn't there is false. */
int control_get_flag(struct json_object *object, const char *key, bool *flag);

#endif
