// SPDX-License-Identifier: GPL-2.0-only
/* Leaves after SDM 2A, CPUID; hypervisor leaves after KVM's cpuid.rst. */
#include "cpuid.h"

#include <string.h>

#include "error.h"

#define LEAF_FEATURES		0x1
#define LEAF_CACHES		0x4
#define LEAF_TOPOLOGY		0xb
#define LEAF_CRYSTAL		0x15
#define LEAF_FREQUENCY		0x16
#define LEAF_TOPOLOGY_V2	0x1f

#define LEAF_HYPERVISOR		0x40000000
#define LEAF_KVM_FEATURES	0x40000001
#define LEAF_TIMING		0x40000010
#define LEAF_LHV		0x40000100
#define LEAF_LHV_MACHINE	0x40000101
#define LEAF_HYPERVISOR_MASK	0xffff0000

#define ECX1_HYPERVISOR		BIT(31)
#define EDX1_HTT		BIT(28)

/* Port 0x80 needs no delay here: true of any machine without an ISA bus. */
#define KVM_FEATURE_NOP_IO_DELAY	BIT(1)

#define CACHE_TYPE_MASK		0x1f
#define CACHE_LEVEL_SHIFT	5
#define CACHE_LEVEL_MASK	7
#define CACHE_COUNTS		0xffffc000U	/* sharing threads, cores */
#define CACHE_SHARING_SHIFT	14
#define CACHE_CORES_SHIFT	26

#define TOPOLOGY_SMT		1
#define TOPOLOGY_CORE		2

#define LHV_MACHINE_MODEL	1

struct lhv_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 function, u32 index)
{
	unsigned int i;

	for (i = 0; i < table->count; i++) {
		struct lhv_cpuid_entry *e = &table->entry[i];

		if (e->function == function &&
		    (!(e->flags & LHV_CPUID_INDEXED) || e->index == index))
			return e;
	}
	return NULL;
}

/* Drop all leaves whose number, masked, is @function. */
static void drop(struct cpuid_table *table, u32 mask, u32 function)
{
	unsigned int from, to = 0;

	for (from = 0; from < table->count; from++) {
		if ((table->entry[from].function & mask) != function)
			table->entry[to++] = table->entry[from];
	}
	table->count = to;
}

static int add(struct cpuid_table *table, struct lhv_cpuid_entry entry)
{
	if (table->count == LHV_MAX_CPUID_ENTRIES)
		return fail("the CPUID table is full");
	table->entry[table->count++] = entry;
	return 0;
}

/* Bits of an APIC id that number @cpus processors. */
static unsigned int id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (cpus > 1U << bits)
		bits++;
	return bits;
}

/* One package of single-threaded cores. Leaf 1 counts up to 255. */
static void set_features(struct cpuid_table *table, unsigned int cpus)
{
	struct lhv_cpuid_entry *e = cpuid_find(table, LEAF_FEATURES, 0);
	u32 logical = min_u64(1U << id_bits(cpus), 255);

	if (!e)
		return;
	e->ebx = (e->ebx & 0x0000ffff) | logical << 16;
	e->ecx |= ECX1_HYPERVISOR;
	e->edx = cpus > 1 ? e->edx | EDX1_HTT : e->edx & ~EDX1_HTT;
}

/* Level 3 belongs to all cores, the levels below to one each. */
static void set_caches(struct cpuid_table *table, unsigned int cpus)
{
	u32 ids = 1U << id_bits(cpus);
	unsigned int i;

	for (i = 0; i < table->count; i++) {
		struct lhv_cpuid_entry *e = &table->entry[i];
		u32 level = e->eax >> CACHE_LEVEL_SHIFT & CACHE_LEVEL_MASK;
		u32 sharing = level >= 3 ? min_u64(ids, 4096) : 1;

		if (e->function != LEAF_CACHES || !(e->eax & CACHE_TYPE_MASK))
			continue;
		e->eax = (e->eax & ~CACHE_COUNTS) | (sharing - 1) << CACHE_SHARING_SHIFT |
			 (u32)(min_u64(ids, 64) - 1) << CACHE_CORES_SHIFT;
	}
}

static int set_topology(struct cpuid_table *table, unsigned int cpus)
{
	struct lhv_cpuid_entry e = { .function = LEAF_TOPOLOGY, .flags = LHV_CPUID_INDEXED };

	drop(table, UINT32_MAX, LEAF_TOPOLOGY);
	drop(table, UINT32_MAX, LEAF_TOPOLOGY_V2);

	e.ebx = 1;
	e.ecx = TOPOLOGY_SMT << 8;
	if (add(table, e))
		return -1;
	e.index = 1;
	e.eax = id_bits(cpus);
	e.ebx = cpus;
	e.ecx = TOPOLOGY_CORE << 8 | e.index;
	if (add(table, e))
		return -1;
	/* The level of type 0 ends the list. */
	e.index = 2;
	e.eax = 0;
	e.ebx = 0;
	e.ecx = e.index;
	return add(table, e);
}

static u32 greatest_common_divisor(u32 a, u32 b)
{
	while (b) {
		u32 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * The TSC runs at EBX / EAX times the crystal, whose frequency in Hz is ECX and
 * is also that of the APIC timer. Guests multiply in 32 bits (Linux: kHz times
 * EBX), so EBX is kept small where the exact ratio would not fit. A crystal
 * whose Hz don't fit is told as slower: the TSC must be right above all, and
 * guests that count APIC timer ticks although they have the TSC deadline are
 * few.
 */
static int set_frequencies(struct cpuid_table *table, const struct lhv_info *info)
{
	u32 tsc = info->tsc_khz, crystal = info->apic_timer_khz;
	struct lhv_cpuid_entry e = { .function = LEAF_CRYSTAL };
	struct lhv_cpuid_entry *max;
	u32 gcd;

	drop(table, UINT32_MAX, LEAF_CRYSTAL);
	drop(table, UINT32_MAX, LEAF_FREQUENCY);
	if (!tsc || !crystal)
		return 0;
	while (crystal > UINT32_MAX / 1000)
		crystal /= 2;
	gcd = greatest_common_divisor(tsc, crystal);

	e.eax = crystal / gcd;
	e.ebx = tsc / gcd;
	e.ecx = crystal * 1000;
	if ((u64)e.ebx * crystal > UINT32_MAX) {
		u32 most = UINT32_MAX / crystal;

		e.eax = ((u64)crystal * most + tsc / 2) / tsc;
		e.ebx = most;
	}
	if (add(table, e))
		return -1;

	e = (struct lhv_cpuid_entry){ .function = LEAF_FREQUENCY };
	e.eax = tsc / 1000;
	e.ebx = tsc / 1000;
	if (add(table, e))
		return -1;
	max = cpuid_find(table, 0, 0);
	if (max && max->eax < LEAF_FREQUENCY)
		max->eax = LEAF_FREQUENCY;
	return 0;
}

/* A leaf with the last leaf of its interface in EAX, and 12 bytes of name. */
static int add_signature(struct cpuid_table *table, u32 function, u32 last, const char *name)
{
	struct lhv_cpuid_entry e = { .function = function, .eax = last };

	memcpy(&e.ebx, name, 4);
	memcpy(&e.ecx, name + 4, 4);
	memcpy(&e.edx, name + 8, 4);
	return add(table, e);
}

static int set_hypervisor(struct cpuid_table *table, const struct lhv_info *info)
{
	struct lhv_cpuid_entry features = {
		.function = LEAF_KVM_FEATURES,
		.eax = KVM_FEATURE_NOP_IO_DELAY,
	};
	struct lhv_cpuid_entry timing = {
		.function = LEAF_TIMING,
		.eax = info->tsc_khz,
		.ebx = info->apic_timer_khz,
	};
	struct lhv_cpuid_entry machine = {
		.function = LEAF_LHV_MACHINE,
		.eax = LHV_MACHINE_MODEL,
	};

	drop(table, LEAF_HYPERVISOR_MASK, LEAF_HYPERVISOR);
	if (add_signature(table, LEAF_HYPERVISOR, LEAF_TIMING, "KVMKVMKVM\0\0\0") ||
	    add(table, features) || add(table, timing) ||
	    add_signature(table, LEAF_LHV, LEAF_LHV_MACHINE, "LHVLHVLHVLHV") ||
	    add(table, machine))
		return -1;
	return 0;
}

int cpuid_build(struct cpuid_table *table, const struct lhv_info *info, unsigned int cpus)
{
	set_features(table, cpus);
	set_caches(table, cpus);
	if (set_topology(table, cpus) || set_frequencies(table, info) ||
	    set_hypervisor(table, info))
		return -1;
	cpuid_set_apic_id(table, 0);
	return 0;
}

void cpuid_set_apic_id(struct cpuid_table *table, u32 id)
{
	struct lhv_cpuid_entry *e = cpuid_find(table, LEAF_FEATURES, 0);
	unsigned int i;

	if (e)
		e->ebx = (e->ebx & 0x00ffffff) | id << 24;
	for (i = 0; i < table->count; i++) {
		if (table->entry[i].function == LEAF_TOPOLOGY)
			table->entry[i].edx = id;
	}
}
