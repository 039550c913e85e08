// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: their life, which thread and CPU they are loaded on, kicks and requests
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <trace/events/ipi.h>

#include "hv/arch.h"

static struct preempt_ops vcpu_preempt_ops;

/* For lhv_vm_flush_tlbs(), with preemption off. */
static DEFINE_PER_CPU(cpumask_var_t, kick_mask);

static void free_kick_masks(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(kick_mask, cpu));
}

static void vcpu_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct lhv_vcpu *vcpu = container_of(notifier, struct lhv_vcpu, preempt);

	lhv_arch_vcpu_load(vcpu, cpu);
	WRITE_ONCE(vcpu->cpu, cpu);
	WRITE_ONCE(vcpu->preempted, false);
}

static void vcpu_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct lhv_vcpu *vcpu = container_of(notifier, struct lhv_vcpu, preempt);

	if (task_is_running(current))
		WRITE_ONCE(vcpu->preempted, true);
	lhv_arch_vcpu_put(vcpu);
}

/* Module load. */
int lhv_vcpus_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(kick_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			free_kick_masks();
			return -ENOMEM;
		}
	}
	vcpu_preempt_ops.sched_in = vcpu_sched_in;
	vcpu_preempt_ops.sched_out = vcpu_sched_out;
	preempt_notifier_inc();
	return 0;
}

void lhv_vcpus_exit(void)
{
	preempt_notifier_dec();
	free_kick_masks();
}

/* Called with vm->lock held, by lhv_vcpu_create(). */
static int vcpu_publish(struct lhv_vm *vm, struct lhv_vcpu *vcpu)
{
	int ret;

	ret = xa_insert(&vm->vcpus, vcpu->id, vcpu, GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret == -EBUSY ? -EEXIST : ret;
	vm->nr_vcpus++;
	lhv_vm_get(vm);
	return 0;
}

/**
 * lhv_vcpu_create - add a vCPU to a VM
 * @vm: the VM
 * @id: its id, below LHV_MAX_VCPUS
 *
 * Return: the vCPU, which holds the VM, or ERR_PTR: -EEXIST, -ENOMEM.
 */
struct lhv_vcpu *lhv_vcpu_create(struct lhv_vm *vm, u32 id)
{
	struct lhv_vcpu *vcpu;
	int ret = -ENOMEM;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->preempt, &vcpu_preempt_ops);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run)
		goto free_vcpu;
	ret = lhv_arch_vcpu_init(vcpu);
	if (ret)
		goto free_run;
	mutex_lock(&vm->lock);
	ret = vcpu_publish(vm, vcpu);
	mutex_unlock(&vm->lock);
	if (ret)
		goto destroy_arch;
	return vcpu;

destroy_arch:
	lhv_arch_vcpu_destroy(vcpu);
	lhv_arch_vcpu_free(vcpu);
free_run:
	free_page((unsigned long)vcpu->run);
free_vcpu:
	kfree(vcpu);
	return ERR_PTR(ret);
}

static void vcpu_free(struct rcu_head *rcu)
{
	struct lhv_vcpu *vcpu = container_of(rcu, struct lhv_vcpu, rcu);

	lhv_arch_vcpu_free(vcpu);
	kfree(vcpu);
}

/* The last reference went. Senders that had found it finish under RCU. */
void lhv_vcpu_destroy(struct lhv_vcpu *vcpu)
{
	struct lhv_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	xa_erase(&vm->vcpus, vcpu->id);
	vm->nr_vcpus--;
	mutex_unlock(&vm->lock);

	lhv_arch_vcpu_destroy(vcpu);
	/* Mappings of the page that outlive the vCPU keep it by its own count. */
	free_page((unsigned long)vcpu->run);
	call_rcu(&vcpu->rcu, vcpu_free);
	lhv_vm_put(vm);
}

/**
 * lhv_vcpu_load - make a vCPU's state reachable for this thread
 * @vcpu: the vCPU, its mutex held or not yet visible
 *
 * It stays so across preemption until lhv_vcpu_put().
 */
void lhv_vcpu_load(struct lhv_vcpu *vcpu)
{
	int cpu = get_cpu();

	preempt_notifier_register(&vcpu->preempt);
	lhv_arch_vcpu_load(vcpu, cpu);
	WRITE_ONCE(vcpu->cpu, cpu);
	put_cpu();
}

void lhv_vcpu_put(struct lhv_vcpu *vcpu)
{
	preempt_disable();
	lhv_arch_vcpu_put(vcpu);
	preempt_notifier_unregister(&vcpu->preempt);
	preempt_enable();
}

/* LHV_VCPU_RUN. */
int lhv_vcpu_run(struct lhv_vcpu *vcpu)
{
	int ret;

	lockdep_assert_held(&vcpu->mutex);
	lhv_vcpu_load(vcpu);
	WRITE_ONCE(vcpu->task, current);
	ret = lhv_arch_vcpu_run(vcpu);
	WRITE_ONCE(vcpu->task, NULL);
	vcpu->stats[LHV_VCPU_STAT_USER_EXITS]++;
	lhv_vcpu_put(vcpu);
	return ret;
}

bool lhv_vcpu_block(struct lhv_vcpu *vcpu)
{
	u64 start = ktime_get_ns();
	bool work;

	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		work = lhv_arch_vcpu_has_work(vcpu);
		if (work || READ_ONCE(vcpu->vm->dead) || lhv_must_return())
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	vcpu->stats[LHV_VCPU_STAT_HALT_NS] += ktime_get_ns() - start;
	return work;
}

/* A preempted vCPU's thread with a reference, or NULL. A thread lives on under RCU. */
static struct task_struct *preempted_task(struct lhv_vcpu *vcpu)
{
	struct task_struct *task = READ_ONCE(vcpu->task);

	if (!task || !READ_ONCE(vcpu->preempted))
		return NULL;
	get_task_struct(task);
	return task;
}

void lhv_vcpu_yield(struct lhv_vcpu *me)
{
	struct task_struct *task = NULL;
	struct lhv_vcpu *vcpu;
	unsigned long id;
	int pass;

	rcu_read_lock();
	for (pass = 0; pass < 2 && !task; pass++) {
		unsigned long first = pass ? 0 : me->yielded_to + 1;

		xa_for_each_start(&me->vm->vcpus, id, vcpu, first) {
			task = vcpu == me ? NULL : preempted_task(vcpu);
			if (task)
				break;
		}
	}
	rcu_read_unlock();
	if (!task) {
		cond_resched();
		return;
	}
	me->yielded_to = id;
	yield_to(task, true);
	put_task_struct(task);
}

void lhv_vcpu_kick(struct lhv_vcpu *vcpu)
{
	int cpu;

	/* rcuwait_wake_up() begins with the full barrier. */
	rcuwait_wake_up(&vcpu->wait);
	preempt_disable();
	if (READ_ONCE(vcpu->mode) == LHV_IN_GUEST) {
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu != smp_processor_id())
			smp_send_reschedule(cpu);
	}
	preempt_enable();
}

static void acknowledge_kick(void *unused)
{
}

void lhv_vm_flush_tlbs(struct lhv_vm *vm)
{
	struct lhv_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long id;
	int cpu, me = get_cpu();

	mask = this_cpu_cpumask_var_ptr(kick_mask);
	cpumask_clear(mask);
	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu) {
		lhv_vcpu_set_request(vcpu, LHV_REQ_TLB_FLUSH);
		/* Pairs with the barrier in arch/x86/run.c's set_mode(). */
		smp_mb__after_atomic();
		if (READ_ONCE(vcpu->mode) != LHV_IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu != me)
			cpumask_set_cpu(cpu, mask);
	}
	rcu_read_unlock();
	/* When a CPU has acknowledged, its vCPU is out of the guest. */
	smp_call_function_many(mask, acknowledge_kick, NULL, true);
	lhv_vm_stat(vm, LHV_VM_STAT_TLB_FLUSHES, 1);
	put_cpu();
}
