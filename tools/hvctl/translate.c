// SPDX-License-Identifier: GPL-2.0-only
/* The four paging modes of SDM 3A, chapter 4. */
#include "translate.h"

#include <string.h>

#include "x86_bits.h"

static bool read_entry(const struct guest_memory *mem, u64 gpa, unsigned int size, u64 *entry)
{
	const void *at = memory_at(mem, gpa, size);

	*entry = 0;
	if (!at)
		return false;
	memcpy(entry, at, size);
	return *entry & PTE_PRESENT;
}

/* 32-bit paging: two levels of 4-byte entries, 4 MiB pages with PSE-36. */
static bool walk_32bit(const struct guest_memory *mem, const struct lhv_sregs *sregs,
		       u32 linear, u64 *gpa)
{
	u64 entry;

	if (!read_entry(mem, (sregs->cr3 & 0xfffff000) + (linear >> 22) * 4, 4, &entry))
		return false;
	if (entry & PTE_LARGE && sregs->cr4 & CR4_PSE) {
		*gpa = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | (linear & 0x3fffff);
		return true;
	}
	if (!read_entry(mem, (entry & 0xfffff000) + (linear >> 12 & 0x3ff) * 4, 4, &entry))
		return false;
	*gpa = (entry & 0xfffff000) | (linear & 0xfff);
	return true;
}

/* 8-byte entries, 9 bits a level, from @table with @levels below it. */
static bool walk_64bit(const struct guest_memory *mem, u64 table, unsigned int levels,
		       u64 linear, u64 *gpa)
{
	u64 entry;

	for (;;) {
		unsigned int shift = 12 + 9 * --levels;
		u64 offset = (1ULL << shift) - 1;

		if (!read_entry(mem, table + (linear >> shift & 0x1ff) * 8, 8, &entry))
			return false;
		if (!levels || (levels < 3 && entry & PTE_LARGE)) {
			*gpa = (entry & PTE_ADDRESS & ~offset) | (linear & offset);
			return true;
		}
		table = entry & PTE_ADDRESS;
	}
}

/* PAE: four entries of 1 GiB each, and then two levels. */
static bool walk_pae(const struct guest_memory *mem, const struct lhv_sregs *sregs,
		     u32 linear, u64 *gpa)
{
	u64 entry;

	if (!read_entry(mem, (sregs->cr3 & 0xffffffe0) + (linear >> 30) * 8, 8, &entry))
		return false;
	return walk_64bit(mem, entry & PTE_ADDRESS, 2, linear, gpa);
}

bool translate(const struct guest_memory *mem, const struct lhv_sregs *sregs,
	       u64 linear, u64 *gpa)
{
	if (!(sregs->cr0 & CR0_PG)) {
		*gpa = (u32)linear;
		return true;
	}
	if (sregs->efer & EFER_LMA)
		return walk_64bit(mem, sregs->cr3 & PTE_ADDRESS,
				  sregs->cr4 & CR4_LA57 ? 5 : 4, linear, gpa);
	if (sregs->cr4 & CR4_PAE)
		return walk_pae(mem, sregs, linear, gpa);
	return walk_32bit(mem, sregs, linear, gpa);
}

unsigned int read_linear(const struct guest_memory *mem, const struct lhv_sregs *sregs,
			 u64 linear, u8 *buf, unsigned int len)
{
	unsigned int n;

	for (n = 0; n < len; n++) {
		const u8 *at;
		u64 gpa;

		if (!translate(mem, sregs, linear + n, &gpa))
			break;
		at = memory_at(mem, gpa, 1);
		if (!at)
			break;
		buf[n] = *at;
	}
	return n;
}
