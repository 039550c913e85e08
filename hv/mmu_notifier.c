// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMU notifier: what the host does to the VMM's memory happens to the guest
 *
 * The protocol, as KVM's: a fault reads vm->mmu_seq, looks the host page up
 * without a lock, then takes mmu_lock and maps the page unless
 * lhv_notifier_retry(). An invalidation counts itself in mmu_invalidating and
 * unmaps at its start; at its end, when the host's page tables have changed, it
 * moves mmu_seq on. So a fault that saw the old page either finds the
 * invalidation under way or the number changed, or has mapped the page before
 * the start, which then unmaps it.
 *
 * An invalidation is counted also if no slot is concerned: a slot may be added
 * before it ends.
 */
#include <linux/mmu_notifier.h>

#include "hv/arch.h"
#include "hv/hv.h"

bool lhv_notifier_retry(struct lhv_vm *vm, unsigned long seq)
{
	lockdep_assert_held(&vm->mmu_lock);
	return vm->mmu_invalidating || vm->mmu_seq != seq;
}

static struct lhv_vm *notifier_vm(struct mmu_notifier *mn)
{
	return container_of(mn, struct lhv_vm, notifier);
}

static bool notifier_unmap(struct lhv_vm *vm, const struct lhv_memslot *slot, gfn_t first,
			   gfn_t last, void *arg)
{
	return lhv_arch_unmap(vm, first, last);
}

static int notifier_invalidate_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct lhv_vm *vm = notifier_vm(mn);
	int idx;

	idx = srcu_read_lock(&lhv_srcu);
	write_lock(&vm->mmu_lock);
	vm->mmu_invalidating++;
	if (lhv_visit_slots_in_hva(vm, range->start, range->end, notifier_unmap, NULL))
		lhv_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&lhv_srcu, idx);

	lhv_arch_mmu_reap(vm);
	return 0;
}

static bool notifier_concerned(struct lhv_vm *vm, const struct lhv_memslot *slot, gfn_t first,
			       gfn_t last, void *arg)
{
	return true;
}

static void notifier_invalidate_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct lhv_vm *vm = notifier_vm(mn);
	int idx;

	idx = srcu_read_lock(&lhv_srcu);
	write_lock(&vm->mmu_lock);
	if (lhv_visit_slots_in_hva(vm, range->start, range->end, notifier_concerned, NULL)) {
		WRITE_ONCE(vm->mmu_seq, vm->mmu_seq + 1);
		lhv_vm_stat(vm, LHV_VM_STAT_INVALIDATIONS, 1);
	}
	lhv_vm_bug(vm, !vm->mmu_invalidating);
	vm->mmu_invalidating--;
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&lhv_srcu, idx);
}

static bool notifier_test_and_clear(struct lhv_vm *vm, const struct lhv_memslot *slot,
				    gfn_t first, gfn_t last, void *clear)
{
	return lhv_arch_age(vm, first, last, clear);
}

static bool notifier_age(struct lhv_vm *vm, unsigned long start, unsigned long end, bool clear,
			 bool flush)
{
	bool young;
	int idx;

	idx = srcu_read_lock(&lhv_srcu);
	write_lock(&vm->mmu_lock);
	young = lhv_visit_slots_in_hva(vm, start, end, notifier_test_and_clear,
				       clear ? vm : NULL);
	if (young && flush)
		lhv_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&lhv_srcu, idx);
	return young;
}

static int notifier_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				      unsigned long start, unsigned long end)
{
	return notifier_age(notifier_vm(mn), start, end, true, true);
}

/* A flag that stays clear because the TLB has it set only makes the page look older. */
static int notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return notifier_age(notifier_vm(mn), start, end, true, false);
}

static int notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			       unsigned long address)
{
	return notifier_age(notifier_vm(mn), address, address + PAGE_SIZE, false, false);
}

static void unmap_all(struct lhv_vm *vm)
{
	write_lock(&vm->mmu_lock);
	if (lhv_arch_unmap_all(vm))
		lhv_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu_lock);
	lhv_arch_mmu_reap(vm);
}

/* The address space ends, by exit or exec; no thread of it can fault any more. */
static void notifier_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	unmap_all(notifier_vm(mn));
}

/* No call of the others is under way any more. Atomic context. */
static void notifier_free(struct mmu_notifier *mn)
{
	lhv_vm_free(notifier_vm(mn));
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = notifier_invalidate_start,
	.invalidate_range_end = notifier_invalidate_end,
	.clear_flush_young = notifier_clear_flush_young,
	.clear_young = notifier_clear_young,
	.test_young = notifier_test_young,
	.release = notifier_release,
	.free_notifier = notifier_free,
};

int lhv_notifier_register(struct lhv_vm *vm)
{
	vm->notifier.ops = &notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

void lhv_notifier_put(struct lhv_vm *vm)
{
	/* The tables needn't wait. No vCPU is left that could fill them again. */
	unmap_all(vm);
	mmu_notifier_put(&vm->notifier);
}
