// SPDX-License-Identifier: GPL-2.0-only
#include "machine_names.h"

#include <stdlib.h>

#include "error.h"
#include "machine_dir.h"
#include "machine_store.h"
#include "name_list.h"
#include "nearest.h"

char **machine_names(void)
{
	char **created = machine_store_list();

	return created ? name_list_join(created, machine_dir_list()) : NULL;
}

int fail_no_machine(const char *name)
{
	const char *nearest;
	char **names;

	if (machine_store_has(name))
		return fail("the machine %s doesn't run; 'hvctl start %s' starts it", name, name);
	names = machine_names();
	nearest = names ? nearest_name(name, names) : NULL;
	if (nearest)
		fail("there is no machine %s; perhaps %s is meant", name, nearest);
	else
		fail("there is no machine %s; 'hvctl list' tells which there are", name);
	free(names);
	return -1;
}
