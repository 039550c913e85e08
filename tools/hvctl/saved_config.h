/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is saved of a machine: the options of "hvctl run" that it is run with, as JSON.
 *
 *   {"version":1, "datacenter":"hel-1",
 *    "options":{"cpus":"2", "rng":true, "disk":["path=/srv/web.img", "path=/srv/data.img"]}}
 *
 * Values are as on run's command line, with absolute paths. An option that may be repeated
 * has an array; one that takes no value, true.
 */
#ifndef HVCTL_SAVED_CONFIG_H
#define HVCTL_SAVED_CONFIG_H

#include <json-c/json.h>

#include "run_options.h"

/* Counts up when something changes that an earlier hvctl can't know. */
#define SAVED_CONFIG_VERSION	1

#define DATACENTER_MAX		63

/* One without options. json_object_put() frees it. */
struct json_object *saved_config_create(void);

/*
 * Parse what is in a file; @what says which. Later versions, and members, options and types
 * that there aren't, are refused. -1 with a sentence
 */
int saved_config_parse(const char *text, size_t len, const char *what,
		       struct json_object **config);

/* As it is written to a file; lasts as long as @config isn't touched. */
const char *saved_config_text(struct json_object *config);

/*
 * Give the option @name of run_long_options the value @value, or NULL if it takes none. Of
 * one that may be repeated, it's put in the place of the value for the same thing (a drive with
 * the same image, a port of the same name), or after the others. For
 * --cpus and --memory see saved_amount_merge().
 */
void saved_config_put(struct json_object *config, const char *name, const char *value);

/* Of one that may be repeated: before, or after all other values. */
void saved_config_put_first(struct json_object *config, const char *name, const char *value);
void saved_config_put_last(struct json_object *config, const char *name, const char *value);

bool saved_config_is_repeated(const char *name);

/*
 * Take out the option @name, or of one that may be repeated the value for the thing that
 * @value names, as it is in saved_config_put(). -1 with a sentence if it hasn't that
 */
int saved_config_take(struct json_object *config, const char *name, const char *value);

/* The placement label; "": none. A label has printable characters, or -1 with a sentence. */
int saved_config_set_datacenter(struct json_object *config, const char *label);
const char *saved_config_datacenter(struct json_object *config);

/* May it be in a config? Those about the command line itself, or one run only, may not. */
bool saved_config_allows(const char *name);

/* A machine's, ready to run. */
struct saved_machine {
	struct json_object *config;
	char **argv;
	struct run_options options;	/* its pointers are into @argv */
};

/* Read the options of @config, which is given up, for the machine @name. -1 with a sentence */
int saved_machine_read(struct saved_machine *machine, const char *name,
		       struct json_object *config);

/* Read the config of the machine @name, which was created; as it is, or ready to run. */
int saved_config_open(const char *name, struct json_object **config);
int saved_machine_open(struct saved_machine *machine, const char *name);
void saved_machine_close(struct saved_machine *machine);

#endif
