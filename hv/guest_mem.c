// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing guest memory from the kernel, through the VMM's mappings
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "hv/hv.h"

/* A piece of guest memory that is in one page. */
struct guest_piece {
	gpa_t gpa;
	void *data;		/* the kernel's side */
	size_t len;
	bool write;		/* to the guest */
	void __user *user;	/* the VMM's address, once it was found */
};

static void guest_mark_dirty(struct lhv_vm *vm, const struct lhv_memslot *slot, gfn_t gfn)
{
	if (!slot->dirty)
		return;
	read_lock(&vm->mmu_lock);
	lhv_mark_dirty(slot, gfn);
	read_unlock(&vm->mmu_lock);
}

/*
 * Copy without sleeping. Return: -EFAULT if the guest has nothing there,
 * -EAGAIN if the host has to fault the page in.
 */
static int guest_copy(struct lhv_vm *vm, struct guest_piece *piece)
{
	gfn_t gfn = piece->gpa >> PAGE_SHIFT;
	const struct lhv_memslot *slot;
	unsigned long left;

	slot = lhv_find_slot(vm, gfn);
	if (!slot || (piece->write && (slot->flags & LHV_MEM_READONLY)))
		return -EFAULT;
	piece->user = (void __user *)(slot->hva + piece->gpa - (slot->base_gfn << PAGE_SHIFT));

	pagefault_disable();
	if (piece->write)
		left = __copy_to_user_inatomic(piece->user, piece->data, piece->len);
	else
		left = __copy_from_user_inatomic(piece->data, piece->user, piece->len);
	pagefault_enable();
	if (left)
		return -EAGAIN;

	if (piece->write)
		guest_mark_dirty(vm, slot, gfn);
	return 0;
}

/*
 * Pages are faulted in with lhv_srcu not held: that can take for ever
 * (userfaultfd), and other VMs wait for readers of their slots too.
 */
static int guest_access_page(struct lhv_vm *vm, struct guest_piece *piece)
{
	for (;;) {
		int idx = srcu_read_lock(&lhv_srcu);
		int r = guest_copy(vm, piece);

		srcu_read_unlock(&lhv_srcu, idx);
		if (r != -EAGAIN)
			return r;
		if (fatal_signal_pending(current))
			return -EFAULT;
		if (piece->write ? fault_in_safe_writeable(piece->user, piece->len)
				 : fault_in_readable(piece->user, piece->len))
			return -EFAULT;
	}
}

static int guest_access(struct lhv_vm *vm, gpa_t gpa, void *data, size_t len, bool write)
{
	while (len) {
		struct guest_piece piece = {
			.gpa = gpa,
			.data = data,
			.len = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa)),
			.write = write,
		};
		int r = guest_access_page(vm, &piece);

		if (r)
			return r;
		gpa += piece.len;
		data += piece.len;
		len -= piece.len;
	}
	return 0;
}

int lhv_read_guest(struct lhv_vm *vm, gpa_t gpa, void *data, size_t len)
{
	return guest_access(vm, gpa, data, len, false);
}

int lhv_write_guest(struct lhv_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	return guest_access(vm, gpa, (void *)data, len, true);
}
