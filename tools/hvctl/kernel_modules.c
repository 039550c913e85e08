// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_modules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* Is @path of the module @name? Dashes and underscores are the same in names. */
static bool is_module(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');
	size_t i;

	base = base ? base + 1 : path;
	for (i = 0; name[i]; i++) {
		if (base[i] != name[i] &&
		    !(strchr("-_", name[i]) && base[i] && strchr("-_", base[i])))
			return false;
	}
	return !strncmp(base + i, ".ko", 3) && (!base[i + 3] || base[i + 3] == '.');
}

static int append(struct kernel_modules *list, const char *path)
{
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		if (!strcmp(list->path[i], path))
			return 0;
	}
	if (list->count == KERNEL_MODULES_MAX)
		return fail("%s needs more than %u modules", path, KERNEL_MODULES_MAX);
	list->path[list->count] = strdup(path);
	if (!list->path[list->count])
		return fail("out of memory");
	list->count++;
	return 0;
}

/* "path: what it needs": the last is needed first. */
static int append_line(struct kernel_modules *list, char *line)
{
	char *needs = line, *last;

	strsep(&needs, ":");
	while (needs && (last = strrchr(needs, ' '))) {
		if (last[1] && append(list, last + 1))
			return -1;
		*last = 0;
	}
	return append(list, line);
}

/* Call @found with the first line of @file in @folder that is of @name. 1: there was none */
static int find_line(const char *folder, const char *file, const char *name,
		     int (*found)(struct kernel_modules *list, char *line),
		     struct kernel_modules *list)
{
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;
	int ret = 1;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	in = fopen(path, "re");
	if (!in)
		return fail_errno("cannot read %s", path);
	while (ret > 0 && getline(&line, &size, in) >= 0) {
		size_t end = strcspn(line, ":\n");
		char rest = line[end];

		line[end] = 0;
		if (!is_module(line, name))
			continue;
		line[end] = rest;
		line[strcspn(line, "\n")] = 0;
		ret = found ? found(list, line) : 0;
	}
	free(line);
	fclose(in);
	return ret;
}

int kernel_modules_add(struct kernel_modules *list, const char *folder, const char *name)
{
	int ret = find_line(folder, "modules.dep", name, append_line, list);

	if (ret > 0)
		ret = find_line(folder, "modules.builtin", name, NULL, list);
	if (ret > 0)
		return fail("the kernel of %s has no module %s", folder, name);
	return ret;
}

void kernel_modules_free(struct kernel_modules *list)
{
	while (list->count)
		free(list->path[--list->count]);
}
