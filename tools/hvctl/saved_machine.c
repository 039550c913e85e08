// SPDX-License-Identifier: GPL-2.0-only
/* A saved config as the command line that it stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "machine_store.h"
#include "saved_config.h"

/* A list that ends with NULL. */
struct arguments {
	char **argv;
	int argc;
};

static int add(struct arguments *a, const char *name, const char *value)
{
	char **larger = realloc(a->argv, (a->argc + 2) * sizeof(*larger));
	int len;

	if (!larger)
		return fail("out of memory");
	a->argv = larger;
	len = asprintf(&larger[a->argc], "%s%s%s", name, value ? "=" : "", value ? value : "");
	if (len < 0) {
		larger[a->argc] = NULL;
		return fail("out of memory");
	}
	larger[++a->argc] = NULL;
	return 0;
}

static int add_option(struct arguments *a, const char *key, struct json_object *value)
{
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "--%s", key);
	if (json_object_is_type(value, json_type_boolean))
		return add(a, name, NULL);
	if (!json_object_is_type(value, json_type_array))
		return add(a, name, json_object_get_string(value));
	for (i = 0; i < json_object_array_length(value); i++) {
		if (add(a, name, json_object_get_string(json_object_array_get_idx(value, i))))
			return -1;
	}
	return 0;
}

static int make_arguments(struct arguments *a, const char *name, struct json_object *config)
{
	struct json_object *options;

	json_object_object_get_ex(config, "options", &options);
	if (add(a, "run", NULL) || add(a, "--name", name))
		return -1;
	json_object_object_foreach(options, key, value) {
		if (add_option(a, key, value))
			return -1;
	}
	return 0;
}

int saved_machine_read(struct saved_machine *machine, const char *name,
		       struct json_object *config)
{
	struct arguments a = { 0 };
	int ret;

	memset(machine, 0, sizeof(*machine));
	machine->config = config;
	ret = make_arguments(&a, name, config);
	machine->argv = a.argv;
	if (!ret)
		ret = run_options_parse(&machine->options, a.argc, a.argv);
	if (ret)
		saved_machine_close(machine);
	return ret;
}

int saved_config_open(const char *name, struct json_object **config)
{
	char path[PATH_MAX], *text;
	size_t len;
	int ret;

	if (machine_store_path(name, STORE_CONFIG, path))
		return -1;
	text = machine_store_read(name, &len);
	if (!text)
		return -1;
	ret = saved_config_parse(text, len, path, config);
	free(text);
	return ret;
}

int saved_machine_open(struct saved_machine *machine, const char *name)
{
	struct json_object *config;

	return saved_config_open(name, &config) ? -1 : saved_machine_read(machine, name, config);
}

void saved_machine_close(struct saved_machine *machine)
{
	char **argv;

	for (argv = machine->argv; argv && *argv; argv++)
		free(*argv);
	free(machine->argv);
	json_object_put(machine->config);
	memset(machine, 0, sizeof(*machine));
}
