// SPDX-License-Identifier: GPL-2.0-only
/* hvctl destroy */
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "machine_end.h"
#include "machine_lock.h"
#include "machine_names.h"
#include "machine_store.h"
#include "verb.h"
#include "verb_options.h"

static const char help[] =
"Usage: hvctl destroy NAME [OPTION]...\n"
"Remove a machine that was created and doesn't run, with what is saved of it and its log. Its\n"
"drives' images stay.\n"
"\n"
"  --force            if it runs, end it first, as if its power were cut\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

enum { OPT_FORCE = OPT_FIRST };

static const struct option long_options[] = {
	{ "force",	no_argument,		NULL, OPT_FORCE },
	OPTION_HELP,
	OPTION_NAME,
	{ 0 }
};

static int remove_machine(const char *name, bool force)
{
	static const struct end_options end = { .force = true };
	bool alive = machine_dir_is_alive(name);

	if (!machine_store_has(name))
		return alive ? fail("the machine %s was made by 'hvctl run', and is gone when it ends; 'hvctl stop %s' ends it",
				    name, name) : fail_no_machine(name);
	if (alive && !force)
		return fail("the machine %s runs; stop it first, or --force ends it at once", name);
	if (alive && machine_end(name, &end))
		return -1;
	return machine_store_remove(name);
}

static int destroy(const char *name, bool force)
{
	int ret, lock = machine_lock(name);

	if (lock < 0)
		return -1;
	ret = remove_machine(name, force);
	close(lock);
	return ret;
}

int verb_destroy(int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = long_options,
	};
	bool force = false;
	const char *name;
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option != OPT_FORCE)
			return verb_misused();
		force = true;
	}
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (verb_options_name(&o, &name))
		return verb_misused();
	return destroy(name, force) ? verb_failed() : STATUS_OK;
}
