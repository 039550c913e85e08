/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_STATS_H
#define HVCTL_MACHINE_STATS_H

#include <json-c/json.h>

struct machine;

/*
 * The command "stats" (docs/control.md): what was counted so far. It disturbs no vCPU: all is
 * read from where others count. Returns what a control_handler does.
 */
int machine_stats(struct machine *m, struct json_object *arguments, struct json_object **result);

#endif
