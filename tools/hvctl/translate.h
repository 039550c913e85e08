/* SPDX-License-Identifier: GPL-2.0-only */
/* From the guest's addresses to its memory, as its paging has it now. */
#ifndef HVCTL_TRANSLATE_H
#define HVCTL_TRANSLATE_H

#include <lhv.h>

#include "memory.h"
#include "types.h"

/*
 * Walk the guest's page tables for @linear. Returns false if it is not mapped.
 * Permissions are not looked at: this is for people, not for the guest.
 */
bool translate(const struct guest_memory *mem, const struct lhv_sregs *sregs,
	       u64 linear, u64 *gpa);

/* Read up to @len bytes at @linear; returns how many could be read. */
unsigned int read_linear(const struct guest_memory *mem, const struct lhv_sregs *sregs,
			 u64 linear, u8 *buf, unsigned int len);

/* How the guest accesses memory. */
struct guest_access {
	u32 access;		/* PF_WRITE, PF_USER, PF_FETCH */
	bool smap;		/* CR4.SMAP is set, and no flag suspends it */
	unsigned int phys_bits;	/* width of guest-physical addresses */
};

/*
 * As the processor does it for an access: with permissions, setting accessed and
 * dirty flags. Returns false if that is a page fault, with its error code.
 */
bool translate_access(const struct guest_memory *mem, const struct lhv_sregs *sregs,
		      const struct guest_access *access, u64 linear, u64 *gpa, u32 *error);

#endif
