/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command line says about a machine's saved config: options of "hvctl run", and those
 * that "hvctl create" and "hvctl set" have besides, among them vzctl's words.
 */
#ifndef HVCTL_CONFIG_CHANGES_H
#define HVCTL_CONFIG_CHANGES_H

#include <getopt.h>
#include <json-c/json.h>

#include "types.h"

/* Beside run_long_options; an empty one ends. */
extern const struct option config_long_options[];

/*
 * Change @config as the option @name, of either list, says with @value, which is NULL if it
 * takes none. Paths are made absolute (option_paths.h). Of an option that may be repeated,
 * config_add() adds a value, where config_change() may replace one (saved_config_put()). -1
 * with a sentence: a file isn't there, or the option can't be saved
 */
int config_change(struct json_object *config, const char *name, const char *value);
int config_add(struct json_object *config, const char *name, const char *value);

/* The same for --without OPTION[=VALUE], with @text behind it. */
int config_change_without(struct json_object *config, const char *text);

/* Can it be saved at all? */
bool config_can_change(const char *name);

#endif
