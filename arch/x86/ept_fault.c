// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: a guest access for which the tables have nothing
 */
#include <linux/minmax.h>
#include <linux/srcu.h>

#include "arch/x86/ept.h"
#include "arch/x86/vmx_caps.h"
#include "hv/hv.h"

/* One try at a fault. */
struct ept_fault {
	gfn_t gfn;
	u32 access;
	const struct lhv_memslot *slot;
	unsigned long seq;	/* vm->mmu_seq before anything was looked up */
	unsigned long hva;
	int tables;		/* that are missing */
	struct ept_host_page host;
};

/* What a try came to, if not to 0, LHV_EPT_MMIO or a negative errno. */
enum ept_obstacle {
	EPT_HOST_ABSENT = 2,	/* the host hasn't got the page, or not for this access */
	EPT_TABLES_MISSING,
};

static inline bool ept_fault_write(const struct ept_fault *fault)
{
	return fault->access & LHV_MEMORY_FAULT_WRITE;
}

/* Does a leaf of @level around the frame lie in the slot, and alike in the VMM? */
static bool ept_fits(const struct ept_fault *fault, int level)
{
	const struct lhv_memslot *slot = fault->slot;
	u64 mask = ept_pages(level) - 1;
	gfn_t first = fault->gfn & ~mask;

	return first >= slot->base_gfn &&
	       first + mask < slot->base_gfn + slot->npages &&
	       !((fault->gfn ^ (fault->hva >> PAGE_SHIFT)) & mask);
}

static int ept_fault_level(const struct lhv_ept *ept, const struct ept_fault *fault)
{
	int level = fault->host.level;

	if (level == EPT_4K)
		return level;
	/* Each page's first write is to be seen. */
	if (fault->slot->dirty && ept_fault_write(fault))
		return EPT_4K;
	if (ept->small_exec && (fault->access & LHV_MEMORY_FAULT_EXEC))
		return EPT_4K;
	if (level == EPT_1G && (!lhv_vmx_caps.ept_1g || !ept_fits(fault, EPT_1G)))
		level = EPT_2M;
	if (level == EPT_2M && (!lhv_vmx_caps.ept_2m || !ept_fits(fault, EPT_2M)))
		level = EPT_4K;
	return level;
}

/* What the slot lets pass of a host page's attributes before the guest asks for more. */
static u64 ept_slot_mask(const struct lhv_memslot *slot)
{
	if (slot->dirty || (slot->flags & LHV_MEM_READONLY))
		return ~(u64)VMX_EPT_WRITABLE_MASK;
	return ~0ULL;
}

/*
 * Map what the host has ready around a 4 KiB page too: an entry costs a fraction
 * of a fault. Not without accessed flags, which show what the guest makes use of.
 */
static void ept_fault_around(struct lhv_vm *vm, const struct ept_fault *fault,
			     struct ept_entry *ptr, const u64 *around)
{
	const u64 attributes = VMX_EPT_RWX_MASK | EPT_WB;
	const struct lhv_memslot *slot = fault->slot;
	unsigned int own = fault->gfn % EPT_AROUND, first, last;
	gfn_t gfn = fault->gfn - own;

	if (!lhv_vmx_caps.ept_ad || own != (fault->hva >> PAGE_SHIFT) % EPT_AROUND)
		return;

	first = gfn < slot->base_gfn ? slot->base_gfn - gfn : 0;
	last = min_t(u64, EPT_AROUND, slot->base_gfn + slot->npages - gfn);
	lhv_ept_fill(vm, ptr - own + first, around + first, last - first,
		     attributes & ept_slot_mask(slot));
}

static int ept_fault_map(struct lhv_vcpu *vcpu, struct ept_fault *fault, const u64 *around)
{
	const struct lhv_ept *ept = vcpu->vm->arch.ept;
	struct ept_mapping map = {
		.gfn = fault->gfn,
		.pfn = fault->host.pfn,
		.level = ept_fault_level(ept, fault),
		.attributes = fault->host.attributes & ept_slot_mask(fault->slot),
		.access = fault->access,
	};

	map.attributes |= VMX_EPT_ACCESS_BIT;
	if (ept_fault_write(fault)) {
		map.attributes |= VMX_EPT_WRITABLE_MASK | VMX_EPT_DIRTY_BIT;
		lhv_mark_dirty(fault->slot, fault->gfn);
	}
	if (ept->small_exec && map.level > EPT_4K)
		map.attributes &= ~VMX_EPT_EXECUTABLE_MASK;
	fault->tables = lhv_ept_map(vcpu, &map);
	if (fault->tables)
		return EPT_TABLES_MISSING;
	if (map.entry && fault->host.level == EPT_4K)
		ept_fault_around(vcpu->vm, fault, map.entry, around);
	return 0;
}

/* May the guest have what it asks for, as the host stands? */
static bool ept_host_ready(const struct ept_host_page *host, bool write)
{
	return !write || (host->attributes & VMX_EPT_WRITABLE_MASK);
}

/* Without sleeping, as far as that goes. */
static int ept_fault_try(struct lhv_vcpu *vcpu, struct ept_fault *fault)
{
	struct lhv_vm *vm = vcpu->vm;
	const struct lhv_memslot *slot;
	u64 around[EPT_AROUND];
	int idx, result = 0;

	idx = srcu_read_lock(&lhv_srcu);

	fault->seq = READ_ONCE(vm->mmu_seq);
	/*
	 * Slot and host page are no older than the sequence number. Pairs with
	 * mmu_lock and, for the slot, smp_wmb() in slots_publish().
	 */
	smp_rmb();

	slot = lhv_find_slot(vm, fault->gfn);
	if (!slot || (ept_fault_write(fault) && (slot->flags & LHV_MEM_READONLY))) {
		result = LHV_EPT_MMIO;
		goto out;
	}
	fault->slot = slot;
	fault->hva = slot->hva + ((fault->gfn - slot->base_gfn) << PAGE_SHIFT);

	if (!lhv_ept_host_lookup(fault->hva, &fault->host, around) ||
	    !ept_host_ready(&fault->host, ept_fault_write(fault))) {
		result = EPT_HOST_ABSENT;
		goto out;
	}

	read_lock(&vm->mmu_lock);
	if (!lhv_notifier_retry(vm, fault->seq))
		result = ept_fault_map(vcpu, fault, around);
	read_unlock(&vm->mmu_lock);
out:
	srcu_read_unlock(&lhv_srcu, idx);
	return result;
}

int lhv_ept_fault(struct lhv_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct ept_fault fault = { .gfn = gpa >> PAGE_SHIFT, .access = access };
	int r;

	r = ept_fault_try(vcpu, &fault);
	if (r == EPT_HOST_ABSENT) {
		/*
		 * lhv_srcu isn't held: to get the page can take for ever
		 * (userfaultfd), and other VMs wait for readers of their slots too.
		 */
		r = lhv_ept_host_fault_in(fault.hva, ept_fault_write(&fault));
		if (r)
			return r;
		r = ept_fault_try(vcpu, &fault);
	}
	if (r == EPT_TABLES_MISSING) {
		r = lhv_ept_cache_fill(vcpu, fault.tables);
		if (r)
			return r;
		r = ept_fault_try(vcpu, &fault);
	}
	/* What came in between meanwhile the guest's next try finds. */
	return r == EPT_HOST_ABSENT || r == EPT_TABLES_MISSING ? 0 : r;
}
