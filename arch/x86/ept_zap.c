// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: what takes away from the tables: unmapping, write protection, ageing
 */
#include <linux/lockdep.h>

#include "arch/x86/ept.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

/* No other thread changes entries, but CPUs set accessed and dirty flags. */
static bool ept_narrow(struct lhv_vm *vm, struct ept_iter *it,
		       struct ept_entry (*narrowed)(struct ept_entry old))
{
	enum ept_change change;

	do {
		change = lhv_ept_change(vm, it->ptr, &it->entry, narrowed(it->entry), it->level);
	} while (change == EPT_RACED);
	return change == EPT_CHANGED_FLUSH;
}

static struct ept_entry ept_nothing(struct ept_entry old)
{
	return EPT_NONE;
}

bool lhv_arch_unmap(struct lhv_vm *vm, gfn_t first, gfn_t last)
{
	struct ept_iter it;
	bool flush = false;

	lockdep_assert_held_write(&vm->mmu_lock);

	for (ept_iter_start(&it, vm->arch.ept, first, last); ept_iter_valid(&it);
	     ept_iter_next(&it)) {
		u64 pages = ept_pages(it.level);
		bool whole = !(it.gfn & (pages - 1)) && it.last - it.gfn >= pages;

		if (!ept_is_present(it.entry))
			continue;
		/* A large leaf goes even if only part of it has to. */
		if (whole || ept_is_leaf(it.entry, it.level))
			flush |= ept_narrow(vm, &it, ept_nothing);
	}
	return flush;
}

/* Of a table's frames only those count whose bit is set, the first one's being bit 0. */
static bool ept_write_protect(struct lhv_vm *vm, gfn_t first, gfn_t last, const u64 *mask)
{
	struct ept_iter it;
	bool flush = false;

	lockdep_assert_held_write(&vm->mmu_lock);

	for (ept_iter_start(&it, vm->arch.ept, first, last); ept_iter_valid(&it);
	     ept_iter_next(&it)) {
		if (!ept_is_leaf(it.entry, it.level) || !ept_is_writable(it.entry))
			continue;
		if (mask && it.level == EPT_4K && !(*mask & BIT_ULL(it.gfn - first)))
			continue;
		flush |= ept_narrow(vm, &it, ept_clear_writable);
	}
	return flush;
}

bool lhv_arch_write_protect(struct lhv_vm *vm, gfn_t first, gfn_t last)
{
	return ept_write_protect(vm, first, last, NULL);
}

bool lhv_arch_write_protect_mask(struct lhv_vm *vm, gfn_t first, u64 mask)
{
	if (!mask)
		return false;
	return ept_write_protect(vm, first + __ffs64(mask), first + fls64(mask),
				 &(u64){ mask >> __ffs64(mask) });
}

/*
 * Without accessed flags, having been mapped counts as accessed, and clearing
 * that means to unmap.
 */
bool lhv_arch_age(struct lhv_vm *vm, gfn_t first, gfn_t last, bool clear)
{
	bool young = false, flush = false;
	struct ept_iter it;

	lockdep_assert_held_write(&vm->mmu_lock);

	for (ept_iter_start(&it, vm->arch.ept, first, last); ept_iter_valid(&it);
	     ept_iter_next(&it)) {
		if (!ept_is_leaf(it.entry, it.level))
			continue;
		if (lhv_vmx_caps.ept_ad && !ept_is_accessed(it.entry))
			continue;
		young = true;
		if (clear)
			flush |= ept_narrow(vm, &it, lhv_vmx_caps.ept_ad ? ept_clear_accessed
									 : ept_nothing);
	}
	if (flush)
		lhv_vm_flush_tlbs(vm);
	return young;
}
