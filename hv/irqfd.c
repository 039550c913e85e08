// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: who signals an eventfd sends a machine an interrupt message
 *
 * The eventfd's wait queue calls wakeup(), which consumes the count and sends the
 * message at once. A level-triggered one (LHV_IRQFD_RESAMPLE) is sent again only
 * after its EOI, of which a second eventfd tells the device.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "hv/arch.h"
#include "hv/eventfd.h"

/* Of a level-triggered one's message */
enum level {
	LEVEL_LOW,
	LEVEL_UNTAKEN,	/* sent, but no APIC took it */
	LEVEL_HIGH,	/* waits for its EOI */
};

/**
 * struct irqfd - an eventfd and its message
 * @link:	vm->irqfds
 * @level_link:	vm->level_irqfds, if level-triggered: EOIs go through it
 * @vm:		whose APICs get the message
 * @ctx:	the eventfd
 * @resample:	told of EOIs; NULL if edge-triggered
 * @wait:	in the eventfd's wait queue
 * @table:	for vfs_poll() to put it there
 * @closed:	nobody has the eventfd's file any more
 * @lock:	what follows; taken by wakeup(), with interrupts off
 * @address:	the message
 * @data:	"
 * @level:	see there
 * @vector:	whose EOI it waits for, if LEVEL_HIGH
 */
struct irqfd {
	struct list_head link;
	struct list_head level_link;
	struct lhv_vm *vm;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample;
	wait_queue_entry_t wait;
	poll_table table;
	bool closed;

	raw_spinlock_t lock;
	u64 address;
	u32 data;
	enum level level;
	u8 vector;
};

static void send(struct irqfd *irqfd)
{
	unsigned long flags;
	u64 address;
	u32 data;
	int taken;

	raw_spin_lock_irqsave(&irqfd->lock, flags);
	if (irqfd->resample && irqfd->level == LEVEL_HIGH) {
		raw_spin_unlock_irqrestore(&irqfd->lock, flags);
		return;
	}
	address = irqfd->address;
	data = irqfd->data;
	/* Before it is sent: its EOI may come at once. */
	irqfd->level = LEVEL_HIGH;
	irqfd->vector = lhv_arch_msi_vector(data);
	raw_spin_unlock_irqrestore(&irqfd->lock, flags);

	taken = lhv_arch_send_msi(irqfd->vm, address, data);
	if (taken > 0 || !irqfd->resample)
		return;
	raw_spin_lock_irqsave(&irqfd->lock, flags);
	if (irqfd->level == LEVEL_HIGH)
		irqfd->level = LEVEL_UNTAKEN;
	raw_spin_unlock_irqrestore(&irqfd->lock, flags);
}

/* Under the lock of the eventfd's wait queue. Returns 1 if that was all there is to do. */
static int wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLHUP)
		WRITE_ONCE(irqfd->closed, true);
	if (!(events & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(irqfd->ctx, &count);
	send(irqfd);
	return 1;
}

static void enqueue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct irqfd *irqfd = container_of(table, struct irqfd, table);

	/* Before all who poll it: there is nothing left for them. */
	add_wait_queue_priority(head, &irqfd->wait);
}

static struct irqfd *find(struct lhv_vm *vm, const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds, link)
		if (irqfd->ctx == ctx)
			return irqfd;
	return NULL;
}

/* When it returns, nobody calls wakeup() for it. */
static void detach(struct irqfd *irqfd)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
}

static void free_irqfd(struct irqfd *irqfd)
{
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

static void remove(struct irqfd *irqfd)
{
	lockdep_assert_held(&irqfd->vm->eventfd_lock);
	list_del(&irqfd->link);
	irqfd->vm->nr_irqfds--;
	detach(irqfd);
	if (irqfd->resample) {
		list_del_rcu(&irqfd->level_link);
		synchronize_rcu_expedited();
	}
	free_irqfd(irqfd);
}

/* Those whose file was closed: no fd names them, and they are no use. */
static void remove_closed(struct lhv_vm *vm)
{
	struct irqfd *irqfd, *next;

	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link)
		if (READ_ONCE(irqfd->closed))
			remove(irqfd);
}

static int add(struct lhv_vm *vm, struct irqfd *irqfd, struct file *file)
{
	remove_closed(vm);
	if (find(vm, irqfd->ctx))
		return -EBUSY;
	if (vm->nr_irqfds == LHV_MAX_IRQFDS)
		return -ENOSPC;
	list_add_tail(&irqfd->link, &vm->irqfds);
	if (irqfd->resample)
		list_add_tail_rcu(&irqfd->level_link, &vm->level_irqfds);
	vm->nr_irqfds++;
	/* What was signalled before counts. */
	if (vfs_poll(file, &irqfd->table) & EPOLLIN)
		send(irqfd);
	return 0;
}

static int assign(struct lhv_vm *vm, const struct lhv_irqfd *args, struct file *file)
{
	struct irqfd *irqfd;
	int ret;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->address = args->address;
	irqfd->data = args->data;
	raw_spin_lock_init(&irqfd->lock);
	init_waitqueue_func_entry(&irqfd->wait, wakeup);
	init_poll_funcptr(&irqfd->table, enqueue);
	irqfd->ctx = eventfd_ctx_fileget(file);
	if (args->flags & LHV_IRQFD_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resample_fd);
		if (IS_ERR(irqfd->resample)) {
			ret = PTR_ERR(irqfd->resample);
			irqfd->resample = NULL;
			goto free;
		}
	}

	mutex_lock(&vm->eventfd_lock);
	ret = add(vm, irqfd, file);
	mutex_unlock(&vm->eventfd_lock);
	if (ret)
		goto free;
	return 0;

free:
	free_irqfd(irqfd);
	return ret;
}

static int update(struct irqfd *irqfd, const struct lhv_irqfd *args)
{
	unsigned long flags;
	bool again;

	if (!irqfd->resample != !(args->flags & LHV_IRQFD_RESAMPLE))
		return -EINVAL;
	raw_spin_lock_irqsave(&irqfd->lock, flags);
	irqfd->address = args->address;
	irqfd->data = args->data;
	again = irqfd->resample && irqfd->level == LEVEL_UNTAKEN;
	raw_spin_unlock_irqrestore(&irqfd->lock, flags);
	if (again)
		send(irqfd);
	return 0;
}

static int change(struct lhv_vm *vm, const struct lhv_irqfd *args, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	struct irqfd *irqfd;
	int ret = 0;

	mutex_lock(&vm->eventfd_lock);
	irqfd = find(vm, ctx);
	if (!irqfd)
		ret = -ENOENT;
	else if (args->flags & LHV_IRQFD_DEASSIGN)
		remove(irqfd);
	else
		ret = update(irqfd, args);
	mutex_unlock(&vm->eventfd_lock);
	eventfd_ctx_put(ctx);
	return ret;
}

int lhv_irqfd(struct lhv_vm *vm, const struct lhv_irqfd *args)
{
	struct file *file = eventfd_fget(args->fd);
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (args->flags & (LHV_IRQFD_DEASSIGN | LHV_IRQFD_UPDATE))
		ret = change(vm, args, file);
	else
		ret = assign(vm, args, file);
	fput(file);
	return ret;
}

bool lhv_irqfd_eoi(struct lhv_vm *vm, u8 vector)
{
	struct irqfd *irqfd;
	unsigned long flags;
	bool found = false, mine;

	rcu_read_lock();
	list_for_each_entry_rcu(irqfd, &vm->level_irqfds, level_link) {
		raw_spin_lock_irqsave(&irqfd->lock, flags);
		mine = irqfd->level == LEVEL_HIGH && irqfd->vector == vector;
		if (mine)
			irqfd->level = LEVEL_LOW;
		raw_spin_unlock_irqrestore(&irqfd->lock, flags);
		if (mine)
			lhv_eventfd_signal(irqfd->resample);
		found |= mine;
	}
	rcu_read_unlock();
	return found;
}

void lhv_irqfds_destroy(struct lhv_vm *vm)
{
	struct irqfd *irqfd, *next;

	/* There are no vCPUs, and so no EOIs. */
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link) {
		detach(irqfd);
		free_irqfd(irqfd);
	}
}
