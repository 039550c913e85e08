/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended page tables: the guest-physical address space of a VM
 *
 * Faults fill them on demand, several at a time under vm->mmu_lock held for
 * reading: they only add to the tables, or allow more, by compare-and-exchange.
 * Whatever takes away holds the lock for writing. So a table seen under either
 * stays as long as the lock is held.
 */
#ifndef LHV_EPT_H
#define LHV_EPT_H

#include <linux/list.h>
#include <linux/types.h>

#include "arch/x86/ept_entry.h"
#include "hv/hv.h"

/**
 * struct lhv_ept - the tables of a VM
 * @root:	the top one, EPT_ROOT
 * @eptp:	what the VMCS holds
 * @small_exec:	only 4 KiB leaves may be executed: the CPU has the machine-check
 *		erratum about instruction TLB entries of several sizes (the host's
 *		"itlb_multihit") and the host wants it mitigated
 * @reap:	pages (by page->lru) that left the tables but that CPUs may walk
 *		until the next flush; changed with mmu_lock held for writing
 */
struct lhv_ept {
	struct ept_entry *root;
	u64 eptp;
	bool small_exec;
	struct list_head reap;
};

/* ---- arch/x86/ept.c ---- */
int lhv_ept_create(struct lhv_vm *vm);

/* No vCPU is left that could use the tables, and the notifier is gone. */
void lhv_ept_destroy(struct lhv_vm *vm);

/* The VMCS' EPT pointer (SDM 3C 25.6.11). */
u64 lhv_ept_eptp(struct lhv_vm *vm);

/* Get zeroed pages for @tables tables ready (-ENOMEM), or give them back. */
int lhv_ept_cache_fill(struct lhv_vcpu *vcpu, int tables);
void lhv_ept_cache_free(struct lhv_vcpu *vcpu);

/* What became of an entry. */
enum ept_change {
	EPT_RACED,		/* it was no more what it was; nothing was done */
	EPT_CHANGED,
	EPT_CHANGED_FLUSH,	/* CPUs may hold a translation that must go */
};

/**
 * lhv_ept_change - replace an entry; besides this, only lhv_ept_fill() and
 *	lhv_arch_unmap_all() change one in a live table
 * @vm:		the VM
 * @ptr:	the entry
 * @old:	what it is taken to be; what it is, if EPT_RACED
 * @new:	what it shall be
 * @level:	its level
 *
 * Counts what is mapped. A table that is no longer referred to is taken apart,
 * and waits for lhv_arch_mmu_reap(). Where @old is a leaf and @new a table, the
 * table is full of leaves.
 *
 * Context: vm->mmu_lock held, for writing if @new allows less than @old.
 */
enum ept_change lhv_ept_change(struct lhv_vm *vm, struct ept_entry *ptr, struct ept_entry *old,
			       struct ept_entry new, int level);

/**
 * lhv_ept_fill - put leaves where nothing is
 * @vm:		the VM
 * @ptr:	the first entry, of a table of level EPT_4K
 * @host:	the host's entry for each
 * @count:	how many
 * @attributes:	for ept_host_leaf()
 *
 * As lhv_ept_change() would, one by one. Context: vm->mmu_lock held.
 */
void lhv_ept_fill(struct lhv_vm *vm, struct ept_entry *ptr, const u64 *host, unsigned int count,
		  u64 attributes);

/* ---- arch/x86/ept_fault.c ---- */

/* lhv_ept_fault(): nothing backs the access, it is for the VMM. */
#define LHV_EPT_MMIO	1

/**
 * lhv_ept_fault - make a guest-physical address accessible
 * @vcpu:	whose access it is
 * @gpa:	the address
 * @access:	LHV_MEMORY_FAULT_*: all that the access needs
 *
 * Context: the vCPU's thread, in vm->mm; may sleep.
 *
 * Return: 0: enter the guest again, which may fault again. LHV_EPT_MMIO: no slot,
 * or a write to a read-only one. -EFAULT: the VMM has nothing mapped there, or
 * not for this access; -EHWPOISON: the page is lost; -EINTR: a fatal signal is
 * pending; -ENOMEM.
 */
int lhv_ept_fault(struct lhv_vcpu *vcpu, gpa_t gpa, u32 access);

/* ---- arch/x86/ept_map.c ---- */

/**
 * struct ept_mapping - what to map
 * @gfn:	guest frame
 * @pfn:	host frame
 * @level:	largest size for which what is around @gfn is around @pfn too
 * @attributes:	of the leaf, as ept_make_leaf() takes them
 * @access:	LHV_MEMORY_FAULT_*: kinds of access that it is for
 * @entry:	output: the entry for @gfn if its level is EPT_4K, else NULL
 */
struct ept_mapping {
	gfn_t gfn;
	u64 pfn;
	int level;
	u64 attributes;
	u32 access;
	struct ept_entry *entry;
};

/*
 * Map it, in smaller leaves if a table is there already. What allows @access is
 * left as it is. vm->mmu_lock held. Return: 0; or, with nothing changed, how many
 * tables lhv_ept_cache_fill() must get ready first.
 */
int lhv_ept_map(struct lhv_vcpu *vcpu, struct ept_mapping *map);

/* ---- arch/x86/ept_host.c ---- */

/**
 * struct ept_host_page - how the VMM's page tables map an address
 * @pfn:	host frame of the address
 * @level:	size of the mapping
 * @attributes:	of EPT_ATTRIBUTES, what a leaf may have. It may be writable only if
 *		the host allows writes and takes the page for dirty already
 */
struct ept_host_page {
	u64 pfn;
	int level;
	u64 attributes;
};

/* Pages looked up at once, as many as 4 KiB host entries are in 128 bytes. */
#define EPT_AROUND	16

/**
 * lhv_ept_host_lookup - find out how an address of this process is mapped
 * @hva:	the address
 * @page:	output
 * @around:	output if @page's level is EPT_4K: the host's entries for the
 *		EPT_AROUND pages that @hva is one of, aligned
 *
 * Takes no reference: the page is the VMM's only as long as vm->mmu_seq doesn't
 * change. Return: false if it isn't present.
 */
bool lhv_ept_host_lookup(unsigned long hva, struct ept_host_page *page, u64 *around);

/*
 * A leaf for one of @around, with no more than @attributes; EPT_NONE if there is
 * no page or it isn't ordinary memory.
 */
static inline struct ept_entry ept_host_leaf(u64 host, u64 attributes)
{
	const u64 dirty = _PAGE_RW | _PAGE_DIRTY;
	u64 val = (host & PTE_PFN_MASK) | attributes;

	if ((host & (_PAGE_PRESENT | _PAGE_PWT | _PAGE_PCD | _PAGE_PAT)) != _PAGE_PRESENT)
		return EPT_NONE;
	if ((host & dirty) != dirty)
		val &= ~VMX_EPT_WRITABLE_MASK;
	return (struct ept_entry){ val };
}

/* Have the host map an address of this process. May sleep; errnos of lhv_ept_fault(). */
int lhv_ept_host_fault_in(unsigned long hva, bool write);

/* ---- arch/x86/ept_walk.c ---- */

/**
 * struct ept_iter - a walk through the entries for a range, tables before what
 *	they hold; mmu_lock held for writing
 * @gfn:	first frame that @entry covers, but not less than the range's first
 * @last:	frame after the range
 * @level:	of @entry
 * @ptr:	where it is
 * @entry:	the entry as it was when the walk came to it
 * @table:	tables on the way, by level
 */
struct ept_iter {
	gfn_t gfn;
	gfn_t last;
	int level;
	struct ept_entry *ptr;
	struct ept_entry entry;
	struct ept_entry *table[EPT_ROOT + 1];
};

void ept_iter_start(struct ept_iter *it, struct lhv_ept *ept, gfn_t first, gfn_t last);

static inline bool ept_iter_valid(const struct ept_iter *it)
{
	return it->gfn < it->last;
}

/* Into the table that @ptr refers to now, or on to what isn't empty in this one. */
void ept_iter_next(struct ept_iter *it);

#endif /* LHV_EPT_H */
