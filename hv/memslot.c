// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which of the VMM's memory the guest has where
 *
 * The slots are an array that is replaced as a whole. Readers hold lhv_srcu. A
 * slot that comes is just published. For one that goes, moves or changes its
 * flags, the new array is published and mmu_seq moved on with mmu_lock held for
 * writing, so that a fault under way with the old array doesn't map; then the
 * old mappings go, and then the readers of the old array.
 */
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "hv/arch.h"
#include "hv/memslot.h"

DEFINE_SRCU(lhv_srcu);

static struct lhv_memslots *slots_alloc(unsigned int count)
{
	struct lhv_memslots *slots;

	slots = kvmalloc(struct_size(slots, slot, count), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return NULL;
	slots->count = count;
	return slots;
}

/* The index of the last slot that starts at or before @gfn, or -1. */
static int slots_index(const struct lhv_memslots *slots, gfn_t gfn)
{
	int low = -1, high = slots->count;

	while (high - low > 1) {
		int mid = (low + high) / 2;

		if (slots->slot[mid].base_gfn <= gfn)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static const struct lhv_memslot *slots_find(const struct lhv_memslots *slots, gfn_t gfn)
{
	int i = slots_index(slots, gfn);

	if (i < 0 || gfn - slots->slot[i].base_gfn >= slots->slot[i].npages)
		return NULL;
	return &slots->slot[i];
}

const struct lhv_memslot *lhv_find_slot(struct lhv_vm *vm, gfn_t gfn)
{
	return slots_find(lhv_memslots(vm), gfn);
}

const struct lhv_memslot *lhv_slot_by_id(const struct lhv_memslots *slots, u32 id)
{
	unsigned int i;

	for (i = 0; i < slots->count; i++) {
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	}
	return NULL;
}

/* Does a slot other than the one numbered as @slot share a frame with it? */
static bool slots_overlap(const struct lhv_memslots *slots, const struct lhv_memslot *slot)
{
	unsigned int i;

	for (i = 0; i < slots->count; i++) {
		const struct lhv_memslot *other = &slots->slot[i];

		if (other->id != slot->id &&
		    other->base_gfn < slot->base_gfn + slot->npages &&
		    slot->base_gfn < other->base_gfn + other->npages)
			return true;
	}
	return false;
}

/*
 * A copy of @slots without @leaves and with @comes, either of which may be NULL.
 * Return: the copy or NULL if there is no memory.
 */
static struct lhv_memslots *slots_replace(const struct lhv_memslots *slots,
					  const struct lhv_memslot *leaves,
					  const struct lhv_memslot *comes)
{
	struct lhv_memslots *new;
	unsigned int i, n = 0;

	new = slots_alloc(slots->count - !!leaves + !!comes);
	if (!new)
		return NULL;

	for (i = 0; i < slots->count; i++) {
		const struct lhv_memslot *slot = &slots->slot[i];

		if (slot == leaves)
			continue;
		if (comes && comes->base_gfn < slot->base_gfn) {
			new->slot[n++] = *comes;
			comes = NULL;
		}
		new->slot[n++] = *slot;
	}
	if (comes)
		new->slot[n] = *comes;
	return new;
}

bool lhv_visit_slots_in_hva(struct lhv_vm *vm, unsigned long start, unsigned long end,
			    bool (*fn)(struct lhv_vm *vm, const struct lhv_memslot *slot,
				       gfn_t first, gfn_t last, void *arg),
			    void *arg)
{
	const struct lhv_memslots *slots = lhv_memslots(vm);
	bool any = false;
	unsigned int i;

	for (i = 0; i < slots->count; i++) {
		const struct lhv_memslot *slot = &slots->slot[i];
		unsigned long from = max(start, slot->hva);
		unsigned long to = min(end, slot->hva + (slot->npages << PAGE_SHIFT));
		gfn_t first, last;

		if (from >= to)
			continue;
		first = slot->base_gfn + ((from - slot->hva) >> PAGE_SHIFT);
		last = slot->base_gfn + ((to - 1 - slot->hva) >> PAGE_SHIFT) + 1;
		any |= fn(vm, slot, first, last, arg);
	}
	return any;
}

static void slots_free_rcu(struct rcu_head *rcu)
{
	kvfree(container_of(rcu, struct lhv_memslots, rcu));
}

static int slot_add(struct lhv_vm *vm, struct lhv_memslots *slots, const struct lhv_memslot *slot)
{
	struct lhv_memslots *new;

	new = slots_replace(slots, NULL, slot);
	if (!new)
		return -ENOMEM;
	rcu_assign_pointer(vm->memslots, new);
	call_srcu(&lhv_srcu, &slots->rcu, slots_free_rcu);
	return 0;
}

/*
 * Publish @new, in which @slot is gone, elsewhere or of other flags, and wait
 * until nothing is left that goes by the old array: EPT, TLBs, readers.
 */
static void slots_publish(struct lhv_vm *vm, struct lhv_memslots *new, gfn_t first, gfn_t last,
			  bool (*take_away)(struct lhv_vm *vm, gfn_t first, gfn_t last))
{
	write_lock(&vm->mmu_lock);
	rcu_assign_pointer(vm->memslots, new);
	/* Who reads the new number sees the new array. Pairs with smp_rmb() in the fault. */
	smp_wmb();
	WRITE_ONCE(vm->mmu_seq, vm->mmu_seq + 1);
	if (take_away(vm, first, last))
		lhv_vm_flush_tlbs(vm);
	write_unlock(&vm->mmu_lock);

	lhv_arch_mmu_reap(vm);
	synchronize_srcu_expedited(&lhv_srcu);
}

static int slot_remove(struct lhv_vm *vm, struct lhv_memslots *slots,
		       const struct lhv_memslot *slot)
{
	struct lhv_memslots *new;

	new = slots_replace(slots, slot, NULL);
	if (!new)
		return -ENOMEM;
	slots_publish(vm, new, slot->base_gfn, slot->base_gfn + slot->npages, lhv_arch_unmap);
	kvfree(slot->dirty);
	kvfree(slots);
	return 0;
}

/* @slot is to become @to: elsewhere, or logging or no more, or both. */
static int slot_change(struct lhv_vm *vm, struct lhv_memslots *slots,
		       const struct lhv_memslot *slot, const struct lhv_memslot *to)
{
	struct lhv_memslots *new;
	bool remap;

	new = slots_replace(slots, slot, to);
	if (!new)
		return -ENOMEM;

	/* When logging ends, large mappings are allowed again: start afresh. */
	remap = to->base_gfn != slot->base_gfn || (slot->dirty && !to->dirty);
	slots_publish(vm, new, slot->base_gfn, slot->base_gfn + slot->npages,
		      remap ? lhv_arch_unmap : lhv_arch_write_protect);
	if (slot->dirty != to->dirty)
		kvfree(slot->dirty);
	kvfree(slots);
	return 0;
}

static int slot_set(struct lhv_vm *vm, struct lhv_memslots *slots, const struct lhv_memslot *old,
		    struct lhv_memslot *slot)
{
	bool log = slot->flags & LHV_MEM_LOG_DIRTY;
	int r;

	if (slots_overlap(slots, slot))
		return -EEXIST;
	if (old) {
		if (old->npages != slot->npages || old->hva != slot->hva ||
		    (old->flags ^ slot->flags) & LHV_MEM_READONLY)
			return -EINVAL;
		if (old->base_gfn == slot->base_gfn && old->flags == slot->flags)
			return 0;
	}

	if (log && old && old->dirty) {
		slot->dirty = old->dirty;
	} else if (log) {
		slot->dirty = kvcalloc(BITS_TO_LONGS(slot->npages), sizeof(long),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!slot->dirty)
			return -ENOMEM;
	}

	r = old ? slot_change(vm, slots, old, slot) : slot_add(vm, slots, slot);
	if (r && !(old && old->dirty == slot->dirty))
		kvfree(slot->dirty);
	return r;
}

/* Ranges were checked; vm->lock held. */
int lhv_set_memory(struct lhv_vm *vm, const struct lhv_memory *mem)
{
	struct lhv_memslot slot = {
		.base_gfn = mem->gpa >> PAGE_SHIFT,
		.npages = mem->bytes >> PAGE_SHIFT,
		.hva = mem->hva,
		.flags = mem->flags,
		.id = mem->slot,
	};
	const struct lhv_memslot *old;
	struct lhv_memslots *slots;

	lockdep_assert_held(&vm->lock);

	slots = rcu_dereference_protected(vm->memslots, lockdep_is_held(&vm->lock));
	old = lhv_slot_by_id(slots, mem->slot);
	if (mem->bytes)
		return slot_set(vm, slots, old, &slot);
	return old ? slot_remove(vm, slots, old) : -ENOENT;
}

int lhv_memslots_init(struct lhv_vm *vm)
{
	struct lhv_memslots *slots;

	slots = slots_alloc(0);
	if (!slots)
		return -ENOMEM;
	RCU_INIT_POINTER(vm->memslots, slots);
	return 0;
}

/* No reader is left. */
void lhv_memslots_destroy(struct lhv_vm *vm)
{
	struct lhv_memslots *slots = rcu_dereference_protected(vm->memslots, true);
	unsigned int i;

	if (!slots)
		return;
	for (i = 0; i < slots->count; i++)
		kvfree(slots->slot[i].dirty);
	RCU_INIT_POINTER(vm->memslots, NULL);
	kvfree(slots);
}
