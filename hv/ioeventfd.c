// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a guest's write to a port or address signals an eventfd, and the
 * guest goes on
 *
 * What is registered is in one array for each address space, sorted by address,
 * which the guest's writes search under RCU. To add one, the array is replaced as a
 * whole; one that goes leaves a gap until then, since taking away must not fail.
 */
#include <linux/eventfd.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "hv/eventfd.h"

struct ioeventfd {
	u64 address;
	u64 data;
	u32 length;		/* bytes; 0: of any length */
	bool match;		/* only writes of @data */
	struct eventfd_ctx *ctx;	/* NULL: a gap */
};

struct lhv_ioeventfds {
	struct rcu_head rcu;
	u32 count;
	struct ioeventfd entry[] __counted_by(count);
};

/* The first entry at @address or above. */
static u32 lower_bound(const struct lhv_ioeventfds *array, u64 address)
{
	u32 low = 0, high = array->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (array->entry[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct eventfd_ctx *find(const struct lhv_ioeventfds *array, u64 address, u32 length,
				u64 data)
{
	const struct ioeventfd *e;
	struct eventfd_ctx *ctx;
	u32 i;

	for (i = lower_bound(array, address); i < array->count; i++) {
		e = &array->entry[i];
		if (e->address != address)
			break;
		ctx = READ_ONCE(e->ctx);
		if (ctx && (!e->length || e->length == length) && (!e->match || e->data == data))
			return ctx;
	}
	return NULL;
}

bool __lhv_ioeventfd_write(struct lhv_vm *vm, enum lhv_space space, u64 address, u32 length,
			   u64 data, bool signal)
{
	const struct lhv_ioeventfds *array;
	struct eventfd_ctx *ctx = NULL;

	rcu_read_lock();
	array = rcu_dereference(vm->ioeventfds[space]);
	if (array)
		ctx = find(array, address, length, data);
	if (ctx && signal)
		lhv_eventfd_signal(ctx);
	rcu_read_unlock();
	return ctx;
}

/* May a write mean both? */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->address != b->address)
		return false;
	if (!a->length || !b->length)
		return true;
	return a->length == b->length && (!a->match || !b->match || a->data == b->data);
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->address == b->address && a->length == b->length && a->match == b->match &&
	       a->data == b->data && a->ctx == b->ctx;
}

static struct lhv_ioeventfds *current_array(struct lhv_vm *vm, enum lhv_space space)
{
	return rcu_dereference_protected(vm->ioeventfds[space],
					 lockdep_is_held(&vm->eventfd_lock));
}

/* How many are registered. -EEXIST: @new collides with one of them. */
static int count_live(const struct lhv_ioeventfds *array, const struct ioeventfd *new)
{
	int live = 0;
	u32 i;

	for (i = 0; array && i < array->count; i++) {
		if (!array->entry[i].ctx)
			continue;
		if (collide(&array->entry[i], new))
			return -EEXIST;
		live++;
	}
	return live;
}

/* @old's without the gaps, and @new where its address belongs. */
static void merge(struct lhv_ioeventfds *array, const struct lhv_ioeventfds *old,
		  const struct ioeventfd *new)
{
	u32 i, n = 0;
	bool done = false;

	for (i = 0; old && i < old->count; i++) {
		if (!old->entry[i].ctx)
			continue;
		if (!done && old->entry[i].address > new->address) {
			array->entry[n++] = *new;
			done = true;
		}
		array->entry[n++] = old->entry[i];
	}
	if (!done)
		array->entry[n] = *new;
}

static int add(struct lhv_vm *vm, enum lhv_space space, const struct ioeventfd *new)
{
	struct lhv_ioeventfds *old = current_array(vm, space), *array;
	int live = count_live(old, new);

	if (live < 0)
		return live;
	if (live == LHV_MAX_IOEVENTFDS)
		return -ENOSPC;
	array = kvzalloc(struct_size(array, entry, live + 1), GFP_KERNEL_ACCOUNT);
	if (!array)
		return -ENOMEM;
	array->count = live + 1;
	merge(array, old, new);
	rcu_assign_pointer(vm->ioeventfds[space], array);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

static int remove(struct lhv_vm *vm, enum lhv_space space, const struct ioeventfd *gone)
{
	struct lhv_ioeventfds *array = current_array(vm, space);
	u32 count = array ? array->count : 0, i;

	for (i = 0; i < count && !same(&array->entry[i], gone); i++)
		;
	if (i == count)
		return -ENOENT;
	WRITE_ONCE(array->entry[i].ctx, NULL);
	/* Then nobody signals it any more. */
	synchronize_rcu_expedited();
	eventfd_ctx_put(gone->ctx);
	return 0;
}

int lhv_ioeventfd(struct lhv_vm *vm, const struct lhv_ioeventfd *args)
{
	enum lhv_space space = args->flags & LHV_IOEVENTFD_PIO ? LHV_SPACE_PIO : LHV_SPACE_MMIO;
	struct ioeventfd e = {
		.address = args->address,
		.length = args->length,
		.match = args->flags & LHV_IOEVENTFD_DATAMATCH,
		.data = args->data,
	};
	int ret;

	e.ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	mutex_lock(&vm->eventfd_lock);
	if (args->flags & LHV_IOEVENTFD_DEASSIGN)
		ret = remove(vm, space, &e);
	else
		ret = add(vm, space, &e);
	mutex_unlock(&vm->eventfd_lock);
	/* What is registered keeps it. */
	if (ret || (args->flags & LHV_IOEVENTFD_DEASSIGN))
		eventfd_ctx_put(e.ctx);
	return ret;
}

void lhv_ioeventfds_destroy(struct lhv_vm *vm)
{
	struct lhv_ioeventfds *array;
	int space;
	u32 i;

	for (space = 0; space < LHV_SPACES; space++) {
		array = rcu_dereference_protected(vm->ioeventfds[space], true);
		if (!array)
			continue;
		for (i = 0; i < array->count; i++)
			if (array->entry[i].ctx)
				eventfd_ctx_put(array->entry[i].ctx);
		kvfree(array);
	}
}
