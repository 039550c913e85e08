/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bystanders: processes with a VM and memory of their own, in which nothing may change
 */
#ifndef LHV_FUZZ_CANARY_H
#define LHV_FUZZ_CANARY_H

#include <sys/types.h>

#include "types.h"

struct canary {
	pid_t pid;
	int socket;
};

void canary_start(struct canary *canary);

/* Its guest and its memory are what they should be? Else it has said why not. */
bool canary_check(const struct canary *canary);

void canary_end(const struct canary *canary);

#endif /* LHV_FUZZ_CANARY_H */
