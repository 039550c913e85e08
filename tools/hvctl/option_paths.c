// SPDX-License-Identifier: GPL-2.0-only
#include "option_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "types.h"

/* Where in an option's value there is a path. */
static const struct {
	const char *name;
	const char *key;	/* behind it; NULL: at the start */
	const char *end;	/* it ends before one of these */
	bool is_there;		/* what it names is to be there already */
} paths[] = {
	{ "agent",	NULL,		"",	false },
	{ "console",	NULL,		"",	false },
	{ "disk",	"path=",	",",	true },
	{ "disk",	"vhost-user=",	",",	false },
	{ "hvc",	NULL,		"",	false },
	{ "initrd",	NULL,		"",	true },
	{ "kernel",	NULL,		"",	true },
	{ "module",	NULL,		"",	true },
	{ "port",	"socket=",	",",	false },
	{ "share",	NULL,		":,",	true },
};

/* A colon in the name of a folder above is none before a tag: as share_options_parse() has it. */
static size_t share_length(const char *value)
{
	size_t len = strcspn(value, ",");
	const char *colon = memrchr(value, ':', len);

	return colon && !memchr(colon, '/', value + len - colon) ? (size_t)(colon - value) : len;
}

/* Where the path of paths[@i] starts in @value, and in @len its length. NULL: it has none */
static const char *find_path(unsigned int i, const char *value, size_t *len)
{
	const char *key = paths[i].key, *at = value;

	if (key) {
		while (strncmp(at, key, strlen(key))) {
			at = strchr(at, ',');
			if (!at)
				return NULL;
			at++;
		}
		at += strlen(key);
	}
	*len = !strcmp(paths[i].name, "share") ? share_length(at) : strcspn(at, paths[i].end);
	return *len ? at : NULL;
}

/* These are no files. */
static bool is_word(const char *name, const char *value)
{
	if (!strcmp(name, "agent"))
		return !strcmp(value, "auto");
	return (!strcmp(name, "console") || !strcmp(name, "hvc")) &&
	       (!strcmp(value, "stdio") || !strcmp(value, "none"));
}

static char *with_folder(const char *value, const char *path)
{
	char *folder = getcwd(NULL, 0), *text = NULL;

	if (!folder)
		fail_errno("cannot find out the current directory");
	else if (asprintf(&text, "%.*s%s/%s", (int)(path - value), value, folder, path) < 0)
		fail("out of memory");
	free(folder);
	return text;
}

static int check_there(const char *name, const char *path, size_t len)
{
	char *text = strndup(path, len);
	int ret = !text ? fail("out of memory") : !access(text, F_OK) ? 0 :
		  fail_errno("--%s: cannot find %s", name, text);

	free(text);
	return ret;
}

char *option_paths_absolute(const char *name, const char *value)
{
	unsigned int i;
	const char *path;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		if (strcmp(paths[i].name, name) || is_word(name, value))
			continue;
		path = find_path(i, value, &len);
		if (!path)
			continue;
		if (paths[i].is_there && check_there(name, path, len))
			return NULL;
		if (*path != '/')
			return with_folder(value, path);
	}
	return strdup(value);
}
