// SPDX-License-Identifier: GPL-2.0-only
#include "json_parse.h"

#include "error.h"

int json_parse(const char *text, size_t len, int depth, const char *what,
	       struct json_object **object)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);
	enum json_tokener_error error;

	*object = NULL;
	if (!tokener)
		return fail("out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*object = json_tokener_parse_ex(tokener, text, len);
	error = json_tokener_get_error(tokener);
	/* A number may go on, as long as nothing follows it. */
	if (error == json_tokener_continue) {
		*object = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
	}
	json_tokener_free(tokener);
	if (error == json_tokener_success)
		return 0;
	return fail("%s: %s", what, json_tokener_error_desc(error));
}
