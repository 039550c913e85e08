// SPDX-License-Identifier: GPL-2.0-only
#include "saved_amount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

static bool is_key(const char *part)
{
	return part[strcspn(part, ",=")] == '=';
}

/* Is there a part of @text that begins with the @len characters at @key? */
static bool has_part(const char *text, const char *key, size_t len)
{
	while (strncmp(text, key, len)) {
		text = strchr(text, ',');
		if (!text)
			return false;
		text++;
	}
	return true;
}

/* Has it a part of its own that is an amount, or one that is a key with a value? */
static bool has_kind(const char *text, bool key)
{
	for (; text; text = strchr(text, ',')) {
		text += *text == ',';
		if (*text && is_key(text) == key)
			return true;
	}
	return false;
}

/* Add the parts of @text, but for amounts unless @amounts, and for keys that @others has. */
static void add_parts(FILE *out, const char *text, bool amounts, const char *others, bool *any)
{
	for (; text; text = strchr(text, ',')) {
		size_t len;

		text += *text == ',';
		len = strcspn(text, ",");
		if (!len || (len == strlen("overcommit") && !strncmp(text, "overcommit", len)) ||
		    (!is_key(text) && !amounts) ||
		    (is_key(text) && has_part(others, text, strcspn(text, "=") + 1)))
			continue;
		fprintf(out, "%s%.*s", *any ? "," : "", (int)len, text);
		*any = true;
	}
}

char *saved_amount_merge(const char *before, const char *now)
{
	bool amount = has_kind(now, false), keys = has_kind(now, true), any = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (amount && !keys) {
		add_parts(out, now, true, "", &any);
		if (has_kind(before, false))
			add_parts(out, before, false, "", &any);
	} else if (amount) {
		add_parts(out, now, true, "", &any);
	} else {
		add_parts(out, before, true, now, &any);
		add_parts(out, now, true, "", &any);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
