// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: the tables' life, and the one function that changes an entry
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "arch/x86/ept.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

static struct ept_entry *ept_alloc_table(void)
{
	return (struct ept_entry *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

int lhv_ept_create(struct lhv_vm *vm)
{
	struct lhv_ept *ept;

	ept = kzalloc(sizeof(*ept), GFP_KERNEL_ACCOUNT);
	if (!ept)
		return -ENOMEM;

	ept->root = ept_alloc_table();
	if (!ept->root) {
		kfree(ept);
		return -ENOMEM;
	}
	ept->eptp = __pa(ept->root) | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4;
	if (lhv_vmx_caps.ept_ad)
		ept->eptp |= VMX_EPTP_AD_ENABLE_BIT;
	ept->small_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	INIT_LIST_HEAD(&ept->reap);
	vm->arch.ept = ept;
	lhv_vm_stat(vm, LHV_VM_STAT_EPT_PAGES, 1);
	return 0;
}

u64 lhv_ept_eptp(struct lhv_vm *vm)
{
	return vm->arch.ept->eptp;
}

int lhv_ept_cache_fill(struct lhv_vcpu *vcpu, int tables)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	while (arch->ept_cached < tables) {
		void *page = ept_alloc_table();

		if (!page)
			return -ENOMEM;
		arch->ept_cache[arch->ept_cached++] = page;
	}
	return 0;
}

void lhv_ept_cache_free(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	while (arch->ept_cached)
		free_page((unsigned long)arch->ept_cache[--arch->ept_cached]);
}

/*
 * Take a table that nothing refers to any more apart, with all below it. CPUs
 * may still be walking it: its entries stay as they are. The depth of the
 * recursion is that of the tables.
 */
static void ept_release_table(struct lhv_vm *vm, struct ept_entry *table, int level)
{
	unsigned int i, leaves = 0;

	for (i = 0; i < EPT_ENTRIES; i++) {
		struct ept_entry e = ept_read(&table[i]);

		if (!e.val)
			continue;
		if (ept_is_table(e, level))
			ept_release_table(vm, ept_table(e), level - 1);
		else
			leaves += ept_is_leaf(e, level);
	}
	if (leaves)
		lhv_vm_stat(vm, LHV_VM_STAT_MAPPED_4K + level - EPT_4K, -(long)leaves);
	list_add(&virt_to_page(table)->lru, &vm->arch.ept->reap);
}

/* The same without a look at leaves, whose statistics are the caller's. */
static void ept_release_all(struct lhv_vm *vm, struct ept_entry *table, int level)
{
	unsigned int i;

	for (i = 0; level > EPT_4K && i < EPT_ENTRIES; i++) {
		struct ept_entry e = ept_read(&table[i]);

		if (e.val && ept_is_table(e, level))
			ept_release_all(vm, ept_table(e), level - 1);
	}
	list_add(&virt_to_page(table)->lru, &vm->arch.ept->reap);
}

static void ept_free_pages(struct lhv_vm *vm, struct list_head *pages)
{
	struct page *page, *next;
	long n = 0;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		__free_page(page);
		n++;
	}
	lhv_vm_stat(vm, LHV_VM_STAT_EPT_PAGES, -n);
}

void lhv_arch_mmu_reap(struct lhv_vm *vm)
{
	LIST_HEAD(pages);

	/* What the caller left there it sees; the rest is others' to free. */
	if (list_empty_careful(&vm->arch.ept->reap))
		return;

	/*
	 * Who adds pages keeps the lock until the flush is done, so whatever is
	 * found with the lock held has been flushed.
	 */
	write_lock(&vm->mmu_lock);
	list_splice_init(&vm->arch.ept->reap, &pages);
	write_unlock(&vm->mmu_lock);

	ept_free_pages(vm, &pages);
}

static bool ept_unmap_all(struct lhv_vm *vm)
{
	struct ept_entry *root = vm->arch.ept->root;
	int i;

	/* The root is all there is. */
	if (atomic64_read(&vm->stats[LHV_VM_STAT_EPT_PAGES]) == 1)
		return false;

	for (i = 0; i < EPT_ENTRIES; i++) {
		struct ept_entry e = ept_read(&root[i]);

		if (!e.val)
			continue;
		WRITE_ONCE(root[i].val, EPT_NONE.val);
		ept_release_all(vm, ept_table(e), EPT_ROOT - 1);
	}
	for (i = EPT_4K; i <= EPT_1G; i++)
		atomic64_set(&vm->stats[LHV_VM_STAT_MAPPED_4K + i - EPT_4K], 0);
	return true;
}

bool lhv_arch_unmap_all(struct lhv_vm *vm)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	return ept_unmap_all(vm);
}

void lhv_ept_destroy(struct lhv_vm *vm)
{
	struct lhv_ept *ept = vm->arch.ept;

	if (!ept)
		return;
	ept_unmap_all(vm);
	list_add(&virt_to_page(ept->root)->lru, &ept->reap);
	ept_free_pages(vm, &ept->reap);
	vm->arch.ept = NULL;
	kfree(ept);
}

static void ept_account(struct lhv_vm *vm, struct ept_entry old, struct ept_entry new, int level)
{
	int leaf = LHV_VM_STAT_MAPPED_4K + level - EPT_4K;
	int leaves = ept_is_leaf(new, level) - ept_is_leaf(old, level);

	if (leaves)
		lhv_vm_stat(vm, leaf, leaves);
	if (ept_is_table(new, level)) {
		lhv_vm_stat(vm, LHV_VM_STAT_EPT_PAGES, 1);
		if (ept_is_leaf(old, level))
			lhv_vm_stat(vm, leaf - 1, EPT_ENTRIES);
	}
}

enum ept_change lhv_ept_change(struct lhv_vm *vm, struct ept_entry *ptr, struct ept_entry *old,
			       struct ept_entry new, int level)
{
	bool less = old->val & ~new.val & VMX_EPT_RWX_MASK;

	lockdep_assert_held(&vm->mmu_lock);
	if (less)
		lockdep_assert_held_write(&vm->mmu_lock);
	if (lhv_vm_bug(vm, ept_is_misconfigured(new, level)))
		return EPT_CHANGED;

	if (!try_cmpxchg64(&ptr->val, &old->val, new.val))
		return EPT_RACED;

	ept_account(vm, *old, new, level);
	if (ept_is_table(*old, level))
		ept_release_table(vm, ept_table(*old), level - 1);
	return less ? EPT_CHANGED_FLUSH : EPT_CHANGED;
}

void lhv_ept_fill(struct lhv_vm *vm, struct ept_entry *ptr, const u64 *host, unsigned int count,
		  u64 attributes)
{
	unsigned int i;
	long leaves = 0;

	lockdep_assert_held(&vm->mmu_lock);

	for (i = 0; i < count; i++) {
		struct ept_entry new;

		if (!(host[i] & _PAGE_PRESENT) || ept_is_present(ept_read(&ptr[i])))
			continue;
		new = ept_host_leaf(host[i], attributes);
		if (ept_is_present(new))
			leaves += !cmpxchg64(&ptr[i].val, EPT_NONE.val, new.val);
	}
	if (leaves)
		lhv_vm_stat(vm, LHV_VM_STAT_MAPPED_4K, leaves);
}
