// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "error.h"
#include "share.h"

static int set_path(struct share_config *share, const char *path, size_t len)
{
	if (!len)
		return fail("--share: say which folder, as in --share /srv/data:data");
	if (len >= sizeof(share->path))
		return fail("--share: a name of %zu bytes is too long; %zu are allowed", len,
			    sizeof(share->path) - 1);
	memcpy(share->path, path, len);
	share->path[len] = 0;
	return 0;
}

static int set_tag(struct share_config *share, const char *tag, size_t len)
{
	if (!len)
		return fail("--share: after ':' there is no tag; name one, or leave ':' out");
	if (len > SHARE_TAG_MAX)
		return fail("--share: the tag '%.*s' has %zu bytes, and %u are allowed; give another one as DIR:TAG",
			    (int)min_u64(len, 64), tag, len, SHARE_TAG_MAX);
	memcpy(share->tag, tag, len);
	share->tag[len] = 0;
	return 0;
}

static int set_default_tag(struct share_config *share)
{
	size_t end = strlen(share->path), start;

	while (end && share->path[end - 1] == '/')
		end--;
	start = end;
	while (start && share->path[start - 1] != '/')
		start--;
	if (start == end || (end - start <= 2 && !strncmp("..", share->path + start, end - start)))
		return fail("--share: '%s' has no name to be mounted by; give one as DIR:TAG",
			    share->path);
	return set_tag(share, share->path + start, end - start);
}

/* A colon in the name of a folder above is none before a tag. */
int share_options_parse(struct share_config *config, const char *text)
{
	size_t len = strcspn(text, ",");
	const char *colon = memrchr(text, ':', len);

	memset(config, 0, sizeof(*config));
	if (text[len] && strcmp(text + len, ",readonly"))
		return fail("--share: '%s' is not ',readonly', and a folder's name has no commas here",
			    text + len);
	config->readonly = text[len];
	if (colon && memchr(colon, '/', text + len - colon))
		colon = NULL;
	if (set_path(config, text, colon ? (size_t)(colon - text) : len))
		return -1;
	if (!colon)
		return set_default_tag(config);
	return set_tag(config, colon + 1, text + len - colon - 1);
}
