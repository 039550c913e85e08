// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's beginning and end
 */
#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "hv/arch.h"
#include "hv/eventfd.h"

/* VMs that nobody uses any more but that aren't freed yet. */
static atomic_t dying;

struct lhv_vm *lhv_vm_create(void)
{
	struct lhv_vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->eventfd_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	INIT_LIST_HEAD(&vm->level_irqfds);
	xa_init(&vm->vcpus);
	rwlock_init(&vm->mmu_lock);
	vm->mm = current->mm;
	mmgrab(vm->mm);

	ret = lhv_arch_enable();
	if (ret)
		goto free_vm;
	ret = lhv_memslots_init(vm);
	if (ret)
		goto disable;
	ret = lhv_arch_vm_init(vm);
	if (ret)
		goto free_memslots;
	ret = lhv_notifier_register(vm);
	if (ret)
		goto free_arch;
	return vm;

free_arch:
	lhv_arch_vm_destroy(vm);
free_memslots:
	lhv_memslots_destroy(vm);
disable:
	lhv_arch_disable();
free_vm:
	mmdrop(vm->mm);
	kfree(vm);
	return ERR_PTR(ret);
}

static void vm_release(struct kref *ref)
{
	struct lhv_vm *vm = container_of(ref, struct lhv_vm, ref);

	WARN_ON(!xa_empty(&vm->vcpus));
	lhv_irqfds_destroy(vm);
	lhv_ioeventfds_destroy(vm);
	atomic_inc(&dying);
	lhv_notifier_put(vm);
	lhv_arch_disable();
}

void lhv_vm_free(struct lhv_vm *vm)
{
	lhv_arch_vm_destroy(vm);
	lhv_memslots_destroy(vm);
	mmdrop(vm->mm);
	kfree(vm);
	if (atomic_dec_and_test(&dying))
		wake_up_var(&dying);
}

void lhv_vms_exit(void)
{
	wait_var_event(&dying, !atomic_read(&dying));
	/* SRCU calls back with softirqs off: the last lhv_vm_free() has returned. */
	synchronize_rcu();
}

void lhv_vm_get(struct lhv_vm *vm)
{
	kref_get(&vm->ref);
}

/* May sleep: the last one destroys the VM. */
void lhv_vm_put(struct lhv_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}

void lhv_vm_kill(struct lhv_vm *vm)
{
	struct lhv_vcpu *vcpu;
	unsigned long id;

	WRITE_ONCE(vm->dead, true);
	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu)
		lhv_vcpu_request(vcpu, LHV_REQ_KICK);
	rcu_read_unlock();
}
