// SPDX-License-Identifier: GPL-2.0-only
/* The four paging modes of SDM 3A, chapter 4. */
#include "translate.h"

#include <string.h>

#include "x86_bits.h"

/* One walk through the tables. */
struct walk {
	const struct guest_memory *mem;
	const struct lhv_sregs *sregs;
	u64 linear;
	unsigned int levels;	/* 2: 32-bit, 3: PAE, 4 or 5 */
	unsigned int level;	/* of the entry at hand, 1 is the last */
	u64 *at;		/* where it is, 32 or 64 bits wide */
	u64 entry;
	u64 rights;		/* PTE_WRITABLE, PTE_USER: those that all levels give */
	bool nx;
};

static unsigned int entry_size(const struct walk *w)
{
	return w->levels == 2 ? 4 : 8;
}

static unsigned int shift(const struct walk *w)
{
	return 12 + (w->level - 1) * (w->levels == 2 ? 10 : 9);
}

static void walk_begin(struct walk *w, u64 *table)
{
	const struct lhv_sregs *sregs = w->sregs;

	w->rights = PTE_WRITABLE | PTE_USER;
	w->nx = false;
	if (sregs->efer & EFER_LMA) {
		w->levels = sregs->cr4 & CR4_LA57 ? 5 : 4;
		*table = sregs->cr3 & PTE_ADDRESS;
	} else {
		w->levels = sregs->cr4 & CR4_PAE ? 3 : 2;
		w->linear = (u32)w->linear;
		*table = sregs->cr3 & (w->levels == 3 ? 0xffffffe0 : 0xfffff000);
	}
	w->level = w->levels;
}

/* Reads the entry of w->level in @table; returns false if it isn't there. */
static bool walk_step(struct walk *w, u64 table)
{
	unsigned int size = entry_size(w);
	u64 index = w->linear >> shift(w) & ((w->levels == 2 ? 1024 : 512) - 1);

	w->at = memory_at(w->mem, table + index * size, size);
	w->entry = 0;
	if (!w->at)
		return false;
	memcpy(&w->entry, w->at, size);
	return w->entry & PTE_PRESENT;
}

static bool is_leaf(const struct walk *w)
{
	if (w->level == 1)
		return true;
	if (!(w->entry & PTE_LARGE))
		return false;
	if (w->levels == 2)
		return w->sregs->cr4 & CR4_PSE;
	return w->level == 2 || (w->level == 3 && w->levels > 3);
}

static u64 leaf_address(const struct walk *w)
{
	u64 offset = (1ULL << shift(w)) - 1;

	/* PSE-36: 4 MiB pages have bits 39:32 among those of the offset. */
	if (w->levels == 2 && w->level == 2)
		return (w->entry & 0xffc00000) | (w->entry >> 13 & 0xff) << 32 |
		       (w->linear & offset);
	return (w->entry & PTE_ADDRESS & ~offset) | (w->linear & offset);
}

bool translate(const struct guest_memory *mem, const struct lhv_sregs *sregs,
	       u64 linear, u64 *gpa)
{
	struct walk w = { .mem = mem, .sregs = sregs, .linear = linear };
	u64 table;

	if (!(sregs->cr0 & CR0_PG)) {
		*gpa = (u32)linear;
		return true;
	}
	walk_begin(&w, &table);
	for (;; w.level--) {
		if (!walk_step(&w, table))
			return false;
		if (is_leaf(&w))
			break;
		table = w.entry & PTE_ADDRESS;
	}
	*gpa = leaf_address(&w);
	return true;
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

/* ---- as the guest's own accesses --------------------------------------- */

/* The reserved bits that are set (SDM 3A 4.3 to 4.5). */
static u64 reserved_bits(const struct walk *w, unsigned int phys_bits)
{
	bool leaf = is_leaf(w);
	u64 reserved;

	if (w->levels == 2)
		return leaf && w->level == 2 ? w->entry & BIT(21) : 0;
	reserved = PTE_ADDRESS & ~((1ULL << phys_bits) - 1);
	if (w->levels == 3)
		reserved |= 0x7ff0000000000000ULL;
	if (!(w->sregs->efer & EFER_NXE))
		reserved |= PTE_NX;
	if (w->level > 3)
		reserved |= PTE_LARGE;
	else if (leaf && w->level > 1)
		reserved |= ((1ULL << shift(w)) - 1) & ~0x1fffULL;
	return w->entry & reserved;
}

/* What forbids the access, of all the levels' rights together (SDM 3A 4.6.1)? */
static bool forbidden(const struct walk *w, u32 access, bool smap)
{
	bool user_page = w->rights & PTE_USER, user = access & PF_USER;

	if (user && !user_page)
		return true;
	if (access & PF_FETCH)
		return w->nx || (!user && user_page && w->sregs->cr4 & CR4_SMEP);
	if (!user && user_page && smap)
		return true;
	return access & PF_WRITE && !(w->rights & PTE_WRITABLE) &&
	       (user || w->sregs->cr0 & CR0_WP);
}

/* Returns false if the entry isn't any more what it was. */
static bool set_flags(struct walk *w, u64 flags)
{
	u32 old32 = w->entry;

	if ((w->entry & flags) == flags)
		return true;
	if (entry_size(w) == 8)
		return __atomic_compare_exchange_n(w->at, &w->entry, w->entry | flags, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return __atomic_compare_exchange_n((u32 *)w->at, &old32, old32 | flags, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

enum walk_result { WALK_OK, WALK_FAULT, WALK_AGAIN };

/* PAE's topmost entries have no rights, and were checked when CR3 was loaded. */
static bool is_pdpte(const struct walk *w)
{
	return w->levels == 3 && w->level == 3;
}

static enum walk_result walk(struct walk *w, const struct guest_access *a, u64 *gpa, u32 *reason)
{
	u64 table;

	walk_begin(w, &table);
	for (;; w->level--) {
		*reason = 0;
		if (!walk_step(w, table))
			return WALK_FAULT;
		table = w->entry & PTE_ADDRESS;
		if (is_pdpte(w))
			continue;
		*reason = PF_PRESENT | PF_RESERVED;
		if (reserved_bits(w, a->phys_bits))
			return WALK_FAULT;
		w->rights &= w->entry;
		w->nx |= w->levels > 2 && w->entry & PTE_NX;
		if (is_leaf(w))
			break;
		if (!set_flags(w, PTE_ACCESSED))
			return WALK_AGAIN;
	}
	*reason = PF_PRESENT;
	if (forbidden(w, a->access, a->smap))
		return WALK_FAULT;
	*gpa = leaf_address(w);
	return set_flags(w, PTE_ACCESSED | (a->access & PF_WRITE ? PTE_DIRTY : 0)) ?
		WALK_OK : WALK_AGAIN;
}

bool translate_access(const struct guest_memory *mem, const struct lhv_sregs *sregs,
		      const struct guest_access *access, u64 linear, u64 *gpa, u32 *error)
{
	struct walk w = { .mem = mem, .sregs = sregs };
	enum walk_result result;
	u32 reason;

	if (!(sregs->cr0 & CR0_PG)) {
		*gpa = (u32)linear;
		return true;
	}
	do {
		w.linear = linear;
		result = walk(&w, access, gpa, &reason);
	} while (result == WALK_AGAIN);
	*error = access->access | reason;
	/* Without execute protection fetches aren't told apart (SDM 3A 4.7). */
	if (!(sregs->efer & EFER_NXE && sregs->cr4 & CR4_PAE) && !(sregs->cr4 & CR4_SMEP))
		*error &= ~PF_FETCH;
	return result == WALK_OK;
}
