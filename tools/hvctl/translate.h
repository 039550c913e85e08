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

#endif
