/* SPDX-License-Identifier: GPL-2.0-only */
/* --memory min=A,max=B, or B,min=A: memory that breathes (machine_breath.h). */
#ifndef HVCTL_BREATH_OPTIONS_H
#define HVCTL_BREATH_OPTIONS_H

#include <json-c/json.h>

#include "machine_breath.h"

/* Is @text of that kind? */
bool breath_options_are(const char *text);

/* -1 with a sentence. What isn't said is 0; a machine needs both. */
int breath_options_parse(const char *text, struct breath_bounds *bounds);

/* The member "breath" of @object, with "min" and "max"; both are 0 where it isn't there. */
int breath_options_from_json(struct breath_bounds *bounds, struct json_object *object);
void breath_options_to_json(const struct breath_bounds *bounds, struct json_object *object);

#endif
