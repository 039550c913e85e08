// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: what adds to the tables: a mapping, with the tables it needs
 */
#include <linux/lockdep.h>
#include <asm/page.h>

#include "arch/x86/ept.h"

static void ept_cache_put(struct lhv_vcpu *vcpu, struct ept_entry *table)
{
	clear_page(table);
	vcpu->arch.ept_cache[vcpu->arch.ept_cached++] = table;
}

/*
 * Put a table in an entry's place. If that held a leaf, the table maps the same
 * in smaller leaves, so that no CPU notices. *@entry is then what is there, by
 * this vCPU or another.
 */
static noinline void ept_add_table(struct lhv_vcpu *vcpu, struct ept_entry *ptr,
				   struct ept_entry *entry, int level)
{
	struct ept_entry *table = vcpu->arch.ept_cache[--vcpu->arch.ept_cached];
	struct ept_entry new;
	unsigned int i;

	if (ept_is_leaf(*entry, level)) {
		for (i = 0; i < EPT_ENTRIES; i++)
			table[i] = ept_make_child(*entry, level, i);
	}
	new = ept_make_table(table);
	if (lhv_ept_change(vcpu->vm, ptr, entry, new, level) == EPT_RACED)
		ept_cache_put(vcpu, table);
	else
		*entry = new;
}

/* Replaces *@ptr unless it allows the access. */
static void ept_set_leaf(struct lhv_vm *vm, const struct ept_mapping *map, struct ept_entry *ptr,
			 struct ept_entry entry, int level)
{
	struct ept_entry new = ept_make_leaf(map->pfn, level, map->attributes);

	do {
		if (ept_is_present(entry)) {
			/* Another vCPU was faster, or this one's TLB out of date. */
			if (ept_permits(entry, map->access))
				return;
			/* The notifier unmaps before the host's page changes. */
			if (lhv_vm_bug(vm, ept_pfn(entry) != ept_pfn(new)))
				return;
		}
	} while (lhv_ept_change(vm, ptr, &entry, new, level) == EPT_RACED);
}

int lhv_ept_map(struct lhv_vcpu *vcpu, struct ept_mapping *map)
{
	struct lhv_vm *vm = vcpu->vm;
	struct ept_entry *table = vm->arch.ept->root, *ptr, entry;
	int level = EPT_ROOT;

	lockdep_assert_held(&vm->mmu_lock);

	map->entry = NULL;
	for (;;) {
		ptr = &table[ept_index(map->gfn, level)];
		entry = ept_read(ptr);

		while (!ept_is_table(entry, level)) {
			if (level <= map->level) {
				ept_set_leaf(vm, map, ptr, entry, level);
				if (level == EPT_4K)
					map->entry = ptr;
				return 0;
			}
			if (ept_permits(entry, map->access))
				return 0;
			if (vcpu->arch.ept_cached < level - map->level)
				return level - map->level;
			ept_add_table(vcpu, ptr, &entry, level);
		}
		table = ept_table(entry);
		level--;
	}
}
