// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages made out of small ones and taken apart again, while a guest checks
 * each word of its memory (guest/keeper.h). lib/fuzz.h has the knobs.
 */
#include <sys/mman.h>

#include "fuzz.h"
#include "host_mm.h"
#include "keep.h"
#include "test.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define ROUNDS		4

FIXTURE(huge) {
	struct keep keep;
};

FIXTURE_SETUP(huge)
{
	keep_create(&self->keep);
}

FIXTURE_TEARDOWN(huge)
{
	keep_free(&self->keep);
}

/* Parts of one are protected otherwise, or given away; and back. */
static void split(struct __test_metadata *_metadata, struct keep *k)
{
	u64 pmd = vmstat("thp_split_pmd"), page = vmstat("thp_split_page");
	u8 *middle = k->area + MIB(2) + 7 * GUEST_PAGE;

	ASSERT_EQ(0, mprotect(k->area + GUEST_PAGE, GUEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	keep_wait(k, 0);
	EXPECT_COUNTED(pmd + 1, vmstat("thp_split_pmd"));
	ASSERT_EQ(0, mprotect(k->area + GUEST_PAGE, GUEST_PAGE, PROT_READ | PROT_WRITE));

	keep_hold(k);
	pmd = vmstat("thp_split_pmd");
	ASSERT_EQ(0, madvise(middle, 3 * GUEST_PAGE, MADV_DONTNEED));
	keep_lose(k, (middle - k->area) / GUEST_PAGE, 3, KEEPER_ZERO);
	keep_release(k);
	keep_wait(k, 1);
	EXPECT_COUNTED(pmd + page + 1, vmstat("thp_split_pmd") + vmstat("thp_split_page"));
	EXPECT_GT(KEEP_AREA, smaps(k->area, "AnonHugePages"));
}

TEST_F(huge, collapsed_and_split)
{
	struct keep *k = &self->keep;
	u64 zeroed;

	if (!huge_pages_enabled())
		SKIP(return, "no transparent huge pages here");
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	EXPECT_EQ(0, smaps(k->area, "AnonHugePages"));
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		ASSERT_EQ(0, madvise(k->area, KEEP_AREA, MADV_HUGEPAGE));
		/* EAGAIN: pages were in use just then. */
		WAIT_UNTIL(!madvise(k->area, KEEP_AREA, MADV_COLLAPSE));
		leave_split(k->area, KEEP_AREA);
		ASSERT_EQ(KEEP_AREA, smaps(k->area, "AnonHugePages"));
		WAIT_UNTIL(vm_stat(k->vm, LHV_VM_STAT_MAPPED_2M) >= KEEP_AREA / MIB(2));
		zeroed = keep_zeros(k);
		split(_metadata, k);
		EXPECT_EQ(zeroed + 3, keep_zeros(k));
	}
	keep_stop(k);
}

TEST_F(huge, collapsed_by_khugepaged)
{
	struct keep *k = &self->keep;
	u64 before = vmstat("thp_collapse_alloc");

	if (!huge_pages_enabled() || !khugepaged_hurry(true))
		SKIP(return, "no khugepaged here");
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	ASSERT_EQ(0, madvise(k->area, KEEP_AREA, MADV_HUGEPAGE));
	WAIT_UNTIL(smaps(k->area, "AnonHugePages") == KEEP_AREA);
	EXPECT_COUNTED(before + KEEP_AREA / MIB(2), vmstat("thp_collapse_alloc"));
	keep_wait(k, 0);
	ASSERT_TRUE(khugepaged_hurry(false));
	keep_stop(k);
}

TEST_HARNESS_MAIN
