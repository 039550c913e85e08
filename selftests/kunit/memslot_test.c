// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots and their dirty bitmaps, in a VM without vCPUs
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../../hv/dirty_log.c"
#include "../../hv/memslot.c"
#include "arch/x86/ept.h"

#define MIB	0x100000ULL

/* Any address that a VMM could have; nothing reads or writes there. */
#define HVA	0x7f0000000000ULL

static int set_memory(struct kunit *test, u32 id, u64 gpa, u64 bytes, u64 hva, u32 flags)
{
	struct lhv_memory mem = {
		.size = sizeof(mem),
		.flags = flags,
		.slot = id,
		.gpa = gpa,
		.bytes = bytes,
		.hva = hva,
	};

	struct lhv_vm *vm = test->priv;
	int r;

	mutex_lock(&vm->lock);
	r = lhv_set_memory(vm, &mem);
	mutex_unlock(&vm->lock);
	return r;
}

/* Number of the slot for a guest-physical address, or -1. */
static int slot_at(struct kunit *test, gpa_t gpa)
{
	struct lhv_vm *vm = test->priv;
	const struct lhv_memslot *slot;
	int id;

	mutex_lock(&vm->lock);
	slot = lhv_find_slot(vm, gpa >> PAGE_SHIFT);
	id = slot ? slot->id : -1;
	mutex_unlock(&vm->lock);
	return id;
}

static void slot_find(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, slot_at(test, 0), -1);

	/* Not in order. */
	KUNIT_ASSERT_EQ(test, set_memory(test, 7, 4 * MIB, MIB, HVA + 4 * MIB, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 3, 0, MIB, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 511, 5 * MIB, 2 * MIB, HVA + 8 * MIB, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 0, 2 * MIB, PAGE_SIZE, HVA + 2 * MIB, 0), 0);

	KUNIT_EXPECT_EQ(test, slot_at(test, 0), 3);
	KUNIT_EXPECT_EQ(test, slot_at(test, MIB - 1), 3);
	KUNIT_EXPECT_EQ(test, slot_at(test, MIB), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 2 * MIB - 1), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 2 * MIB), 0);
	KUNIT_EXPECT_EQ(test, slot_at(test, 2 * MIB + PAGE_SIZE), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 4 * MIB), 7);
	KUNIT_EXPECT_EQ(test, slot_at(test, 5 * MIB - 1), 7);
	KUNIT_EXPECT_EQ(test, slot_at(test, 5 * MIB), 511);
	KUNIT_EXPECT_EQ(test, slot_at(test, 7 * MIB - 1), 511);
	KUNIT_EXPECT_EQ(test, slot_at(test, 7 * MIB), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, ~0ULL), -1);
}

static void slot_remove_one(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 0, MIB, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 2, MIB, MIB, HVA + MIB, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 3, 2 * MIB, MIB, HVA + 2 * MIB, 0), 0);

	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, slot_at(test, MIB), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 0), 1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 2 * MIB), 3);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 0, 0, 0, 0), -ENOENT);
	/* Its number and its place are free. */
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, MIB, MIB, HVA + 9 * MIB, 0), 0);
}

static void slot_overlaps(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 4 * MIB, 4 * MIB, HVA, 0), 0);

	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 0, 4 * MIB + PAGE_SIZE, HVA, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 5 * MIB, MIB, HVA, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 0, 16 * MIB, HVA, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 8 * MIB - PAGE_SIZE, MIB, HVA, 0), -EEXIST);
	/* Up to it on both sides, and the same host memory twice. */
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, 0, 4 * MIB, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, 3, 8 * MIB, MIB, HVA, 0), 0);
	/* A move is held to the same, but not against itself. */
	KUNIT_EXPECT_EQ(test, set_memory(test, 3, 7 * MIB, MIB, HVA, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, slot_at(test, 8 * MIB), 3);
	KUNIT_EXPECT_EQ(test, set_memory(test, 3, 8 * MIB + PAGE_SIZE, MIB, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, slot_at(test, 8 * MIB), -1);
	KUNIT_EXPECT_EQ(test, slot_at(test, 9 * MIB), 3);
}

static void slot_fixed(struct kunit *test)
{
	const u32 flags = LHV_MEM_READONLY;

	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 0, MIB, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 2, MIB, MIB, HVA, flags), 0);

	KUNIT_EXPECT_EQ(test, set_memory(test, 1, 0, MIB - PAGE_SIZE, HVA, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, 1, 0, MIB, HVA + MIB, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, 1, 0, MIB, HVA, flags), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, MIB, MIB, HVA, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, 2, MIB, MIB, HVA, flags), 0);
}

static bool slot_note_range(struct lhv_vm *vm, const struct lhv_memslot *slot, gfn_t first,
			    gfn_t last, void *arg)
{
	u64 *sum = arg;

	*sum = *sum * 0x10000 + (first << 8 | last);
	return slot->id == 2;
}

static void slot_hva_ranges(struct kunit *test)
{
	struct lhv_vm *vm = test->priv;
	const struct {
		unsigned long start, end;
		u64 ranges;
		bool result;
	} rows[] = {
		{ HVA, HVA + 1, 0x1011, false },
		{ HVA + 0xfff, HVA + 0x1001, 0x1012, false },
		{ HVA + 0x4000, HVA + 0x5000, 0, false },
		{ HVA - 0x5000, HVA, 0, false },
		{ HVA + 0x3000, HVA + 0x9000, 0x13142023, true },
		{ 0, ULONG_MAX, 0x10142024, true },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 0x10000, 0x4000, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 2, 0x20000, 0x4000, HVA + 0x6000, 0), 0);

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 ranges = 0;
		bool result;

		mutex_lock(&vm->lock);
		result = lhv_visit_slots_in_hva(vm, rows[i].start, rows[i].end,
						slot_note_range, &ranges);
		mutex_unlock(&vm->lock);
		KUNIT_EXPECT_EQ_MSG(test, ranges, rows[i].ranges, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, result, rows[i].result, "row %u", i);
	}
}

/* What a fault under way goes by must not be taken for current. */
static void slot_moves_sequence(struct kunit *test)
{
	struct lhv_vm *vm = test->priv;
	unsigned long seq = vm->mmu_seq;

	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 0, MIB, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, vm->mmu_seq, seq);
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, MIB, MIB, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, vm->mmu_seq, seq + 1);
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, MIB, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, vm->mmu_seq, seq + 2);
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, MIB, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, vm->mmu_seq, seq + 2);
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, MIB, 0, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, vm->mmu_seq, seq + 3);
}

/* @pages: all whose bit is set, as numbers in the slot, and -1. */
static void expect_dirty(struct kunit *test, u32 id, const int *pages)
{
	struct lhv_vm *vm = test->priv;
	const struct lhv_memslot *slot;
	unsigned long bit = 0;

	mutex_lock(&vm->lock);
	slot = lhv_slot_by_id(lhv_memslots(vm), id);
	for (; *pages >= 0; pages++, bit++) {
		bit = find_next_bit(slot->dirty, slot->npages, bit);
		KUNIT_EXPECT_EQ(test, bit, (unsigned long)*pages);
	}
	KUNIT_EXPECT_EQ(test, find_next_bit(slot->dirty, slot->npages, bit), slot->npages);
	mutex_unlock(&vm->lock);
}

static void mark(struct kunit *test, gpa_t gpa)
{
	struct lhv_vm *vm = test->priv;

	mutex_lock(&vm->lock);
	lhv_mark_dirty(lhv_find_slot(vm, gpa >> PAGE_SHIFT), gpa >> PAGE_SHIFT);
	mutex_unlock(&vm->lock);
}

static void dirty_mark(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, set_memory(test, 4, MIB, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 5, 2 * MIB, MIB, HVA, 0), 0);
	mark(test, MIB);
	mark(test, 2 * MIB - 1);
	mark(test, MIB + 64 * PAGE_SIZE);
	mark(test, MIB);
	mark(test, 2 * MIB);
	expect_dirty(test, 4, (const int[]){ 0, 64, 255, -1 });

	/* The bitmap goes with a slot that moves, and is new when logging begins. */
	KUNIT_ASSERT_EQ(test, set_memory(test, 4, 0, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	expect_dirty(test, 4, (const int[]){ 0, 64, 255, -1 });
	KUNIT_ASSERT_EQ(test, set_memory(test, 4, 0, MIB, HVA, 0), 0);
	mark(test, 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 4, 0, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	expect_dirty(test, 4, (const int[]){ -1 });
}

/* Only what was reported is cleared. */
static void dirty_clear_reported(struct kunit *test)
{
	struct lhv_vm *vm = test->priv;
	unsigned long reported[4] = { BIT(0) | BIT(3), 0, BIT(63), BIT(1) };
	const struct lhv_memslot *slot;

	KUNIT_ASSERT_EQ(test, set_memory(test, 4, MIB, MIB, HVA, LHV_MEM_LOG_DIRTY), 0);
	mark(test, MIB);
	mark(test, MIB + 3 * PAGE_SIZE);
	mark(test, MIB + 4 * PAGE_SIZE);
	mark(test, MIB + 191 * PAGE_SIZE);
	mark(test, MIB + 193 * PAGE_SIZE);

	mutex_lock(&vm->lock);
	slot = lhv_slot_by_id(lhv_memslots(vm), 4);
	KUNIT_EXPECT_FALSE(test, dirty_clear(vm, slot, reported, 0, 3));
	mutex_unlock(&vm->lock);
	expect_dirty(test, 4, (const int[]){ 4, 193, -1 });
}

static int get_dirty_log(struct kunit *test, u32 id, void __user *bitmap, u64 bytes)
{
	struct lhv_vm *vm = test->priv;
	int r;

	mutex_lock(&vm->lock);
	r = lhv_get_dirty_log(vm, id, bitmap, bytes);
	mutex_unlock(&vm->lock);
	return r;
}

static void dirty_refused(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, set_memory(test, 1, 0, MIB, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, 2, MIB, 65 * PAGE_SIZE, HVA, LHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, get_dirty_log(test, 0, NULL, 4096), -ENOENT);
	KUNIT_EXPECT_EQ(test, get_dirty_log(test, 1, NULL, 4096), -ENOENT);
	KUNIT_EXPECT_EQ(test, get_dirty_log(test, 2, NULL, 15), -EINVAL);

	/* No memory there: the log stays. */
	mark(test, MIB + 64 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, get_dirty_log(test, 2, (void __user *)~0xfffUL, 16), -EFAULT);
	expect_dirty(test, 2, (const int[]){ 64, -1 });
}

static int memslot_test_init(struct kunit *test)
{
	struct lhv_vm *vm;
	int r;

	vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return -ENOMEM;
	mutex_init(&vm->lock);
	rwlock_init(&vm->mmu_lock);
	xa_init(&vm->vcpus);
	r = lhv_ept_create(vm);
	if (r)
		return r;
	test->priv = vm;
	return lhv_memslots_init(vm);
}

static void memslot_test_exit(struct kunit *test)
{
	struct lhv_vm *vm = test->priv;

	if (!vm)
		return;
	KUNIT_EXPECT_FALSE(test, vm->dead);
	lhv_memslots_destroy(vm);
	lhv_ept_destroy(vm);
	/* Their callbacks are this module's code. */
	srcu_barrier(&lhv_srcu);
}

static struct kunit_case memslot_cases[] = {
	KUNIT_CASE(slot_find),
	KUNIT_CASE(slot_remove_one),
	KUNIT_CASE(slot_overlaps),
	KUNIT_CASE(slot_fixed),
	KUNIT_CASE(slot_hva_ranges),
	KUNIT_CASE(slot_moves_sequence),
	KUNIT_CASE(dirty_mark),
	KUNIT_CASE(dirty_clear_reported),
	KUNIT_CASE(dirty_refused),
	{}
};

static struct kunit_suite memslot_suite = {
	.name = "lhv-memslot",
	.init = memslot_test_init,
	.exit = memslot_test_exit,
	.test_cases = memslot_cases,
};

kunit_test_suite(memslot_suite);
