/* SPDX-License-Identifier: GPL-2.0-only */
/* What machines reply to "stats", as OpenMetrics text (version 1.0.0). */
#ifndef HVCTL_METRICS_TEXT_H
#define HVCTL_METRICS_TEXT_H

#include <json-c/json.h>
#include <stdio.h>

/*
 * Of the array @list, whose elements are replies, or objects with nothing but "name": of one that
 * didn't answer. All of it, up to the end of the text.
 */
void metrics_text_print(struct json_object *list, FILE *out);

#endif
