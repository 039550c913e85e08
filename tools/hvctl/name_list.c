// SPDX-License-Identifier: GPL-2.0-only
#include "name_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "machine_dir.h"

/* One block: the pointers, of which there are up to @count, and what they point at. */
static char **list_create(size_t count, size_t bytes)
{
	char **list = malloc((count + 1) * sizeof(*list) + bytes);

	if (!list)
		fail("out of memory");
	return list;
}

/* Copies @name to @text, and returns where the next one goes. */
static char *list_add(char **list, size_t *used, char *text, const char *name)
{
	list[(*used)++] = strcpy(text, name);
	return text + strlen(name) + 1;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_name(const struct dirent *entry)
{
	return !machine_dir_check_name(entry->d_name, "");
}

static char **pack(struct dirent **entry, size_t count, bool (*keep)(const char *name))
{
	size_t i, used = 0, bytes = 0;
	char **list, *text;

	for (i = 0; i < count; i++)
		bytes += strlen(entry[i]->d_name) + 1;
	list = list_create(count, bytes);
	if (!list)
		return NULL;
	text = (char *)(list + count + 1);
	for (i = 0; i < count; i++) {
		if (!keep || keep(entry[i]->d_name))
			text = list_add(list, &used, text, entry[i]->d_name);
	}
	list[used] = NULL;
	return list;
}

char **name_list_read(const char *path, bool (*keep)(const char *name))
{
	struct dirent **entry = NULL;
	char **list;
	int i, count;

	count = scandir(path, &entry, is_name, compare_names);
	if (count < 0 && errno != ENOENT) {
		fail_errno("cannot read the folder %s of machines", path);
		return NULL;
	}
	list = pack(entry, count < 0 ? 0 : count, keep);
	for (i = 0; i < count; i++)
		free(entry[i]);
	free(entry);
	return list;
}

static void measure(char **list, size_t *count, size_t *bytes)
{
	for (; *list; list++, (*count)++)
		*bytes += strlen(*list) + 1;
}

char **name_list_join(char **a, char **b)
{
	size_t count = 0, bytes = 0, used = 0;
	char **list = NULL, **x = a, **y = b, *text;

	if (a && b) {
		measure(a, &count, &bytes);
		measure(b, &count, &bytes);
		list = list_create(count, bytes);
	}
	if (list) {
		text = (char *)(list + count + 1);
		while (*x || *y) {
			int order = !*x ? 1 : !*y ? -1 : strcmp(*x, *y);

			text = list_add(list, &used, text, order <= 0 ? *x : *y);
			x += order <= 0;
			y += order >= 0;
		}
		list[used] = NULL;
	}
	free(a);
	free(b);
	return list;
}
