/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The array of a VM's memory slots, for those who look into it
 */
#ifndef LHV_MEMSLOT_H
#define LHV_MEMSLOT_H

#include <linux/rcupdate.h>

#include "hv/hv.h"

/**
 * struct lhv_memslots - all slots of a VM at one time
 * @rcu:	for lhv_srcu, when another array took its place
 * @count:	slots there are
 * @slot:	by rising base_gfn; no two overlap. Immutable, but for what the
 *		slots' bitmaps hold
 */
struct lhv_memslots {
	struct rcu_head rcu;
	unsigned int count;
	struct lhv_memslot slot[];
};

/* The slot with the caller's number, or NULL. */
const struct lhv_memslot *lhv_slot_by_id(const struct lhv_memslots *slots, u32 id);

/* Under lhv_srcu (read) or vm->lock. */
static inline const struct lhv_memslots *lhv_memslots(struct lhv_vm *vm)
{
	return srcu_dereference_check(vm->memslots, &lhv_srcu, lockdep_is_held(&vm->lock));
}

#endif /* LHV_MEMSLOT_H */
