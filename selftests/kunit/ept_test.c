// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT entries, and mapping, splitting and unmapping in tables that no CPU uses
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "arch/x86/ept.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

#define RX	(VMX_EPT_READABLE_MASK | VMX_EPT_EXECUTABLE_MASK | EPT_WB)
#define RWX	(RX | VMX_EPT_WRITABLE_MASK)
#define AD	(VMX_EPT_ACCESS_BIT | VMX_EPT_DIRTY_BIT)

#define PAGES_2M	512ULL
#define PAGES_1G	(512ULL * 512)

/* Where the guest frames of a test are, and their host frames: alike modulo 1 GiB. */
#define GFN	(5 * PAGES_1G)
#define PFN	(2 * PAGES_1G)

struct ept_test {
	struct lhv_vm vm;
	struct lhv_vcpu vcpu;
	struct lhv_vmx_caps caps;	/* the real ones, meanwhile */
};

/* ---- entries ---- */

static void ept_entry_none(struct kunit *test)
{
	int level;

	for (level = EPT_4K; level <= EPT_ROOT; level++) {
		KUNIT_EXPECT_FALSE(test, ept_is_present(EPT_NONE));
		KUNIT_EXPECT_FALSE(test, ept_is_leaf(EPT_NONE, level));
		KUNIT_EXPECT_FALSE(test, ept_is_table(EPT_NONE, level));
		KUNIT_EXPECT_FALSE(test, ept_is_misconfigured(EPT_NONE, level));
		KUNIT_EXPECT_FALSE(test, ept_permits(EPT_NONE, LHV_MEMORY_FAULT_READ));
	}
}

static void ept_entry_leaf(struct kunit *test)
{
	int level;

	for (level = EPT_4K; level <= EPT_1G; level++) {
		struct ept_entry e = ept_make_leaf(PFN + 0x12345, level, RX | VMX_EPT_ACCESS_BIT);

		KUNIT_EXPECT_TRUE(test, ept_is_leaf(e, level));
		KUNIT_EXPECT_FALSE(test, ept_is_table(e, level));
		KUNIT_EXPECT_FALSE(test, ept_is_misconfigured(e, level));
		KUNIT_EXPECT_FALSE(test, ept_is_writable(e));
		KUNIT_EXPECT_TRUE(test, ept_is_accessed(e));
		KUNIT_EXPECT_FALSE(test, ept_is_dirty(e));
		KUNIT_EXPECT_FALSE(test, ept_is_accessed(ept_clear_accessed(e)));
		KUNIT_EXPECT_EQ(test, ept_pfn(e), (PFN + 0x12345) & ~(ept_pages(level) - 1));
	}
	/* SDM 3C table 29-6: 4 KiB, write-back, R+X, IPAT. */
	KUNIT_EXPECT_EQ(test, ept_make_leaf(0x1234, EPT_4K, RX).val, 0x1234075ULL);
	KUNIT_EXPECT_EQ(test, ept_make_leaf(0x1234, EPT_2M, RWX).val, 0x12000f7ULL);
}

static void ept_entry_table(struct kunit *test)
{
	struct ept_entry *table = (struct ept_entry *)get_zeroed_page(GFP_KERNEL);
	struct ept_entry e;

	KUNIT_ASSERT_NOT_NULL(test, table);
	e = ept_make_table(table);
	KUNIT_EXPECT_TRUE(test, ept_is_table(e, EPT_2M));
	KUNIT_EXPECT_FALSE(test, ept_is_leaf(e, EPT_2M));
	KUNIT_EXPECT_FALSE(test, ept_is_misconfigured(e, EPT_ROOT));
	KUNIT_EXPECT_PTR_EQ(test, ept_table(e), table);
	free_page((unsigned long)table);
}

static void ept_entry_permits(struct kunit *test)
{
	struct ept_entry rx = ept_make_leaf(PFN, EPT_4K, RX);
	struct ept_entry rw = ept_make_leaf(PFN, EPT_4K, RWX & ~VMX_EPT_EXECUTABLE_MASK);
	const u32 r = LHV_MEMORY_FAULT_READ, w = LHV_MEMORY_FAULT_WRITE, x = LHV_MEMORY_FAULT_EXEC;

	KUNIT_EXPECT_TRUE(test, ept_permits(rx, r));
	KUNIT_EXPECT_TRUE(test, ept_permits(rx, r | x));
	KUNIT_EXPECT_FALSE(test, ept_permits(rx, w));
	KUNIT_EXPECT_FALSE(test, ept_permits(rx, r | w));
	KUNIT_EXPECT_TRUE(test, ept_permits(rw, r | w));
	KUNIT_EXPECT_FALSE(test, ept_permits(rw, x));
}

static void ept_entry_misconfigured(struct kunit *test)
{
	u64 leaf = ept_make_leaf(PFN, EPT_2M, RWX).val;
	struct {
		u64 val;
		int level;
	} bad[] = {
		{ leaf & ~VMX_EPT_READABLE_MASK, EPT_2M },	/* W without R */
		{ leaf | PAGE_SIZE, EPT_2M },			/* not aligned */
		{ leaf, EPT_1G + 1 },				/* no leaf that large */
		{ leaf & ~EPT_LEAF, EPT_2M },			/* a table with a memory type */
		{ (leaf & ~VMX_EPT_MT_MASK) | 2 << VMX_EPT_MT_EPTE_SHIFT, EPT_2M },
		{ (leaf & ~VMX_EPT_MT_MASK) | 3 << VMX_EPT_MT_EPTE_SHIFT, EPT_2M },
		{ leaf | VMX_EPT_MT_MASK, EPT_2M },
		{ leaf | BIT_ULL(boot_cpu_data.x86_phys_bits), EPT_2M },
	};
	unsigned int i;

	if (boot_cpu_data.x86_phys_bits >= 52)
		bad[ARRAY_SIZE(bad) - 1] = bad[0];
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ept_entry e = { bad[i].val };

		KUNIT_EXPECT_TRUE_MSG(test, ept_is_misconfigured(e, bad[i].level), "row %u", i);
	}
}

static void ept_entry_child(struct kunit *test)
{
	struct ept_entry leaf = ept_make_leaf(PFN, EPT_1G, RWX | AD);
	struct ept_entry child = ept_make_child(leaf, EPT_1G, 3);

	KUNIT_EXPECT_EQ(test, child.val, ept_make_leaf(PFN + 3 * PAGES_2M, EPT_2M, RWX | AD).val);
	child = ept_make_child(child, EPT_2M, 511);
	KUNIT_EXPECT_EQ(test, child.val,
			ept_make_leaf(PFN + 3 * PAGES_2M + 511, EPT_4K, RWX | AD).val);

	/* Small ones may always be executed. */
	leaf.val &= ~VMX_EPT_EXECUTABLE_MASK;
	child = ept_make_child(leaf, EPT_1G, 0);
	KUNIT_EXPECT_FALSE(test, ept_permits(child, LHV_MEMORY_FAULT_EXEC));
	child = ept_make_child(child, EPT_2M, 0);
	KUNIT_EXPECT_TRUE(test, ept_permits(child, LHV_MEMORY_FAULT_EXEC));
}

static struct kunit_case ept_entry_cases[] = {
	KUNIT_CASE(ept_entry_none),
	KUNIT_CASE(ept_entry_leaf),
	KUNIT_CASE(ept_entry_table),
	KUNIT_CASE(ept_entry_permits),
	KUNIT_CASE(ept_entry_misconfigured),
	KUNIT_CASE(ept_entry_child),
	{}
};

static struct kunit_suite ept_entry_suite = {
	.name = "lhv-ept-entry",
	.test_cases = ept_entry_cases,
};

/* ---- tables ---- */

static s64 ept_stat(struct kunit *test, int stat)
{
	struct ept_test *t = test->priv;

	return atomic64_read(&t->vm.stats[stat]);
}

static void expect_stats(struct kunit *test, s64 tables, s64 small, s64 medium, s64 large)
{
	KUNIT_EXPECT_EQ(test, ept_stat(test, LHV_VM_STAT_EPT_PAGES), tables);
	KUNIT_EXPECT_EQ(test, ept_stat(test, LHV_VM_STAT_MAPPED_4K), small);
	KUNIT_EXPECT_EQ(test, ept_stat(test, LHV_VM_STAT_MAPPED_2M), medium);
	KUNIT_EXPECT_EQ(test, ept_stat(test, LHV_VM_STAT_MAPPED_1G), large);
}

static void ept_map(struct kunit *test, gfn_t gfn, u64 pfn, int level, u64 attributes)
{
	struct ept_test *t = test->priv;
	struct ept_mapping map = {
		.gfn = gfn,
		.pfn = pfn,
		.level = level,
		.attributes = attributes,
		.access = LHV_MEMORY_FAULT_READ,
	};
	int missing = 0;

	if (attributes & VMX_EPT_WRITABLE_MASK)
		map.access |= LHV_MEMORY_FAULT_WRITE;
	do {
		KUNIT_ASSERT_EQ(test, lhv_ept_cache_fill(&t->vcpu, missing), 0);
		read_lock(&t->vm.mmu_lock);
		missing = lhv_ept_map(&t->vcpu, &map);
		read_unlock(&t->vm.mmu_lock);
	} while (missing);
	KUNIT_EXPECT_EQ(test, t->vcpu.arch.ept_cached, 0);
}

/* The leaf for a frame and its level, or EPT_NONE. */
static struct ept_entry ept_look(struct kunit *test, gfn_t gfn, int *level)
{
	struct ept_test *t = test->priv;
	struct ept_iter it;

	ept_iter_start(&it, t->vm.arch.ept, gfn, gfn + 1);
	while (ept_iter_valid(&it)) {
		*level = it.level;
		if (!ept_is_table(it.entry, it.level))
			return it.entry;
		ept_iter_next(&it);
	}
	return EPT_NONE;
}

static void expect_leaf(struct kunit *test, gfn_t gfn, u64 pfn, int level, u64 attributes)
{
	int found;
	struct ept_entry e = ept_look(test, gfn, &found);

	KUNIT_EXPECT_EQ(test, found, level);
	KUNIT_EXPECT_EQ(test, e.val, ept_make_leaf(pfn, level, attributes).val);
}

static bool ept_unmap(struct kunit *test, gfn_t first, gfn_t last)
{
	struct ept_test *t = test->priv;
	bool flush;

	write_lock(&t->vm.mmu_lock);
	flush = lhv_arch_unmap(&t->vm, first, last);
	write_unlock(&t->vm.mmu_lock);
	return flush;
}

static bool ept_protect(struct kunit *test, gfn_t first, u64 mask)
{
	struct ept_test *t = test->priv;
	bool flush;

	write_lock(&t->vm.mmu_lock);
	flush = lhv_arch_write_protect_mask(&t->vm, first, mask);
	write_unlock(&t->vm.mmu_lock);
	return flush;
}

static bool ept_age(struct kunit *test, gfn_t first, gfn_t last, bool clear)
{
	struct ept_test *t = test->priv;
	bool young;

	write_lock(&t->vm.mmu_lock);
	young = lhv_arch_age(&t->vm, first, last, clear);
	write_unlock(&t->vm.mmu_lock);
	return young;
}

static void ept_map_sizes(struct kunit *test)
{
	int level;

	expect_stats(test, 1, 0, 0, 0);

	ept_map(test, GFN + 7, PFN + 7, EPT_4K, RWX);
	expect_stats(test, 4, 1, 0, 0);
	ept_map(test, GFN + PAGES_2M + 9, PFN + PAGES_2M + 9, EPT_2M, RX);
	expect_stats(test, 4, 1, 1, 0);
	ept_map(test, GFN + PAGES_1G + 9, PFN + PAGES_1G + 9, EPT_1G, RWX);
	expect_stats(test, 4, 1, 1, 1);

	expect_leaf(test, GFN + 7, PFN + 7, EPT_4K, RWX);
	expect_leaf(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RX);
	expect_leaf(test, GFN + 2 * PAGES_1G - 1, PFN + PAGES_1G, EPT_1G, RWX);
	KUNIT_EXPECT_FALSE(test, ept_is_present(ept_look(test, EPT_GFN_LIMIT - 1, &level)));
	KUNIT_EXPECT_EQ(test, level, (int)EPT_ROOT);
}

/* Where there is a table, only what the fault is about is mapped. */
static void ept_map_large_over_table(struct kunit *test)
{
	ept_map(test, GFN, PFN, EPT_4K, RX);
	ept_map(test, GFN + 5, PFN + 5, EPT_1G, RX);
	expect_stats(test, 4, 2, 0, 0);
	expect_leaf(test, GFN + 5, PFN + 5, EPT_4K, RX);
}

static void ept_map_again(struct kunit *test)
{
	ept_map(test, GFN, PFN, EPT_4K, RX);
	ept_map(test, GFN, PFN, EPT_4K, RWX | AD);
	expect_leaf(test, GFN, PFN, EPT_4K, RWX | AD);
	/* What allows the access already is left alone. */
	ept_map(test, GFN, PFN, EPT_4K, RX);
	expect_leaf(test, GFN, PFN, EPT_4K, RWX | AD);
	ept_map(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RWX);
	ept_map(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_4K, RWX);
	expect_stats(test, 4, 1, 1, 0);
}

/* As when the guest writes to a logged page of a large mapping. */
static void ept_split(struct kunit *test)
{
	unsigned int i;

	ept_map(test, GFN, PFN, EPT_1G, RX);
	ept_map(test, GFN + PAGES_2M + 3, PFN + PAGES_2M + 3, EPT_4K, RWX);
	expect_stats(test, 4, 512, 511, 0);

	expect_leaf(test, GFN, PFN, EPT_2M, RX);
	expect_leaf(test, GFN + PAGES_1G - 1, PFN + PAGES_1G - PAGES_2M, EPT_2M, RX);
	for (i = 0; i < PAGES_2M; i++)
		expect_leaf(test, GFN + PAGES_2M + i, PFN + PAGES_2M + i, EPT_4K,
			    i == 3 ? RWX : RX);
}

static void ept_unmap_parts(struct kunit *test)
{
	struct ept_test *t = test->priv;

	ept_map(test, GFN, PFN, EPT_4K, RWX);
	ept_map(test, GFN + 1, PFN + 1, EPT_4K, RWX);
	ept_map(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RWX);

	KUNIT_EXPECT_FALSE(test, ept_unmap(test, GFN + 2, GFN + PAGES_2M));
	KUNIT_EXPECT_TRUE(test, ept_unmap(test, GFN + 1, GFN + 2));
	expect_stats(test, 4, 1, 1, 0);
	/* A part of a large leaf: all of it goes, and its neighbours stay. */
	KUNIT_EXPECT_TRUE(test, ept_unmap(test, GFN + PAGES_2M + 8, GFN + PAGES_2M + 9));
	expect_stats(test, 4, 1, 0, 0);
	KUNIT_EXPECT_FALSE(test, ept_unmap(test, GFN + 1, GFN + PAGES_1G));
	expect_leaf(test, GFN, PFN, EPT_4K, RWX);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->vm.arch.ept->reap));
}

static void ept_unmap_tables(struct kunit *test)
{
	struct ept_test *t = test->priv;

	ept_map(test, GFN + 1, PFN, EPT_4K, RWX);
	ept_map(test, GFN + PAGES_2M, PFN, EPT_4K, RWX);
	ept_map(test, GFN + 2 * PAGES_1G, PFN, EPT_1G, RWX);
	expect_stats(test, 5, 2, 0, 1);

	/* A whole table leaves, but its page waits for the flush. */
	KUNIT_EXPECT_TRUE(test, ept_unmap(test, GFN, GFN + PAGES_2M));
	expect_stats(test, 5, 1, 0, 1);
	KUNIT_EXPECT_FALSE(test, list_empty(&t->vm.arch.ept->reap));
	lhv_arch_mmu_reap(&t->vm);
	expect_stats(test, 4, 1, 0, 1);

	KUNIT_EXPECT_TRUE(test, ept_unmap(test, 0, ~(gfn_t)0));
	lhv_arch_mmu_reap(&t->vm);
	expect_stats(test, 1, 0, 0, 0);
	KUNIT_EXPECT_FALSE(test, ept_unmap(test, 0, ~(gfn_t)0));
}

/* A mapping asks for just the tables it needs, and does nothing without. */
static void ept_map_missing_tables(struct kunit *test)
{
	struct ept_test *t = test->priv;
	struct ept_mapping map = {
		.gfn = GFN,
		.pfn = PFN,
		.level = EPT_4K,
		.attributes = RWX,
		.access = LHV_MEMORY_FAULT_READ,
	};

	ept_map(test, GFN + PAGES_1G, PFN + PAGES_1G, EPT_2M, RWX);
	expect_stats(test, 3, 0, 1, 0);

	read_lock(&t->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, lhv_ept_map(&t->vcpu, &map), 2);
	read_unlock(&t->vm.mmu_lock);
	KUNIT_ASSERT_EQ(test, lhv_ept_cache_fill(&t->vcpu, 1), 0);
	read_lock(&t->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, lhv_ept_map(&t->vcpu, &map), 2);
	read_unlock(&t->vm.mmu_lock);
	expect_stats(test, 3, 0, 1, 0);

	ept_map(test, GFN, PFN, EPT_4K, RWX);
	expect_stats(test, 5, 1, 1, 0);
}

static void ept_unmap_everything(struct kunit *test)
{
	struct ept_test *t = test->priv;
	bool flush, again;

	ept_map(test, 1, PFN, EPT_4K, RWX);
	ept_map(test, GFN + PAGES_2M, PFN, EPT_4K, RWX);
	ept_map(test, GFN + 2 * PAGES_2M, PFN + 2 * PAGES_2M, EPT_2M, RWX);
	ept_map(test, EPT_GFN_LIMIT - PAGES_1G, PFN, EPT_1G, RWX);
	expect_stats(test, 7, 2, 1, 1);

	write_lock(&t->vm.mmu_lock);
	flush = lhv_arch_unmap_all(&t->vm);
	write_unlock(&t->vm.mmu_lock);
	KUNIT_EXPECT_TRUE(test, flush);
	expect_stats(test, 7, 0, 0, 0);
	lhv_arch_mmu_reap(&t->vm);
	expect_stats(test, 1, 0, 0, 0);

	write_lock(&t->vm.mmu_lock);
	again = lhv_arch_unmap_all(&t->vm);
	write_unlock(&t->vm.mmu_lock);
	KUNIT_EXPECT_FALSE(test, again);
}

static void ept_write_protect(struct kunit *test)
{
	struct ept_test *t = test->priv;
	unsigned int i;
	bool flush;

	for (i = 0; i < 64; i++)
		ept_map(test, GFN + i, PFN + i, EPT_4K, RWX);
	KUNIT_EXPECT_FALSE(test, ept_protect(test, GFN, 0));
	KUNIT_EXPECT_TRUE(test, ept_protect(test, GFN, BIT_ULL(63) | BIT_ULL(5) | BIT_ULL(4)));
	for (i = 0; i < 64; i++)
		expect_leaf(test, GFN + i, PFN + i, EPT_4K,
			    i == 63 || i == 5 || i == 4 ? RX : RWX);
	KUNIT_EXPECT_FALSE(test, ept_protect(test, GFN, BIT_ULL(5)));

	ept_map(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RWX);
	write_lock(&t->vm.mmu_lock);
	flush = lhv_arch_write_protect(&t->vm, GFN, GFN + 2 * PAGES_2M);
	write_unlock(&t->vm.mmu_lock);
	KUNIT_EXPECT_TRUE(test, flush);
	expect_leaf(test, GFN, PFN, EPT_4K, RX);
	expect_leaf(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RX);
}

static void ept_age_flags(struct kunit *test)
{
	ept_map(test, GFN, PFN, EPT_4K, RWX | AD);
	ept_map(test, GFN + 1, PFN + 1, EPT_4K, RWX);

	KUNIT_EXPECT_FALSE(test, ept_age(test, GFN + 1, GFN + 2, true));
	KUNIT_EXPECT_TRUE(test, ept_age(test, GFN, GFN + 2, false));
	KUNIT_EXPECT_TRUE(test, ept_age(test, GFN, GFN + 2, true));
	KUNIT_EXPECT_FALSE(test, ept_age(test, GFN, GFN + 2, true));
	expect_leaf(test, GFN, PFN, EPT_4K, RWX | VMX_EPT_DIRTY_BIT);
}

static void ept_age_without_flags(struct kunit *test)
{
	lhv_vmx_caps.ept_ad = false;
	ept_map(test, GFN, PFN, EPT_4K, RWX);

	KUNIT_EXPECT_TRUE(test, ept_age(test, GFN, GFN + 1, false));
	KUNIT_EXPECT_TRUE(test, ept_age(test, GFN, GFN + 1, true));
	KUNIT_EXPECT_FALSE(test, ept_age(test, GFN, GFN + 1, false));
	expect_stats(test, 4, 0, 0, 0);
}

static void ept_walk_range(struct kunit *test)
{
	static const struct {
		gfn_t gfn;
		int level;
	} expected[] = {
		{ GFN + 511, EPT_ROOT },
		{ GFN + 511, EPT_1G },
		{ GFN + 511, EPT_2M },
		{ GFN + 511, EPT_4K },
		{ GFN + PAGES_2M, EPT_2M },
		{ GFN + 2 * PAGES_2M, EPT_2M },
		{ GFN + 2 * PAGES_2M, EPT_4K },
		{ GFN + 2 * PAGES_2M + 7, EPT_4K },
		/* Behind a table, the next entry comes even if it is empty. */
		{ GFN + 3 * PAGES_2M, EPT_2M },
		{ GFN + 4 * PAGES_2M, EPT_2M },
	};
	struct ept_test *t = test->priv;
	struct ept_iter it;
	unsigned int n = 0;

	ept_map(test, GFN, PFN, EPT_4K, RWX);
	ept_map(test, GFN + PAGES_2M, PFN + PAGES_2M, EPT_2M, RWX);
	ept_map(test, GFN + 2 * PAGES_2M, PFN, EPT_4K, RWX);
	ept_map(test, GFN + 2 * PAGES_2M + 7, PFN, EPT_4K, RWX);
	ept_map(test, GFN + 4 * PAGES_2M, PFN + 4 * PAGES_2M, EPT_2M, RWX);
	ept_map(test, GFN + 6 * PAGES_2M, PFN + 6 * PAGES_2M, EPT_2M, RWX);

	for (ept_iter_start(&it, t->vm.arch.ept, GFN + 511, GFN + 6 * PAGES_2M);
	     ept_iter_valid(&it); ept_iter_next(&it)) {
		KUNIT_ASSERT_LT(test, n, (unsigned int)ARRAY_SIZE(expected));
		KUNIT_EXPECT_EQ_MSG(test, it.gfn, expected[n].gfn, "step %u", n);
		KUNIT_EXPECT_EQ_MSG(test, it.level, expected[n].level, "step %u", n);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, (unsigned int)ARRAY_SIZE(expected));
}

static void ept_pointer(struct kunit *test)
{
	struct ept_test *t = test->priv;

	/* Write-back, 4 levels, accessed and dirty flags (SDM 3C table 25-9). */
	KUNIT_EXPECT_EQ(test, lhv_ept_eptp(&t->vm) & ~PAGE_MASK, 0x5eUL);
	KUNIT_EXPECT_EQ(test, lhv_ept_eptp(&t->vm) & PAGE_MASK, __pa(t->vm.arch.ept->root));
}

static int ept_test_init(struct kunit *test)
{
	struct ept_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->caps = lhv_vmx_caps;
	lhv_vmx_caps.ept_ad = true;
	rwlock_init(&t->vm.mmu_lock);
	xa_init(&t->vm.vcpus);
	t->vcpu.vm = &t->vm;
	test->priv = t;
	return lhv_ept_create(&t->vm);
}

static void ept_test_exit(struct kunit *test)
{
	struct ept_test *t = test->priv;

	if (!t)
		return;
	KUNIT_EXPECT_FALSE(test, t->vm.dead);
	lhv_ept_cache_free(&t->vcpu);
	lhv_ept_destroy(&t->vm);
	expect_stats(test, 0, 0, 0, 0);
	lhv_vmx_caps = t->caps;
}

static struct kunit_case ept_cases[] = {
	KUNIT_CASE(ept_map_sizes),
	KUNIT_CASE(ept_map_large_over_table),
	KUNIT_CASE(ept_map_again),
	KUNIT_CASE(ept_split),
	KUNIT_CASE(ept_unmap_parts),
	KUNIT_CASE(ept_unmap_tables),
	KUNIT_CASE(ept_map_missing_tables),
	KUNIT_CASE(ept_unmap_everything),
	KUNIT_CASE(ept_write_protect),
	KUNIT_CASE(ept_age_flags),
	KUNIT_CASE(ept_age_without_flags),
	KUNIT_CASE(ept_walk_range),
	KUNIT_CASE(ept_pointer),
	{}
};

static struct kunit_suite ept_suite = {
	.name = "lhv-ept",
	.init = ept_test_init,
	.exit = ept_test_exit,
	.test_cases = ept_cases,
};

kunit_test_suites(&ept_entry_suite, &ept_suite);
