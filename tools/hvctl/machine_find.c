// SPDX-License-Identifier: GPL-2.0-only
#include "machine_find.h"

#include <stdlib.h>
#include <string.h>

#include "control_client.h"
#include "machine_dir.h"
#include "same_file.h"

static bool is_file(const char *path, const struct stat *st)
{
	struct stat other;

	return !stat(path, &other) && same_file(&other, st);
}

static bool has_image(const char *name, const struct stat *st)
{
	struct json_object *status, *disks, *path;
	bool found = false;
	size_t i;

	if (control_ask(name, "status", NULL, &status))
		return false;
	if (json_object_object_get_ex(status, "disks", &disks) &&
	    json_object_is_type(disks, json_type_array)) {
		for (i = 0; !found && i < json_object_array_length(disks); i++)
			found = json_object_object_get_ex(json_object_array_get_idx(disks, i),
							  "path", &path) &&
				is_file(json_object_get_string(path), st);
	}
	json_object_put(status);
	return found;
}

bool machine_find_image(const struct stat *st, char *name)
{
	char **names = machine_dir_list();
	bool found = false;
	size_t i;

	for (i = 0; names && !found && names[i]; i++) {
		found = has_image(names[i], st);
		if (found)
			strcpy(name, names[i]);
	}
	free(names);
	return found;
}
