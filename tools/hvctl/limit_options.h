/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a machine may take of its host: --cpu-units, --cpu-limit, --cpu-affinity and
 * --memory-limit, as options of verbs and as JSON in requests.
 */
#ifndef HVCTL_LIMIT_OPTIONS_H
#define HVCTL_LIMIT_OPTIONS_H

#include <getopt.h>
#include <json-c/json.h>

#include "cpu_list.h"
#include "types.h"

enum limit {
	LIMIT_CPU_UNITS,
	LIMIT_CPU,
	LIMIT_CPU_AFFINITY,
	LIMIT_MEMORY,
	LIMITS,
};

/* Shares of CPU time: vzctl's range, and its default, which is what other groups have. */
#define CPU_UNITS_MIN		1
#define CPU_UNITS_MAX		500000
#define CPU_UNITS_DEFAULT	1000

#define CPU_PERCENT_MAX		(100 * CPU_LIST_MAX)

/* hvctl itself, the kernel's part of a machine, and some guest. */
#define MEMORY_LIMIT_MIN	MIB(16)

struct limits {
	u32 given;		/* a bit for each enum limit; the others' values mean nothing */
	u32 cpu_units;
	u32 cpu_percent;	/* of one of the host's CPUs; 0: no limit */
	struct cpu_list cpus;	/* empty: all */
	u64 memory;		/* bytes; 0: no limit */
};

/* Rows for getopt_long(); each option's number is @first and its enum limit. */
#define LIMIT_OPTIONS(first)						\
	{ "cpu-units",	  required_argument, NULL, (first) + LIMIT_CPU_UNITS },	\
	{ "cpu-limit",	  required_argument, NULL, (first) + LIMIT_CPU },	\
	{ "cpu-affinity", required_argument, NULL, (first) + LIMIT_CPU_AFFINITY },	\
	{ "memory-limit", required_argument, NULL, (first) + LIMIT_MEMORY }

/* The keys of limits in JSON, for an array of names. */
#define LIMIT_KEYS	"cpu-units", "cpu-limit", "cpu-affinity", "memory-limit"

/* Read an option's value. -1 with a sentence */
int limit_options_parse(struct limits *limits, enum limit limit, const char *text);

/* Add those that are given to @object. */
void limit_options_to_json(const struct limits *limits, struct json_object *object);

/* Those that @object has, which may be NULL. -1 with a sentence if one can't be that. */
int limit_options_from_json(struct limits *limits, struct json_object *object);

/* cpu.weight of @units, 1 to 10000, where others have 100. */
u32 cpu_units_weight(u32 units);

#endif
