// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages given away, moved, and found broken, while a guest checks each word of
 * its memory (guest/keeper.h): what the host took on purpose reads as zero, and
 * nothing else changes. lib/fuzz.h has the knobs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "host_mm.h"
#include "keep.h"
#include "test.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define ROUNDS		3

FIXTURE(lost) {
	struct keep keep;
	int fd;		/* the file that is mapped, or -1 */
};

FIXTURE_SETUP(lost)
{
	keep_create(&self->keep);
	self->fd = -1;
}

FIXTURE_TEARDOWN(lost)
{
	keep_free(&self->keep);
	if (self->fd >= 0)
		close(self->fd);
}

/* ---- given away ---------------------------------------------------------------------------- */

static void give_away(struct keep *k, int fd, u64 page, u64 pages)
{
	u64 offset = page * GUEST_PAGE, bytes = pages * GUEST_PAGE;

	if (fd < 0)
		REQUIRE_SYS(madvise(k->area + offset, bytes, MADV_DONTNEED));
	else
		REQUIRE_SYS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				      bytes));
}

/*
 * Some ranges of a random length, in units of @unit pages. The guest is in its
 * vCPUs all the while, with its translations.
 */
static void give_away_and_check(struct __test_metadata *_metadata, struct keep *k, int fd, u64 unit)
{
	u64 units = KEEP_PAGES / unit, first, n, i, given, before;

	keep_start(k);
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		given = 0;
		keep_hold(k);
		before = keep_zeros(k);
		for (i = 0; i < 4; i++) {
			first = random32() % units;
			n = 1 + random32() % (units - first);
			n = n > 32 ? 1 + n % 32 : n;
			give_away(k, fd, first * unit, n * unit);
			keep_lose(k, first * unit, n * unit, KEEPER_ZERO);
		}
		for (i = 0; i < KEEP_PAGES; i++)
			given += guest_var(k->vm, keeper_lost[i]) == KEEPER_ZERO;
		keep_release(k);
		keep_wait(k, 1);
		EXPECT_EQ(before + given, keep_zeros(k));
	}
	keep_stop(k);
}

TEST_F(lost, dontneed)
{
	keep_map(&self->keep, KEEP_AREA, MADV_NOHUGEPAGE);
	give_away_and_check(_metadata, &self->keep, -1, 1);
}

TEST_F(lost, dontneed_huge_pages)
{
	if (!huge_pages_enabled())
		SKIP(return, "no transparent huge pages here");
	keep_map(&self->keep, KEEP_AREA, MADV_HUGEPAGE);
	memset(self->keep.area, 0, KEEP_AREA);
	leave_split(self->keep.area, KEEP_AREA);
	ASSERT_EQ(KEEP_AREA, smaps(self->keep.area, "AnonHugePages"));
	give_away_and_check(_metadata, &self->keep, -1, 1);
	EXPECT_GT(KEEP_AREA, smaps(self->keep.area, "AnonHugePages"));
}

/* Each page that is missing may be made a zero one of a huge page, at any moment. */
TEST_F(lost, dontneed_while_collapsed)
{
	if (!huge_pages_enabled() || !khugepaged_hurry(true))
		SKIP(return, "no khugepaged here");
	keep_map(&self->keep, KEEP_AREA, MADV_HUGEPAGE);
	give_away_and_check(_metadata, &self->keep, -1, 1);
	WAIT_UNTIL(smaps(self->keep.area, "AnonHugePages") == KEEP_AREA);
	ASSERT_TRUE(khugepaged_hurry(false));
}

static void map_file(FIXTURE_DATA(lost) *self)
{
	REQUIRE_SYS(ftruncate(self->fd, KEEP_AREA));
	keep_use(&self->keep, REQUIRE_SYS((u8 *)mmap(NULL, KEEP_AREA, PROT_READ | PROT_WRITE,
						     MAP_SHARED, self->fd, 0)), KEEP_AREA);
}

TEST_F(lost, holes_in_memfd)
{
	self->fd = REQUIRE_SYS(memfd_create("guest", MFD_CLOEXEC));
	map_file(self);
	give_away_and_check(_metadata, &self->keep, self->fd, 1);
}

#define NR_HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define FREE_HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

TEST_F(lost, holes_in_hugetlb)
{
	u64 before = read_number(NR_HUGEPAGES);
	char text[24];

	snprintf(text, sizeof(text), "%llu", before + KEEP_AREA / MIB(2));
	if (!write_file(NR_HUGEPAGES, text) || read_number(FREE_HUGEPAGES) < KEEP_AREA / MIB(2))
		SKIP(return, "no hugetlb pages to be had");
	self->fd = REQUIRE_SYS(memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB));
	map_file(self);
	EXPECT_EQ(KIB(2048), smaps(self->keep.area, "KernelPageSize"));
	give_away_and_check(_metadata, &self->keep, self->fd, MIB(2) / GUEST_PAGE);
	EXPECT_EQ(KEEP_AREA, smaps(self->keep.area, "Shared_Hugetlb") +
			     smaps(self->keep.area, "Private_Hugetlb"));
	EXPECT_LE(KEEP_AREA / MIB(2), vm_stat(self->keep.vm, LHV_VM_STAT_MAPPED_2M));
	snprintf(text, sizeof(text), "%llu", before);
	munmap(self->keep.area, KEEP_AREA);
	self->keep.area = NULL;
	close(self->fd);
	self->fd = -1;
	EXPECT_TRUE(write_file(NR_HUGEPAGES, text));
}

/*
 * MADV_FREE: the host takes the pages when it is short of memory, but not what
 * the guest has written since.
 */
TEST_F(lost, lazily_freed)
{
	struct keep *k = &self->keep;
	u64 freed = vmstat("pglazyfreed"), zeros, i;

	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		keep_hold(k);
		zeros = keep_zeros(k);
		ASSERT_EQ(0, madvise(k->area, KEEP_AREA, MADV_FREE));
		keep_lose(k, 0, KEEP_PAGES, KEEPER_EITHER);
		keep_release(k);
		/* By then it has written some of them. */
		for (i = 0; i < KEEP_PAGES; i++)
			WAIT_UNTIL(guest_var(k->vm, keeper_lost[i]) == KEEPER_KEPT);
		keep_hold(k);
		for (i = 0; i < KEEP_PAGES; i++)
			guest_var(k->vm, keeper_lost[i]) =
				guest_var(k->vm, keeper_written[i]) ? KEEPER_KEPT : KEEPER_EITHER;
		keep_page_out(k);
		keep_release(k);
		keep_wait(k, 1);
		EXPECT_LT(zeros, keep_zeros(k));
	}
	EXPECT_COUNTED(freed + KEEP_PAGES / 16, vmstat("pglazyfreed"));
	keep_stop(k);
}

/* ---- moved --------------------------------------------------------------------------------- */

/* Pages that are in other frames than before */
static u64 count_moved(struct keep *k, const u64 *before)
{
	static u64 now[KEEP_PAGES];
	u64 i, n = 0;

	frames_of(k->area, now, KEEP_PAGES);
	for (i = 0; i < KEEP_PAGES; i++)
		n += before[i] && now[i] && before[i] != now[i];
	return n;
}

/* Memory with holes everywhere: compaction has something to do. */
#define SCATTERED	MIB(64)
#define COMPACT		"/proc/sys/vm/compact_memory"
#define COMPACTIONS	100

static u8 *scatter(void)
{
	u8 *memory = REQUIRE_SYS((u8 *)mmap(NULL, SCATTERED, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	u64 i;

	(void)madvise(memory, SCATTERED, MADV_NOHUGEPAGE);
	for (i = 0; i < SCATTERED; i += GUEST_PAGE)
		memory[i] = 1;
	return memory;
}

TEST_F(lost, compacted)
{
	u64 migrated = vmstat("pgmigrate_success"), i;
	static u64 frames[KEEP_PAGES];
	struct keep *k = &self->keep;
	bool moved = false;
	u8 *memory;

	if (access(COMPACT, W_OK))
		SKIP(return, "no compaction here");
	memory = scatter();
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	frames_of(k->area, frames, KEEP_PAGES);
	for (i = 0; i < SCATTERED; i += 4 * GUEST_PAGE)
		ASSERT_EQ(0, madvise(memory + i, 3 * GUEST_PAGE, MADV_DONTNEED));
	for (i = 0; i < COMPACTIONS && !moved; i++)
		moved = write_file(COMPACT, "1") && count_moved(k, frames);
	if (moved)
		EXPECT_COUNTED(migrated + 1, vmstat("pgmigrate_success"));
	keep_wait(k, 1);
	TH_LOG("%llu of %llu pages moved", count_moved(k, frames), KEEP_PAGES);
	keep_stop(k);
	munmap(memory, SCATTERED);
	if (!moved)
		SKIP(return, "this host found other pages to move");
}

/* A page that is said to become unreliable is replaced; the guest doesn't notice. */
TEST_F(lost, soft_offlined)
{
	struct keep *k = &self->keep;
	u64 before, after, page, zeros;

	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	zeros = keep_zeros(k);
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		page = random32() % KEEP_PAGES;
		frames_of(k->area + page * GUEST_PAGE, &before, 1);
		if (madvise(k->area + page * GUEST_PAGE, GUEST_PAGE, MADV_SOFT_OFFLINE)) {
			if (errno == EINVAL || errno == EOPNOTSUPP)
				SKIP(goto out, "this host can't take pages offline");
			ASSERT_EQ(EBUSY, errno);
			continue;
		}
		keep_wait(k, 0);
		frames_of(k->area + page * GUEST_PAGE, &after, 1);
		EXPECT_NE(0, after);
		EXPECT_NE(before, after);
	}
	EXPECT_EQ(zeros, keep_zeros(k));
out:
	keep_stop(k);
}

/* ---- broken -------------------------------------------------------------------------------- */

static u64 broken_word;

static void guest_read_page(u64 page, u64 write)
{
	volatile u64 *word = (u64 *)(KEEPER_BASE + page * GUEST_PAGE);

	if (write)
		*word = page;
	broken_word = *word;
	GUEST_REPORT(broken_word);
}

#define BROKEN		5

/* The guest stops there, and nowhere else; with another page in its place it goes on. */
static void expect_broken(struct __test_metadata *_metadata, struct keep *k, bool write)
{
	struct vcpu *vcpu = &k->vm->vcpu[0];
	const struct lhv_run *run = vcpu->run;
	u8 *page = k->area + BROKEN * GUEST_PAGE;

	vcpu_set_long(vcpu, guest_read_page, BROKEN, write);
	vcpu_run_to(vcpu, LHV_EXIT_MEMORY_FAULT);
	EXPECT_EQ(KEEPER_BASE + BROKEN * GUEST_PAGE, run->memory_fault.gpa);
	EXPECT_EQ(write ? LHV_MEMORY_FAULT_WRITE : LHV_MEMORY_FAULT_READ, run->memory_fault.access);
	EXPECT_EQ(-EHWPOISON, run->memory_fault.error);
	/* Again, as long as nothing was done about it */
	vcpu_run_to(vcpu, LHV_EXIT_MEMORY_FAULT);
	EXPECT_EQ(-EHWPOISON, run->memory_fault.error);

	ASSERT_EQ(page, mmap(page, GUEST_PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	vcpu_run_to_report(vcpu, write ? BROKEN : 0);
}

/* Newer kernels tell the process at once. */
static void on_sigbus(int sig)
{
	(void)sig;
}

TEST_F(lost, broken)
{
	const struct sigaction action = { .sa_handler = on_sigbus };
	struct keep *k = &self->keep;
	int i;

	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));

	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	vm_set_memory(k->vm, 1, 0, KEEPER_BASE, k->bytes, k->area);
	for (i = 0; i < 2; i++) {
		vcpu_set_long(&k->vm->vcpu[0], guest_read_page, BROKEN, 1);
		vcpu_run_to_report(&k->vm->vcpu[0], BROKEN);
		vcpu_set_long(&k->vm->vcpu[0], guest_read_page, BROKEN + 1, 1);
		vcpu_run_to_report(&k->vm->vcpu[0], BROKEN + 1);
		if (madvise(k->area + BROKEN * GUEST_PAGE, GUEST_PAGE, MADV_HWPOISON))
			SKIP(return, "this host can't break pages");
		expect_broken(_metadata, k, i);
		vcpu_set_long(&k->vm->vcpu[0], guest_read_page, BROKEN + 1, 0);
		vcpu_run_to_report(&k->vm->vcpu[0], BROKEN + 1);
	}
}

TEST_HARNESS_MAIN
