/* SPDX-License-Identifier: GPL-2.0-only */
/* What machines reply to "stats", for people. */
#ifndef HVCTL_STATS_TEXT_H
#define HVCTL_STATS_TEXT_H

#include <json-c/json.h>
#include <stdio.h>

#include "types.h"

/* All of one machine's; @share is how much memory is its own, 0 if nobody knows. */
void stats_text_print(struct json_object *stats, u64 share, FILE *out);

/* A row for each of several: those of the array @list, in its order. */
void stats_text_list(struct json_object *list, FILE *out);

#endif
