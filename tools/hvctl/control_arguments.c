// SPDX-License-Identifier: GPL-2.0-only
#include "control_arguments.h"

#include <string.h>

#include "error.h"

int control_check_keys(struct json_object *object, const char *what,
		       const char * const *known)
{
	unsigned int i;

	if (!object)
		return 0;
	if (!json_object_is_type(object, json_type_object))
		return fail("%s are no object", what);
	json_object_object_foreach(object, key, value) {
		(void)value;
		for (i = 0; known[i] && strcmp(key, known[i]); i++)
			;
		if (!known[i])
			return fail("%s have no '%.40s'", what, key);
	}
	return 0;
}

int control_no_arguments(struct json_object *arguments)
{
	static const char * const none[] = { NULL };

	return control_check_keys(arguments, "the arguments of this command", none);
}

int control_get_number(struct json_object *object, const char *key, u64 missing, u64 *number)
{
	struct json_object *value;

	*number = missing;
	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return fail("%s is no number", key);
	*number = json_object_get_int64(value);
	return 0;
}

int control_get_size(struct json_object *object, const char *key, u64 missing, u64 *size)
{
	return control_get_number(object, key, missing, size) ?
	       fail("%s is no number of bytes", key) : 0;
}

int control_get_flag(struct json_object *object, const char *key, bool *flag)
{
	struct json_object *value;

	*flag = false;
	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return fail("%s is neither true nor false", key);
	*flag = json_object_get_boolean(value);
	return 0;
}
