// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linear addresses of the guest: the walk through its page tables, and its
 * segments
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/gva.h"
#include "arch/x86/vmx.h"

/* Paging-structure entries (SDM 3A 4.3 to 4.5) */
#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITE	BIT_ULL(1)
#define PTE_USER	BIT_ULL(2)
#define PTE_ACCESSED	BIT_ULL(5)
#define PTE_DIRTY	BIT_ULL(6)
#define PTE_LARGE	BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDRESS	GENMASK_ULL(51, 12)

/* Of a 4 MiB page: bits 20:13 are the address' bits 39:32, bit 21 is reserved. */
#define PTE_4M_ADDRESS	GENMASK_ULL(31, 22)
#define PTE_4M_HIGH	GENMASK_ULL(20, 13)
#define PTE_4M_RESERVED	BIT_ULL(21)

/* Access rights in the VMCS' format (SDM 3C 25.4.1, table 25-2) */
#define AR_CODE		BIT(3)
#define AR_EXPAND_DOWN	BIT(2)		/* of data */
#define AR_WRITABLE	BIT(1)		/* of data */
#define AR_READABLE	BIT(1)		/* of code */
#define AR_LONG		BIT(13)
#define AR_BIG		BIT(14)
#define AR_UNUSABLE	BIT(16)

/* One walk. */
struct walk {
	struct lhv_vm *vm;
	const struct lhv_paging *paging;
	u64 linear;
	u32 access;
	u64 rights;		/* PTE_WRITE, PTE_USER: those that all levels give */
	bool nx;
	/* The entry at hand */
	int level;
	gpa_t at;
	u64 entry;
};

static unsigned int entry_size(const struct lhv_paging *paging)
{
	return paging->levels == 2 ? 4 : 8;
}

static unsigned int level_shift(const struct lhv_paging *paging, int level)
{
	return PAGE_SHIFT + (level - 1) * (paging->levels == 2 ? 10 : 9);
}

static bool is_leaf(const struct walk *w)
{
	if (w->level == 1)
		return true;
	return (w->entry & PTE_LARGE) && (w->paging->levels != 2 || w->paging->pse);
}

/* The reserved bits that are set. */
static u64 reserved_bits(const struct walk *w)
{
	const struct lhv_paging *p = w->paging;
	bool leaf = is_leaf(w);
	u64 reserved;

	if (p->levels == 2)
		return leaf && w->level == 2 ? w->entry & PTE_4M_RESERVED : 0;

	reserved = PTE_ADDRESS & ~GENMASK_ULL(p->phys_bits - 1, 0);
	if (p->levels == 3)
		reserved |= GENMASK_ULL(62, 52);
	if (!p->nx)
		reserved |= PTE_NX;
	if (w->level == 4 || (w->level == 3 && !p->large_1g))
		reserved |= PTE_LARGE;
	else if (leaf && w->level > 1)
		reserved |= GENMASK_ULL(level_shift(p, w->level) - 1, 13);
	return w->entry & reserved;
}

/* What forbids the access, of all the levels' rights together (SDM 3A 4.6.1)? */
static bool forbidden(const struct walk *w)
{
	const struct lhv_paging *p = w->paging;
	bool user_page = w->rights & PTE_USER;
	bool user = w->access & X86_PF_USER;

	if (user && !user_page)
		return true;
	if (w->access & X86_PF_INSTR)
		return w->nx || (!user && user_page && p->smep);
	if (!user && user_page && p->smap)
		return true;
	return (w->access & X86_PF_WRITE) && !(w->rights & PTE_WRITE) && (user || p->wp);
}

static u32 error_code(const struct walk *w, u32 reason)
{
	u32 error = w->access | reason;

	/* Without execute protection fetches aren't told apart (SDM 3A 4.7). */
	if (!w->paging->nx && !w->paging->smep)
		error &= ~X86_PF_INSTR;
	return error;
}

static gpa_t leaf_address(const struct walk *w)
{
	u64 offset = w->linear & (BIT_ULL(level_shift(w->paging, w->level)) - 1);

	if (w->paging->levels == 2 && w->level == 2)
		return (w->entry & PTE_4M_ADDRESS) | (w->entry & PTE_4M_HIGH) << (32 - 13) | offset;
	return (w->entry & PTE_ADDRESS & ~(BIT_ULL(level_shift(w->paging, w->level)) - 1)) | offset;
}

/* The entry's place in the VMM, which may write it; NULL if there is none. */
static void __user *entry_user(struct walk *w, const struct lhv_memslot *slot)
{
	if (!slot || (slot->flags & LHV_MEM_READONLY))
		return NULL;
	return (void __user *)(slot->hva + w->at - (slot->base_gfn << PAGE_SHIFT));
}

/* Return: 0; 1 if the entry isn't what it was; -EFAULT if it can't be written now. */
static int exchange_entry(struct walk *w, void __user *user, u64 new)
{
	u64 old = w->entry;
	u32 old32 = old;
	int ret;

	pagefault_disable();
	if (entry_size(w->paging) == 8)
		ret = __try_cmpxchg_user((u64 __user *)user, &old, new, fault);
	else
		ret = __try_cmpxchg_user((u32 __user *)user, &old32, (u32)new, fault32);
	pagefault_enable();
	return ret;
}

/* Set flags in the entry. Return: 0, -EAGAIN to walk again, or -ENXIO. */
static int set_flags(struct walk *w, u64 flags)
{
	const struct lhv_memslot *slot;
	void __user *user;
	int ret = -EFAULT;
	int idx;

	if ((w->entry & flags) == flags)
		return 0;
	idx = srcu_read_lock(&lhv_srcu);
	slot = lhv_find_slot(w->vm, w->at >> PAGE_SHIFT);
	user = entry_user(w, slot);
	if (user)
		ret = exchange_entry(w, user, w->entry | flags);
	if (!ret && slot->dirty) {
		read_lock(&w->vm->mmu_lock);
		lhv_mark_dirty(slot, w->at >> PAGE_SHIFT);
		read_unlock(&w->vm->mmu_lock);
	}
	srcu_read_unlock(&lhv_srcu, idx);
	if (!ret)
		return 0;
	if (!user || fatal_signal_pending(current))
		return -ENXIO;
	/* Not under lhv_srcu: the page may take long to come. */
	if (ret == -EFAULT && fault_in_safe_writeable(user, entry_size(w->paging)))
		return -ENXIO;
	return -EAGAIN;
}

/* Reads the entry for w->level in @table. Return: 0, -EFAULT with @error, -ENXIO. */
static int read_entry(struct walk *w, gpa_t table, u32 *error)
{
	unsigned int size = entry_size(w->paging);
	unsigned int index = w->linear >> level_shift(w->paging, w->level);

	w->at = table + (index & (PAGE_SIZE / size - 1)) * size;
	w->entry = 0;
	if (lhv_read_guest(w->vm, w->at, &w->entry, size))
		return -ENXIO;
	if (!(w->entry & PTE_PRESENT)) {
		*error = error_code(w, 0);
		return -EFAULT;
	}
	if (reserved_bits(w)) {
		*error = error_code(w, X86_PF_PROT | X86_PF_RSVD);
		return -EFAULT;
	}
	w->rights &= w->entry;
	w->nx |= w->paging->levels != 2 && (w->entry & PTE_NX);
	return 0;
}

static int try_walk(struct walk *w, gpa_t *gpa, u32 *error)
{
	gpa_t table = w->paging->root;
	int ret;

	w->rights = PTE_WRITE | PTE_USER;
	w->nx = false;
	w->level = w->paging->levels;
	if (w->level == 3) {
		table = w->paging->pdpte[(w->linear >> 30) & 3];
		if (!(table & PTE_PRESENT)) {
			*error = error_code(w, 0);
			return -EFAULT;
		}
		w->level = 2;
	}
	for (;; w->level--) {
		ret = read_entry(w, table & PTE_ADDRESS, error);
		if (ret)
			return ret;
		if (is_leaf(w))
			break;
		ret = set_flags(w, PTE_ACCESSED);
		if (ret)
			return ret;
		table = w->entry;
	}
	if (forbidden(w)) {
		*error = error_code(w, X86_PF_PROT);
		return -EFAULT;
	}
	*gpa = leaf_address(w);
	return set_flags(w, PTE_ACCESSED | (w->access & X86_PF_WRITE ? PTE_DIRTY : 0));
}

int lhv_paging_walk(struct lhv_vm *vm, const struct lhv_paging *paging, u64 linear,
		    u32 access, gpa_t *gpa, u32 *error)
{
	struct walk w = { .vm = vm, .paging = paging, .linear = linear, .access = access };
	int ret;

	if (!paging->levels) {
		*gpa = (u32)linear;
		return 0;
	}
	do {
		ret = try_walk(&w, gpa, error);
	} while (ret == -EAGAIN);
	return ret;
}

void lhv_paging_get(struct lhv_vcpu *vcpu, struct lhv_paging *paging)
{
	unsigned long cr0 = lhv_get_cr0(vcpu), cr4 = lhv_get_cr4(vcpu);
	u64 efer = lhv_get_efer(vcpu);
	int i;

	*paging = (struct lhv_paging) {
		.root = lhv_get_cr3(vcpu) & PTE_ADDRESS,
		.phys_bits = vcpu->arch.cpuid->phys_bits,
		.large_1g = lhv_cpuid_has(vcpu->arch.cpuid, X86_FEATURE_GBPAGES),
		.pse = cr4 & X86_CR4_PSE,
		.nx = efer & EFER_NX,
		.wp = cr0 & X86_CR0_WP,
		.smep = cr4 & X86_CR4_SMEP,
		.smap = (cr4 & X86_CR4_SMAP) && !(lhv_get_rflags(vcpu) & X86_EFLAGS_AC),
	};
	if (!(cr0 & X86_CR0_PG)) {
		paging->levels = 0;
	} else if (efer & EFER_LMA) {
		paging->levels = 4;
	} else if (cr4 & X86_CR4_PAE) {
		paging->levels = 3;
		/* The processor's own copies, loaded with CR3 (SDM 3A 4.4.1) */
		for (i = 0; i < 4; i++)
			paging->pdpte[i] = __vmcs_read(GUEST_PDPTR0 + 2 * i);
	} else {
		paging->levels = 2;
	}
}

int lhv_gva_translate(struct lhv_vcpu *vcpu, u64 linear, u32 len, u32 access,
		      struct lhv_gva_range *range)
{
	struct lhv_paging paging;
	u32 error;
	int i, ret;

	lhv_paging_get(vcpu, &paging);
	if (lhv_get_cpl(vcpu) == 3)
		access |= X86_PF_USER;
	range->len[0] = min_t(u32, len, PAGE_SIZE - offset_in_page(linear));
	range->len[1] = len - range->len[0];
	for (i = 0; i < 2 && range->len[i]; i++) {
		ret = lhv_paging_walk(vcpu->vm, &paging, linear, access, &range->gpa[i], &error);
		if (ret == -EFAULT)
			lhv_inject_page_fault(vcpu, error, linear);
		if (ret)
			return ret;
		linear += range->len[i];
		if (!(lhv_get_efer(vcpu) & EFER_LMA))
			linear = (u32)linear;
	}
	return 0;
}

int lhv_gva_read(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range, void *data)
{
	int ret;

	ret = lhv_read_guest(vcpu->vm, range->gpa[0], data, range->len[0]);
	if (ret || !range->len[1])
		return ret;
	return lhv_read_guest(vcpu->vm, range->gpa[1], data + range->len[0], range->len[1]);
}

int lhv_gva_write(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range,
		  const void *data)
{
	int ret;

	ret = lhv_write_guest(vcpu->vm, range->gpa[0], data, range->len[0]);
	if (ret || !range->len[1])
		return ret;
	return lhv_write_guest(vcpu->vm, range->gpa[1], data + range->len[0], range->len[1]);
}

bool lhv_gva_writable(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range)
{
	const struct lhv_memslot *slot;
	bool ok = true;
	int i, idx;

	idx = srcu_read_lock(&lhv_srcu);
	for (i = 0; i < 2 && range->len[i]; i++) {
		slot = lhv_find_slot(vcpu->vm, range->gpa[i] >> PAGE_SHIFT);
		if (!slot || (slot->flags & LHV_MEM_READONLY))
			ok = false;
	}
	srcu_read_unlock(&lhv_srcu, idx);
	return ok;
}

/* ---- segments ---- */

int lhv_code_bits(struct lhv_vcpu *vcpu)
{
	if (lhv_is_64bit(vcpu))
		return 64;
	return vmcs_read32(GUEST_CS_AR_BYTES) & AR_BIG ? 32 : 16;
}

u64 lhv_linear(struct lhv_vcpu *vcpu, int index, u64 offset)
{
	struct lhv_segment seg;

	lhv_get_segment(vcpu, &seg, index);
	if (!lhv_is_64bit(vcpu))
		return (u32)(seg.base + offset);
	return index == LHV_FS || index == LHV_GS ? seg.base + offset : offset;
}

/* Offsets up to the limit, or those above it if the segment expands down. */
static bool within_limit(const struct lhv_segment *seg, u64 first, u64 last)
{
	u64 top = seg->access & AR_BIG ? U32_MAX : U16_MAX;

	if ((seg->access & (AR_CODE | AR_EXPAND_DOWN)) == AR_EXPAND_DOWN)
		return first > seg->limit && last <= top;
	return last <= seg->limit;
}

bool lhv_segment_ok(struct lhv_vcpu *vcpu, int index, u64 offset, u32 len, bool write)
{
	struct lhv_segment seg;
	u64 linear;

	if (lhv_is_64bit(vcpu)) {
		linear = lhv_linear(vcpu, index, offset);
		return __is_canonical_address(linear, 48) &&
		       __is_canonical_address(linear + len - 1, 48);
	}
	lhv_get_segment(vcpu, &seg, index);
	if ((seg.access & AR_UNUSABLE) || !within_limit(&seg, offset, offset + len - 1))
		return false;
	if (write)
		return !(seg.access & AR_CODE) && (seg.access & AR_WRITABLE);
	return !(seg.access & AR_CODE) || (seg.access & AR_READABLE);
}
