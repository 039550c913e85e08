// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux does to the VMM's memory while a guest uses it: unmapping,
 * protection, copy on write, large pages, merging. Guest and host must agree on
 * the memory's content throughout.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "host_mm.h"
#include "test.h"

#define BASE		0x40000000ULL
#define AREA		MIB(4)
#define PAGES		(AREA / GUEST_PAGE)

#define NR_CPUS		2

static u64 stop;
/* Of each vCPU */
static u64 rounds[NR_CPUS];
static u64 resets[NR_CPUS];
static u64 expected[NR_CPUS][PAGES];

FIXTURE(host) {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *area;
};

FIXTURE_SETUP(host)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(host)
{
	vm_close(self->vm);
}

/* Aligned to 2 MiB, and no large pages unless asked for. */
static u8 *map_area(int advice)
{
	u8 *area = mmap(NULL, AREA + MIB(2), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(area != MAP_FAILED);
	area += -(uintptr_t)area & (MIB(2) - 1);
	/* Not all kernels have them. */
	(void)madvise(area, AREA, advice);
	return area;
}

/* The word of page @i that guest and host look at; the next one is vCPU 1's. */
static volatile u64 *word_of(void *area, u64 i)
{
	return (u64 *)((u8 *)area + i * GUEST_PAGE + i % 511 * 8);
}

/*
 * Adds one to a word in each of the first @pages pages, over and over, and
 * checks that nobody else changes it: but it may be reset to 0.
 */
static void guest_add(u64 pages, u64 may_reset)
{
	u32 id = guest_cpu()->id;
	volatile u64 *word;
	u64 i, value;

	while (!READ_ONCE(stop)) {
		for (i = 0; i < pages; i++) {
			word = word_of((void *)BASE, i) + id;
			value = *word;
			if (value != expected[id][i]) {
				GUEST_ASSERT_EQ(0, value);
				GUEST_ASSERT(may_reset);
				WRITE_ONCE(resets[id], resets[id] + 1);
			}
			*word = value + 1;
			expected[id][i] = value + 1;
		}
		WRITE_ONCE(rounds[id], rounds[id] + 1);
	}
	/* What it sees in the end, for the host to compare */
	for (i = 0; i < pages; i++)
		expected[id][i] = word_of((void *)BASE, i)[id];
}

static void start_counting(FIXTURE_DATA(host) *self, u64 pages, bool may_reset)
{
	u32 id;

	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_create(self->vm, 1);
	for (id = 0; id < NR_CPUS; id++) {
		vcpu_set_long(&self->vm->vcpu[id], guest_add, pages, may_reset);
		vcpu_thread_start(&self->vm->vcpu[id]);
	}
	for (id = 0; id < NR_CPUS; id++)
		WAIT_UNTIL(guest_var(self->vm, rounds[id]) > 0);
}

/* Each vCPU finishes its round and makes @n more. */
static void wait_rounds(FIXTURE_DATA(host) *self, u64 n)
{
	u64 seen[NR_CPUS];
	u32 id;

	for (id = 0; id < NR_CPUS; id++)
		seen[id] = guest_var(self->vm, rounds[id]);
	for (id = 0; id < NR_CPUS; id++)
		WAIT_UNTIL(guest_var(self->vm, rounds[id]) > seen[id] + n);
}

/* Guest and host see the same. */
static void stop_counting(FIXTURE_DATA(host) *self, u64 pages)
{
	u64 i, guest, host;
	u32 id;

	guest_var(self->vm, stop) = 1;
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_join(&self->vm->vcpu[id]);
	for (i = 0; i < NR_CPUS * pages; i++) {
		id = i % NR_CPUS;
		guest = guest_var(self->vm, expected[id][i / NR_CPUS]);
		host = word_of(self->area, i / NR_CPUS)[id];
		if (guest != host)
			FAIL("page %llu: guest %llu host %llu", i / NR_CPUS, guest, host);
	}
}

TEST_F(host, dontneed)
{
	u64 i;

	self->area = map_area(MADV_NOHUGEPAGE);
	start_counting(self, 64, true);
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, madvise(self->area + i * 7 % 64 * GUEST_PAGE, GUEST_PAGE,
				     MADV_DONTNEED));
		if (i % 8 == 0)
			wait_rounds(self, 2);
	}
	ASSERT_EQ(0, madvise(self->area, AREA, MADV_DONTNEED));
	wait_rounds(self, 2);
	EXPECT_LT(0, guest_var(self->vm, resets[0]));
	stop_counting(self, 64);
}

TEST_F(host, protection_changes)
{
	int i;

	self->area = map_area(MADV_NOHUGEPAGE);
	start_counting(self, 64, false);
	/* Never less than the guest needs: it sees nothing of it. */
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mprotect(self->area, AREA, PROT_READ | PROT_WRITE | PROT_EXEC));
		ASSERT_EQ(0, mprotect(self->area, AREA, PROT_READ | PROT_WRITE));
		wait_rounds(self, 0);
	}
	stop_counting(self, 64);
}

/* ---- faults that the host has to answer -------------------------------------- */

static void guest_touch(u64 write)
{
	volatile u64 *word = (void *)BASE;

	if (write)
		*word = 0x77;
	GUEST_REPORT(*word);
}

static void expect_memory_fault(struct vcpu *vcpu, u32 access)
{
	const struct lhv_run *run = vcpu->run;

	vcpu_run_to(vcpu, LHV_EXIT_MEMORY_FAULT);
	if (run->memory_fault.gpa != BASE || run->memory_fault.access != access ||
	    run->memory_fault.error != -EFAULT)
		FAIL("%s", vcpu_describe(vcpu));
}

TEST_F(host, mprotect_none)
{
	self->area = map_area(MADV_NOHUGEPAGE);
	*(volatile u64 *)self->area = 5;
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 5);

	ASSERT_EQ(0, mprotect(self->area, AREA, PROT_NONE));
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	expect_memory_fault(self->vcpu, LHV_MEMORY_FAULT_READ);
	expect_memory_fault(self->vcpu, LHV_MEMORY_FAULT_READ);
	ASSERT_EQ(0, mprotect(self->area, AREA, PROT_READ | PROT_WRITE));
	vcpu_run_to_report(self->vcpu, 5);
}

TEST_F(host, mprotect_readonly)
{
	self->area = map_area(MADV_NOHUGEPAGE);
	*(volatile u64 *)self->area = 5;
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_touch, 1, 0);
	vcpu_run_to_report(self->vcpu, 0x77);
	*(volatile u64 *)self->area = 6;

	ASSERT_EQ(0, mprotect(self->area, AREA, PROT_READ));
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 6);
	vcpu_set_long(self->vcpu, guest_touch, 1, 0);
	expect_memory_fault(self->vcpu, LHV_MEMORY_FAULT_WRITE);
	EXPECT_EQ(6, *(volatile u64 *)self->area);
	ASSERT_EQ(0, mprotect(self->area, AREA, PROT_READ | PROT_WRITE));
	vcpu_run_to_report(self->vcpu, 0x77);
}

TEST_F(host, munmap_and_back)
{
	self->area = map_area(MADV_NOHUGEPAGE);
	*(volatile u64 *)self->area = 5;
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 5);

	ASSERT_EQ(0, munmap(self->area, AREA));
	vcpu_set_long(self->vcpu, guest_touch, 1, 0);
	expect_memory_fault(self->vcpu, LHV_MEMORY_FAULT_WRITE);
	ASSERT_EQ(self->area, mmap(self->area, AREA, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 0);
}

TEST_F(host, mremap)
{
	u8 *other;

	self->area = map_area(MADV_NOHUGEPAGE);
	other = map_area(MADV_NOHUGEPAGE);
	*(volatile u64 *)self->area = 5;
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 5);

	ASSERT_EQ(other, mremap(self->area, AREA, AREA, MREMAP_MAYMOVE | MREMAP_FIXED, other));
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	expect_memory_fault(self->vcpu, LHV_MEMORY_FAULT_READ);
	*(volatile u64 *)other = 8;
	ASSERT_EQ(self->area, mremap(other, AREA, AREA, MREMAP_MAYMOVE | MREMAP_FIXED,
				     self->area));
	vcpu_run_to_report(self->vcpu, 8);
}

/* ---- copy on write ----------------------------------------------------------- */

/* The child has the memory as it was, however much the guest goes on writing. */
static void watch_copy(const u8 *area, u64 pages, int go)
{
	u64 copy[64], i;
	char byte;

	for (i = 0; i < pages; i++)
		copy[i] = *word_of((void *)area, i);
	REQUIRE_SYS(read(go, &byte, 1));
	for (i = 0; i < pages; i++) {
		if (copy[i] != *word_of((void *)area, i))
			FAIL("page %llu changed under a child", i);
	}
	_exit(0);
}

static void fork_while_counting(struct __test_metadata *_metadata, FIXTURE_DATA(host) *self)
{
	int i, pipes[2], status;
	pid_t pid;

	start_counting(self, 64, false);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, pipe(pipes));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			watch_copy(self->area, 64, pipes[0]);
		wait_rounds(self, 3);
		ASSERT_EQ(1, write(pipes[1], "x", 1));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		close(pipes[0]);
		close(pipes[1]);
		wait_rounds(self, 0);
	}
	stop_counting(self, 64);
}

TEST_F(host, fork)
{
	self->area = map_area(MADV_NOHUGEPAGE);
	fork_while_counting(_metadata, self);
}

TEST_F(host, fork_with_large_pages)
{
	self->area = map_area(MADV_HUGEPAGE);
	fork_while_counting(_metadata, self);
}

/* Reading maps the zero page; the write then gets a page of its own. */
static void guest_zero_page(void)
{
	u64 i;

	for (i = 0; i < 16; i++)
		GUEST_ASSERT_EQ(0, *word_of((void *)BASE, i));
	*word_of((void *)BASE, 3) = 9;
	for (i = 0; i < 16; i++)
		GUEST_ASSERT_EQ(i == 3 ? 9 : 0, *word_of((void *)BASE, i));
}

TEST_F(host, zero_page)
{
	self->area = map_area(MADV_NOHUGEPAGE);
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_zero_page, 0, 0);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(9, *word_of(self->area, 3));
}

/* ---- large pages ------------------------------------------------------------- */

static bool large_pages_work(void)
{
	int dev = dev_open();
	u64 value;

	REQUIRE_OK(lhv_check_cap(dev, LHV_CAP_EPT_2M, &value));
	close(dev);
	return value && huge_pages_enabled();
}

TEST_F(host, transparent_huge_pages)
{
	u64 large;

	if (!large_pages_work())
		SKIP(return, "no transparent huge pages here");
	self->area = map_area(MADV_HUGEPAGE);
	/*
	 * Written before it is read: what is read first is the huge zero page,
	 * and 6.1 makes small pages of that when it is written.
	 */
	memset(self->area, 0, AREA);
	leave_split(self->area, AREA);
	start_counting(self, PAGES, true);
	wait_rounds(self, 2);
	/* The area's, and perhaps some of the program's */
	large = vm_stat(self->vm, LHV_VM_STAT_MAPPED_2M);
	EXPECT_LE(AREA / MIB(2), large);
	/* Splits one, in the host and so in the EPT */
	ASSERT_EQ(0, madvise(self->area + 5 * GUEST_PAGE, GUEST_PAGE, MADV_DONTNEED));
	wait_rounds(self, 2);
	EXPECT_EQ(large - 1, vm_stat(self->vm, LHV_VM_STAT_MAPPED_2M));
	EXPECT_LE(MIB(2) / GUEST_PAGE - 1, vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K));
	ASSERT_EQ(0, madvise(self->area, AREA, MADV_DONTNEED));
	wait_rounds(self, 2);
	stop_counting(self, PAGES);
}

TEST_F(host, hugetlb)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_RDWR);
	u64 mapped;

	if (fd < 0 || write(fd, "2", 1) != 1)
		SKIP(return, "no hugetlb pages here");
	self->area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (self->area == MAP_FAILED)
		SKIP(return, "no hugetlb pages to be had");
	start_counting(self, PAGES, true);
	ASSERT_EQ(0, madvise(self->area, MIB(2), MADV_DONTNEED));
	wait_rounds(self, 2);
	EXPECT_LT(0, guest_var(self->vm, resets[0]));
	stop_counting(self, PAGES);
	mapped = vm_stat(self->vm, LHV_VM_STAT_MAPPED_2M);
	munmap(self->area, AREA);
	EXPECT_EQ(mapped - AREA / MIB(2), vm_stat(self->vm, LHV_VM_STAT_MAPPED_2M));
	EXPECT_EQ(1, write(fd, "0", 1));
	close(fd);
}

/* ---- shared memory ----------------------------------------------------------- */

TEST_F(host, memfd)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	u8 *other;
	u64 i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, AREA));
	self->area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->area);
	ASSERT_NE(MAP_FAILED, (void *)other);
	start_counting(self, 64, true);
	/* Seen through the other mapping as well */
	WAIT_UNTIL(*word_of(other, 63) > 2);
	for (i = 0; i < 64; i += 8) {
		ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       i * GUEST_PAGE, 2 * GUEST_PAGE));
		wait_rounds(self, 0);
	}
	wait_rounds(self, 2);
	EXPECT_LT(0, guest_var(self->vm, resets[0]));
	stop_counting(self, 64);
	EXPECT_EQ(0, memcmp(self->area, other, 64 * GUEST_PAGE));
	close(fd);
}

/* Past the end of the file there is nothing. */
TEST_F(host, truncated_memfd)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, AREA));
	self->area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->area);
	*(volatile u64 *)self->area = 5;
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to_report(self->vcpu, 5);
	ASSERT_EQ(0, ftruncate(fd, 0));
	vcpu_set_long(self->vcpu, guest_touch, 0, 0);
	vcpu_run_to(self->vcpu, LHV_EXIT_MEMORY_FAULT);
	EXPECT_EQ(BASE, self->vcpu->run->memory_fault.gpa);
	EXPECT_GT(0, self->vcpu->run->memory_fault.error);
	ASSERT_EQ(0, ftruncate(fd, AREA));
	vcpu_run_to_report(self->vcpu, 0);
	close(fd);
}

/* ---- merging ----------------------------------------------------------------- */

#define MERGED		32

/* All pages but their first word are alike, and stay so. */
static void guest_read_merged(void)
{
	u64 i, n = 0;

	while (!READ_ONCE(stop)) {
		for (i = 0; i < MERGED; i++)
			GUEST_ASSERT_EQ(0x5a5a5a5a5a5a5a5a, *word_of((void *)BASE, i));
		WRITE_ONCE(rounds[0], ++n);
	}
	/* A write parts them. */
	for (i = 0; i < MERGED; i += 2)
		*word_of((void *)BASE, i) = i;
	for (i = 0; i < MERGED; i++)
		GUEST_ASSERT_EQ(i % 2 ? 0x5a5a5a5a5a5a5a5a : i, *word_of((void *)BASE, i));
}

TEST_F(host, same_page_merging)
{
	u64 i, before;

	if (!ksm_write("sleep_millisecs", "1") || !ksm_write("pages_to_scan", "1000"))
		SKIP(return, "no same-page merging here");
	before = ksm_read("pages_sharing");
	self->area = map_area(MADV_NOHUGEPAGE);
	memset(self->area, 0x5a, MERGED * GUEST_PAGE);
	ASSERT_EQ(0, madvise(self->area, MERGED * GUEST_PAGE, MADV_MERGEABLE));
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
	vcpu_set_long(self->vcpu, guest_read_merged, 0, 0);
	vcpu_thread_start(self->vcpu);
	ASSERT_TRUE(ksm_write("run", "1"));
	WAIT_UNTIL(ksm_read("pages_sharing") >= before + MERGED / 2);
	i = guest_var(self->vm, rounds[0]);
	WAIT_UNTIL(guest_var(self->vm, rounds[0]) > i + 2);
	ASSERT_TRUE(ksm_write("run", "0"));
	guest_var(self->vm, stop) = 1;
	vcpu_thread_join(self->vcpu);
	for (i = 0; i < MERGED; i++)
		EXPECT_EQ(i % 2 ? 0x5a5a5a5a5a5a5a5a : i, *word_of(self->area, i));
}

TEST_HARNESS_MAIN
