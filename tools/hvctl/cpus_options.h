/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_CPUS_OPTIONS_H
#define HVCTL_CPUS_OPTIONS_H

#include "types.h"

/* No CPU numbers more; the module's own limit is checked when it is known. */
#define CPUS_MAX	4096

struct cpus_options {
	unsigned int number;	/* 1 to CPUS_MAX */
	unsigned int max;	/* @number at least, and that if it isn't given */
	bool change;		/* it's given, and so the number may become another */
};

/* Read the value of --cpus: N[,max=M]. -1 with a sentence */
int cpus_options_parse(struct cpus_options *options, const char *text);

/* The same where a machine runs, which has its maximum: N */
int cpus_options_parse_number(const char *text, unsigned int *number);

#endif
