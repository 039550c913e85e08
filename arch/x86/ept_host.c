// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: how the VMM's own page tables map an address
 *
 * A look at them without locks, as fast GUP does it: with interrupts off the
 * tables stay allocated, and each entry is read once. No reference to the page
 * is taken. The MMU notifier tells before the host takes the page away, stops
 * allowing writes or takes it for clean, and then the fault starts again. As an
 * address is given to the guest for writing only while the host's own entry is
 * dirty, the host knows of the guest's writes as it does of the VMM's.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched.h>

#include "arch/x86/ept.h"

#define HOST_CACHE_MASK_4K	(_PAGE_PWT | _PAGE_PCD | _PAGE_PAT)
#define HOST_CACHE_MASK_LARGE	(_PAGE_PWT | _PAGE_PCD | _PAGE_PAT_LARGE)
#define HOST_WRITABLE		(_PAGE_RW | _PAGE_DIRTY)

static inline u64 ept_host_attributes(u64 flags, u64 cache_mask)
{
	u64 attributes = VMX_EPT_READABLE_MASK | VMX_EPT_EXECUTABLE_MASK;

	if ((flags & HOST_WRITABLE) == HOST_WRITABLE)
		attributes |= VMX_EPT_WRITABLE_MASK;
	/* PAT entry 0 is write-back (SDM 3A 12.12.4), and Linux leaves it so. */
	return attributes | (flags & cache_mask ? EPT_UC : EPT_WB);
}

static bool ept_host_large(struct ept_host_page *page, unsigned long hva, int level, u64 pfn,
			   u64 flags)
{
	page->pfn = pfn + ((hva >> PAGE_SHIFT) & (ept_pages(level) - 1));
	page->level = level;
	page->attributes = ept_host_attributes(flags, HOST_CACHE_MASK_LARGE);
	return true;
}

static bool ept_host_small(struct ept_host_page *page, unsigned long hva, const pte_t *pte,
			   u64 *around)
{
	unsigned int own = (hva >> PAGE_SHIFT) % EPT_AROUND, i;
	u64 val;

	val = native_pte_val(READ_ONCE(*pte));
	if (!(val & _PAGE_PRESENT))
		return false;

	pte -= own;
	for (i = 0; i < EPT_AROUND; i++)
		around[i] = native_pte_val(READ_ONCE(pte[i]));

	page->pfn = (val & PTE_PFN_MASK) >> PAGE_SHIFT;
	page->level = EPT_4K;
	page->attributes = ept_host_attributes(val, HOST_CACHE_MASK_4K);
	return true;
}

/* Interrupts off. */
static bool ept_host_walk(unsigned long hva, struct ept_host_page *page, u64 *around)
{
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	pgd = READ_ONCE(*pgd_offset(current->mm, hva));
	if (pgd_none(pgd))
		return false;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (!p4d_present(p4d))
		return false;

	/* p?d_present() are also true of what the host has made inaccessible. */
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!(pud_flags(pud) & _PAGE_PRESENT))
		return false;
	if (pud_flags(pud) & _PAGE_PSE)
		return ept_host_large(page, hva, EPT_1G, pud_pfn(pud), pud_flags(pud));

	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!(pmd_flags(pmd) & _PAGE_PRESENT))
		return false;
	if (pmd_flags(pmd) & _PAGE_PSE)
		return ept_host_large(page, hva, EPT_2M, pmd_pfn(pmd), pmd_flags(pmd));

	return ept_host_small(page, hva, pte_offset_kernel(&pmd, hva), around);
}

bool lhv_ept_host_lookup(unsigned long hva, struct ept_host_page *page, u64 *around)
{
	unsigned long flags;
	bool present;

	local_irq_save(flags);
	present = ept_host_walk(hva, page, around);
	local_irq_restore(flags);
	return present;
}

/* fixup_user_fault() doesn't tell a lost page from none. */
static int ept_host_errno(unsigned long hva, unsigned int flags)
{
	struct page *page;
	long n;

	n = get_user_pages_unlocked(hva, 1, &page, flags | FOLL_HWPOISON);
	if (n != 1)
		return n == -EHWPOISON ? -EHWPOISON : -EFAULT;
	/* It came just now. */
	put_page(page);
	return 0;
}

int lhv_ept_host_fault_in(unsigned long hva, bool write)
{
	struct mm_struct *mm = current->mm;
	bool unlocked = false;
	int r;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	r = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	mmap_read_unlock(mm);

	return r == -EFAULT ? ept_host_errno(hva, write ? FOLL_WRITE : 0) : r;
}
