/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_SET_H
#define HVCTL_MACHINE_SET_H

#include <json-c/json.h>

struct machine;

/*
 * The command "set" (docs/control.md): all of @arguments is checked before anything is
 * changed. Returns what a control_handler does.
 */
int machine_set(struct machine *m, struct json_object *arguments, struct json_object **result);

#endif
