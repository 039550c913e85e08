/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's CPUID: what the module supports, made into machine lhv-1's CPU. */
#ifndef HVCTL_CPUID_H
#define HVCTL_CPUID_H

#include <lhv.h>

#include "types.h"

struct cpuid_table {
	struct lhv_cpuid_entry entry[LHV_MAX_CPUID_ENTRIES];
	unsigned int count;
};

/*
 * Turn the module's list in @table into what vCPU 0 of @cpus shows. Fails if
 * the table is full.
 */
int cpuid_build(struct cpuid_table *table, const struct lhv_info *info, unsigned int cpus);

/* Change the leaves in which a vCPU finds its own APIC id. */
void cpuid_set_apic_id(struct cpuid_table *table, u32 id);

/* The entry of a leaf, or NULL. */
struct lhv_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 function, u32 index);

#endif
