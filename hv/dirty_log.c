// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: which pages of a slot the guest has written
 *
 * Pages whose bit is clear are write-protected in the EPT; the first write
 * faults, sets the bit and allows further ones.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "hv/arch.h"
#include "hv/memslot.h"

/* Words of the bitmap to clear with mmu_lock held, before others get at it. */
#define DIRTY_BATCH	512

void lhv_mark_dirty(const struct lhv_memslot *slot, gfn_t gfn)
{
	unsigned long page = gfn - slot->base_gfn;

	if (slot->dirty && !test_bit(page, slot->dirty))
		set_bit(page, slot->dirty);
}

/*
 * Clear what was reported, and only that: a page written since, whose bit wasn't
 * set before, is for the next call. Return: true if TLBs are to be flushed.
 */
static bool dirty_clear(struct lhv_vm *vm, const struct lhv_memslot *slot,
			const unsigned long *reported, size_t first, size_t last)
{
	bool flush = false;
	size_t i;

	write_lock(&vm->mmu_lock);
	for (i = first; i < last; i++) {
		if (!reported[i])
			continue;
		slot->dirty[i] &= ~reported[i];
		flush |= lhv_arch_write_protect_mask(vm, slot->base_gfn + i * BITS_PER_LONG,
						     reported[i]);
	}
	write_unlock(&vm->mmu_lock);
	return flush;
}

static int dirty_fetch(struct lhv_vm *vm, const struct lhv_memslot *slot, void __user *bitmap,
		       unsigned long *reported, size_t words)
{
	bool flush = false;
	size_t i;

	for (i = 0; i < words; i++)
		reported[i] = READ_ONCE(slot->dirty[i]);
	if (copy_to_user(bitmap, reported, words * sizeof(long)))
		return -EFAULT;

	for (i = 0; i < words; i += DIRTY_BATCH) {
		flush |= dirty_clear(vm, slot, reported, i, min(i + DIRTY_BATCH, words));
		cond_resched();
	}
	/*
	 * Until now a CPU may have written through an old translation, to pages
	 * that this call reports.
	 */
	if (flush)
		lhv_vm_flush_tlbs(vm);
	return 0;
}

/* vm->lock held. */
int lhv_get_dirty_log(struct lhv_vm *vm, u32 id, void __user *bitmap, u64 bytes)
{
	const struct lhv_memslot *slot;
	unsigned long *reported;
	size_t words;
	int r;

	lockdep_assert_held(&vm->lock);

	slot = lhv_slot_by_id(lhv_memslots(vm), id);
	if (!slot || !slot->dirty)
		return -ENOENT;
	words = BITS_TO_LONGS(slot->npages);
	if (bytes < words * sizeof(long))
		return -EINVAL;

	reported = kvmalloc_array(words, sizeof(long), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!reported)
		return -ENOMEM;
	r = dirty_fetch(vm, slot, bitmap, reported, words);
	kvfree(reported);
	return r;
}
