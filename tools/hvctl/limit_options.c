// SPDX-License-Identifier: GPL-2.0-only
#include "limit_options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "size.h"

#define WEIGHT_MAX	10000

/* ---- values --------------------------------------------------------------------- */

static int check_units(u64 units)
{
	if (units < CPU_UNITS_MIN || units > CPU_UNITS_MAX)
		return fail("--cpu-units: %" PRIu64 " is not from %u to %u; machines, and others on the host, have %u if nothing is said",
			    units, CPU_UNITS_MIN, CPU_UNITS_MAX, CPU_UNITS_DEFAULT);
	return 0;
}

static int check_percent(u64 percent)
{
	if (percent > CPU_PERCENT_MAX)
		return fail("--cpu-limit: %" PRIu64 " %% are more than any host has; give 100 for each CPU, or 0 for no limit",
			    percent);
	return 0;
}

static int check_memory(u64 size)
{
	char text[32];

	if (size && size < MEMORY_LIMIT_MIN)
		return fail("--memory-limit: %s is too little for any machine; give 16M at least, or 0 for no limit",
			    format_size(size, text, sizeof(text)));
	if (size % KIB(4))
		return fail("--memory-limit: %" PRIu64 " bytes are no whole pages; give a multiple of 4K",
			    size);
	return 0;
}

static int parse_units(struct limits *limits, const char *text)
{
	u64 units;

	if (parse_number(text, "--cpu-units", CPU_UNITS_MIN, CPU_UNITS_MAX, &units))
		return -1;
	limits->cpu_units = units;
	return 0;
}

static int parse_percent(struct limits *limits, const char *text)
{
	size_t len = strlen(text);
	char number[16];
	u64 percent;

	if (len && text[len - 1] == '%')
		len--;
	if (!len || len >= sizeof(number))
		return fail("--cpu-limit: '%s' is no percentage; give 150 for one and a half CPUs, or 0 for no limit",
			    text);
	memcpy(number, text, len);
	number[len] = '\0';
	if (parse_number(number, "--cpu-limit", 0, CPU_PERCENT_MAX, &percent))
		return -1;
	limits->cpu_percent = percent;
	return 0;
}

static int parse_affinity(struct limits *limits, const char *text)
{
	if (!strcmp(text, "all")) {
		memset(&limits->cpus, 0, sizeof(limits->cpus));
		return 0;
	}
	if (!cpu_list_parse(&limits->cpus, text) || cpu_list_is_empty(&limits->cpus))
		return fail("--cpu-affinity: '%.80s' is no list of CPUs; give numbers and ranges, for instance 0-3,8, or 'all'",
			    text);
	return 0;
}

int limit_options_parse(struct limits *limits, enum limit limit, const char *text)
{
	int ret;

	switch (limit) {
	case LIMIT_CPU_UNITS:
		ret = parse_units(limits, text);
		break;
	case LIMIT_CPU:
		ret = parse_percent(limits, text);
		break;
	case LIMIT_CPU_AFFINITY:
		ret = parse_affinity(limits, text);
		break;
	default:
		ret = parse_size(text, "--memory-limit", &limits->memory);
		if (!ret)
			ret = check_memory(limits->memory);
	}
	if (!ret)
		limits->given |= BIT(limit);
	return ret;
}

/* ---- JSON ----------------------------------------------------------------------- */

static bool given(const struct limits *limits, enum limit limit)
{
	return limits->given & BIT(limit);
}

static void add_affinity(const struct cpu_list *cpus, struct json_object *object)
{
	char *text = malloc(CPU_LIST_TEXT);

	if (!text)
		return;
	json_object_object_add(object, "cpu-affinity",
			       json_object_new_string(cpu_list_is_empty(cpus) ? "all" :
						      cpu_list_format(cpus, text)));
	free(text);
}

void limit_options_to_json(const struct limits *limits, struct json_object *object)
{
	if (given(limits, LIMIT_CPU_UNITS))
		json_object_object_add(object, "cpu-units",
				       json_object_new_int(limits->cpu_units));
	if (given(limits, LIMIT_CPU))
		json_object_object_add(object, "cpu-limit",
				       json_object_new_int(limits->cpu_percent));
	if (given(limits, LIMIT_CPU_AFFINITY))
		add_affinity(&limits->cpus, object);
	if (given(limits, LIMIT_MEMORY))
		json_object_object_add(object, "memory-limit",
				       json_object_new_uint64(limits->memory));
}

/* 1: it is there, in @number; 0: it isn't; -1 with a sentence */
static int get_number(struct json_object *object, const char *key, u64 *number)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return fail("%s is no number", key);
	*number = json_object_get_int64(value);
	return 1;
}

static int get_affinity(struct limits *limits, struct json_object *object)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, "cpu-affinity", &value))
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return fail("cpu-affinity is no text");
	return limit_options_parse(limits, LIMIT_CPU_AFFINITY, json_object_get_string(value));
}

int limit_options_from_json(struct limits *limits, struct json_object *object)
{
	static const char * const key[LIMITS] = {
		[LIMIT_CPU_UNITS] = "cpu-units", [LIMIT_CPU] = "cpu-limit",
		[LIMIT_MEMORY] = "memory-limit",
	};
	static int (* const check[LIMITS])(u64 number) = {
		[LIMIT_CPU_UNITS] = check_units, [LIMIT_CPU] = check_percent,
		[LIMIT_MEMORY] = check_memory,
	};
	u64 number[LIMITS] = { 0 };
	unsigned int i;
	int there;

	*limits = (struct limits){ 0 };
	for (i = 0; i < LIMITS; i++) {
		if (!key[i])
			continue;
		there = get_number(object, key[i], &number[i]);
		if (!there)
			continue;
		if (there < 0 || check[i](number[i]))
			return -1;
		limits->given |= BIT(i);
	}
	limits->cpu_units = number[LIMIT_CPU_UNITS];
	limits->cpu_percent = number[LIMIT_CPU];
	limits->memory = number[LIMIT_MEMORY];
	return get_affinity(limits, object);
}

/* ---- cgroups -------------------------------------------------------------------- */

/* In proportion, as far as weights reach: the default is 100 of them. */
u32 cpu_units_weight(u32 units)
{
	u64 weight = ((u64)units * 100 + CPU_UNITS_DEFAULT / 2) / CPU_UNITS_DEFAULT;

	return min_u64(max_u64(weight, 1), WEIGHT_MAX);
}
