/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what each vCPU answers
 */
#ifndef LHV_CPUID_H
#define LHV_CPUID_H

#include <linux/bits.h>
#include <linux/types.h>

#include "arch/x86/x86.h"

/* Leaves found by index: the first 32 of each of the four ranges of 2^30. */
#define LHV_CPUID_RANGES	4
#define LHV_CPUID_DIRECT	32

/* Rows of leaf and sub-leaf that the kernel's feature words are taken from. */
struct lhv_cpuid_word {
	u8 word;		/* enum cpuid_leafs */
	u8 offset;		/* of the register in struct lhv_cpuid_entry */
	u32 function;
	u32 index;
};

/* In struct lhv_cpuid's direct table: the leaf is one row, the same for any vCPU. */
#define LHV_CPUID_PLAIN		BIT(15)

/**
 * struct lhv_cpuid - a CPUID table
 * @direct:	by leaf: the index in @entries of its first row plus 1, or 0, with
 *		LHV_CPUID_PLAIN
 * @count:	elements of @entries
 * @phys_bits:	width of guest-physical addresses
 * @cr4_allowed: bits that CR4 may have
 * @xcr0_allowed: bits that XCR0 may have; 0 without XSAVE
 * @entries:	rows, sorted by function and index; those that tell the APIC id do
 *		so only when a vCPU asks, so that vCPUs can share a table
 *
 * Immutable once a vCPU has it, and replaced as a whole under vcpu->mutex,
 * which the vCPU's own thread holds while it runs.
 */
struct lhv_cpuid {
	u16 direct[LHV_CPUID_RANGES][LHV_CPUID_DIRECT];
	u32 count;
	u32 phys_bits;
	unsigned long cr4_allowed;
	u64 xcr0_allowed;
	struct lhv_cpuid_entry entries[];
};

/* ---- arch/x86/cpuid_host.c: what lhv offers on this host ---- */

/**
 * lhv_cpuid_host_init - work out the supported set
 *
 * At module load, after lhv_vmx_read_caps(). Return: 0 or -ENOMEM.
 */
int lhv_cpuid_host_init(void);
void lhv_cpuid_host_exit(void);

/* The supported set, as of APIC id 0; what a vCPU has until it is given another. */
const struct lhv_cpuid *lhv_cpuid_host(void);

/* ---- arch/x86/cpuid.c ---- */

/**
 * lhv_cpuid_new - make a struct lhv_cpuid from rows in any order
 * @entries: the rows
 * @n: how many
 *
 * @cr4_allowed and @xcr0_allowed hold what the rows say, unlimited by what the
 * host has. Return: the struct (kfree() it), or ERR_PTR: -EINVAL for a row that
 * contradicts another, has a reserved field or an unknown flag set, for physical
 * addresses of less than 32 or more than 52 bits, or for too many; -ENOMEM.
 */
struct lhv_cpuid *lhv_cpuid_new(const struct lhv_cpuid_entry *entries, u32 n);

/* The row for a leaf and sub-leaf, or NULL. */
const struct lhv_cpuid_entry *lhv_cpuid_find(const struct lhv_cpuid *cpuid, u32 function,
					     u32 index);

/* Where a word of the kernel's feature bits is in CPUID; NULL if lhv doesn't know. */
const struct lhv_cpuid_word *lhv_cpuid_word(unsigned int word);

static inline u32 *lhv_cpuid_register(struct lhv_cpuid_entry *e, const struct lhv_cpuid_word *w)
{
	return (void *)e + w->offset;
}

/**
 * lhv_cpuid_has - does a vCPU's CPUID have a feature?
 * @cpuid: the CPUID
 * @feature: X86_FEATURE_* of a word that lhv_cpuid_word() knows
 */
bool lhv_cpuid_has(const struct lhv_cpuid *cpuid, unsigned int feature);

/* A new vCPU gets the supported set; the end of it. */
void lhv_cpuid_init(struct lhv_vcpu *vcpu);
void lhv_cpuid_destroy(struct lhv_vcpu *vcpu);

/**
 * lhv_cpuid_set - replace a vCPU's CPUID
 * @vcpu: the vCPU
 * @entries: rows, in any order; the fields that tell the APIC id are taken to
 *	be the vCPU's own id
 * @n: how many
 *
 * Features that lhv can't give stay shown as @entries has them, but their bits
 * in CR4 and XCR0 can't be set. Context: vcpu->mutex held. Return: as
 * lhv_cpuid_new(); on failure nothing has changed.
 */
int lhv_cpuid_set(struct lhv_vcpu *vcpu, const struct lhv_cpuid_entry *entries, u32 n);

/*
 * LHV_STATE_CPUID, in kernel memory; errors as in struct lhv_state.
 * vcpu->mutex held; the vCPU is loaded for setting.
 */
int lhv_cpuid_get_record(struct lhv_vcpu *vcpu, void *data, u32 *len);
int lhv_cpuid_set_record(struct lhv_vcpu *vcpu, const void *data, u32 len);

/**
 * lhv_cpuid_query - what the CPUID instruction answers a vCPU
 * @vcpu: the vCPU, loaded
 * @function: EAX
 * @index: ECX
 * @out: the row, with the bits that follow the vCPU's state
 */
void lhv_cpuid_query(struct lhv_vcpu *vcpu, u32 function, u32 index,
		     struct lhv_cpuid_entry *out);

/* The exit's handler. Interrupts off. */
enum lhv_fate lhv_handle_cpuid(struct lhv_vcpu *vcpu);

#endif /* LHV_CPUID_H */
