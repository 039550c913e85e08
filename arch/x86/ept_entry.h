/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An entry of an EPT paging structure (SDM 3C 29.3.2, tables 29-1 to 29-7)
 *
 * Levels count from the bottom, as in the kernel's PG_LEVEL_*: an entry at
 * level 1 maps 4 KiB, at level 2 2 MiB, at level 3 1 GiB, or refers to the
 * table one level below.
 */
#ifndef LHV_EPT_ENTRY_H
#define LHV_EPT_ENTRY_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "hv/hv.h"

enum ept_level {
	EPT_4K = 1,
	EPT_2M = 2,
	EPT_1G = 3,
	EPT_ROOT = 4,
};

#define EPT_INDEX_BITS		9
#define EPT_ENTRIES		BIT(EPT_INDEX_BITS)

/* Width of the guest-physical addresses that the root reaches. */
#define LHV_EPT_BITS		(EPT_ROOT * EPT_INDEX_BITS + PAGE_SHIFT)

/* First guest frame beyond. */
#define EPT_GFN_LIMIT		((gfn_t)1 << (LHV_EPT_BITS - PAGE_SHIFT))

#define EPT_LEAF		BIT_ULL(7)	/* at levels 2 and 3 */
#define EPT_PFN_MASK		GENMASK_ULL(51, PAGE_SHIFT)

/* What a leaf allows and how it caches, apart from where it points. */
#define EPT_WB			((6ULL << VMX_EPT_MT_EPTE_SHIFT) | VMX_EPT_IPAT_BIT)
#define EPT_UC			0ULL
#define EPT_ATTRIBUTES		(VMX_EPT_RWX_MASK | VMX_EPT_MT_MASK | VMX_EPT_IPAT_BIT)

static_assert((EPT_PFN_MASK & (EPT_ATTRIBUTES | EPT_LEAF | VMX_EPT_ACCESS_BIT |
			       VMX_EPT_DIRTY_BIT)) == 0);
static_assert((EPT_LEAF & (EPT_ATTRIBUTES | VMX_EPT_ACCESS_BIT | VMX_EPT_DIRTY_BIT)) == 0);

/* A type of its own, so that an entry isn't taken for an address. */
struct ept_entry {
	u64 val;
};

#define EPT_NONE		((struct ept_entry){ 0 })

static inline struct ept_entry ept_read(const struct ept_entry *entry)
{
	return (struct ept_entry){ READ_ONCE(entry->val) };
}

/* Guest frames that one entry covers. */
static inline u64 ept_pages(int level)
{
	return 1ULL << ((level - 1) * EPT_INDEX_BITS);
}

static inline unsigned int ept_index(gfn_t gfn, int level)
{
	return (gfn >> ((level - 1) * EPT_INDEX_BITS)) & (EPT_ENTRIES - 1);
}

static inline bool ept_is_present(struct ept_entry e)
{
	return e.val & VMX_EPT_RWX_MASK;
}

static inline bool ept_is_leaf(struct ept_entry e, int level)
{
	return ept_is_present(e) && (level == EPT_4K || (e.val & EPT_LEAF));
}

static inline bool ept_is_table(struct ept_entry e, int level)
{
	return ept_is_present(e) && level > EPT_4K && !(e.val & EPT_LEAF);
}

static inline bool ept_is_writable(struct ept_entry e)
{
	return e.val & VMX_EPT_WRITABLE_MASK;
}

static inline bool ept_is_accessed(struct ept_entry e)
{
	return e.val & VMX_EPT_ACCESS_BIT;
}

static inline bool ept_is_dirty(struct ept_entry e)
{
	return e.val & VMX_EPT_DIRTY_BIT;
}

static inline u64 ept_pfn(struct ept_entry e)
{
	return (e.val & EPT_PFN_MASK) >> PAGE_SHIFT;
}

static inline struct ept_entry *ept_table(struct ept_entry e)
{
	return __va(e.val & EPT_PFN_MASK);
}

/* Does the leaf allow an access of LHV_MEMORY_FAULT_* kinds? */
static inline bool ept_permits(struct ept_entry e, u32 access)
{
	u64 need = 0;

	if (access & LHV_MEMORY_FAULT_READ)
		need |= VMX_EPT_READABLE_MASK;
	if (access & LHV_MEMORY_FAULT_WRITE)
		need |= VMX_EPT_WRITABLE_MASK;
	if (access & LHV_MEMORY_FAULT_EXEC)
		need |= VMX_EPT_EXECUTABLE_MASK;
	return (e.val & need) == need;
}

/*
 * Would the CPU refuse the entry as misconfigured (SDM 3C 29.3.3.1)? All that
 * lhv writes is readable, so execute-only entries count as such here.
 */
static inline bool ept_is_misconfigured(struct ept_entry e, int level)
{
	u64 type = (e.val & VMX_EPT_MT_MASK) >> VMX_EPT_MT_EPTE_SHIFT;
	u64 reserved = EPT_PFN_MASK & ~(BIT_ULL(boot_cpu_data.x86_phys_bits) - 1);

	if (!ept_is_present(e))
		return false;
	if (!(e.val & VMX_EPT_READABLE_MASK) || (e.val & reserved))
		return true;
	if (!ept_is_leaf(e, level))
		return e.val & (VMX_EPT_MT_MASK | VMX_EPT_IPAT_BIT | EPT_LEAF);
	if (level == EPT_ROOT || (ept_pfn(e) & (ept_pages(level) - 1)))
		return true;
	return type == 2 || type == 3 || type == 7;
}

/* Tables allow everything; the leaves decide. */
static inline struct ept_entry ept_make_table(const struct ept_entry *table)
{
	return (struct ept_entry){ __pa(table) | VMX_EPT_RWX_MASK };
}

/**
 * ept_make_leaf - an entry that maps memory
 * @pfn:	any host frame in what the entry is to map
 * @level:	EPT_4K to EPT_1G
 * @attributes:	of EPT_ATTRIBUTES; VMX_EPT_ACCESS_BIT and VMX_EPT_DIRTY_BIT if the
 *		CPU needn't set them at the first access
 */
static inline struct ept_entry ept_make_leaf(u64 pfn, int level, u64 attributes)
{
	u64 base = pfn & ~(ept_pages(level) - 1);

	if (level > EPT_4K)
		attributes |= EPT_LEAF;
	return (struct ept_entry){ base << PAGE_SHIFT | attributes };
}

/*
 * The @index-th of the leaves one level below that together map what @leaf does.
 * Large leaves may be kept from being executed, small ones never are.
 */
static inline struct ept_entry ept_make_child(struct ept_entry leaf, int level, unsigned int index)
{
	u64 attributes = leaf.val & (EPT_ATTRIBUTES | VMX_EPT_ACCESS_BIT | VMX_EPT_DIRTY_BIT);

	if (level - 1 == EPT_4K)
		attributes |= VMX_EPT_EXECUTABLE_MASK;
	return ept_make_leaf(ept_pfn(leaf) + index * ept_pages(level - 1), level - 1, attributes);
}

static inline struct ept_entry ept_clear_writable(struct ept_entry e)
{
	return (struct ept_entry){ e.val & ~VMX_EPT_WRITABLE_MASK };
}

static inline struct ept_entry ept_clear_accessed(struct ept_entry e)
{
	return (struct ept_entry){ e.val & ~VMX_EPT_ACCESS_BIT };
}

#endif /* LHV_EPT_ENTRY_H */
