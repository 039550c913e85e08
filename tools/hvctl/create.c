// SPDX-License-Identifier: GPL-2.0-only
/* hvctl create */
#include <stdio.h>
#include <unistd.h>

#include "create_options.h"
#include "error.h"
#include "machine_dir.h"
#include "machine_lock.h"
#include "machine_store.h"
#include "saved_config.h"
#include "verb.h"

static int create(const char *name, struct json_object *config)
{
	int ret, lock = machine_lock(name);

	if (lock < 0)
		return -1;
	if (!machine_store_has(name) && machine_dir_is_alive(name))
		ret = fail("there is a machine %s already, which 'hvctl run' runs; choose another name",
			   name);
	else
		ret = machine_store_create(name, saved_config_text(config));
	close(lock);
	return ret;
}

int verb_create(int argc, char **argv)
{
	struct create_options options;
	int status;

	if (create_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(create_help, stdout);
		return STATUS_OK;
	}
	status = create(options.name, options.config) ? verb_failed() : STATUS_OK;
	json_object_put(options.config);
	return status;
}
