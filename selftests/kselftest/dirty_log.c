// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: exactly the pages that were written, each once
 */
#include <string.h>
#include <sys/mman.h>

#include "test.h"

#define BASE		0x40000000ULL
#define PAGES		1030ULL		/* not a multiple of 64, more than a 2 MiB page */
#define AREA		(PAGES * GUEST_PAGE)
#define LONGS		((PAGES + 63) / 64)

static u64 bitmap[LONGS];
static u64 stop;
static u64 rounds;

FIXTURE(log) {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *area;
};

FIXTURE_VARIANT(log) {
	int advice;
};

FIXTURE_VARIANT_ADD(log, small_pages) { .advice = MADV_NOHUGEPAGE };
FIXTURE_VARIANT_ADD(log, large_pages) { .advice = MADV_HUGEPAGE };

FIXTURE_SETUP(log)
{
	u8 *area = mmap(NULL, AREA + MIB(2), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(area != MAP_FAILED);
	self->area = area + (-(uintptr_t)area & (MIB(2) - 1));
	(void)madvise(self->area, AREA, variant->advice);
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(log)
{
	vm_close(self->vm);
}

static void set_log(FIXTURE_DATA(log) *self, bool on)
{
	vm_set_memory(self->vm, 1, on ? LHV_MEM_LOG_DIRTY : 0, BASE, AREA, self->area);
}

static u32 fetch(FIXTURE_DATA(log) *self)
{
	u32 i, n = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	REQUIRE_OK(lhv_get_dirty_log(self->vm->fd, 1, bitmap, sizeof(bitmap)));
	for (i = 0; i < LONGS; i++)
		n += __builtin_popcountll(bitmap[i]);
	return n;
}

static bool is_dirty(u64 page)
{
	return bitmap[page / 64] & BIT(page % 64);
}

static volatile u64 *page_word(void *area, u64 page)
{
	return (u64 *)((u8 *)area + page * GUEST_PAGE);
}

/* Writes each @step-th page from @first on, and reads all. */
static void guest_write_pages(u64 first, u64 step)
{
	u64 i, sum = 0;

	for (i = 0; i < PAGES; i++)
		sum += *page_word((void *)BASE, i);
	for (i = first; i < PAGES; i += step)
		*page_word((void *)BASE, i) = i + step;
	GUEST_REPORT(sum);
}

static void write_pages(FIXTURE_DATA(log) *self, u64 first, u64 step)
{
	vcpu_set_long(self->vcpu, guest_write_pages, first, step);
	vcpu_run_to_done(self->vcpu);
}

static void expect_pages(struct __test_metadata *_metadata, FIXTURE_DATA(log) *self, u64 first,
			 u64 step)
{
	u64 i, n = 0;

	fetch(self);
	for (i = 0; i < PAGES; i++) {
		bool expected = i >= first && (i - first) % step == 0;

		if (is_dirty(i) != expected && n++ < 8)
			TH_LOG("page %llu: %d instead of %d", i, is_dirty(i), expected);
	}
	EXPECT_EQ(0, n);
	/* Nothing beyond the last page */
	for (; i < LONGS * 64; i++)
		EXPECT_FALSE(is_dirty(i));
	/* Fetched is cleared. */
	EXPECT_EQ(0, fetch(self));
}

TEST_F(log, exact_pages)
{
	/* From the start; then in each round of fetching anew */
	set_log(self, true);
	EXPECT_EQ(0, fetch(self));
	write_pages(self, 0, 1);
	expect_pages(_metadata, self, 0, 1);
	write_pages(self, 3, 7);
	expect_pages(_metadata, self, 3, 7);
	write_pages(self, 3, 7);
	write_pages(self, 3, 7);
	expect_pages(_metadata, self, 3, 7);
	write_pages(self, 5, 64);
	expect_pages(_metadata, self, 5, 64);
	write_pages(self, PAGES - 1, 1);
	expect_pages(_metadata, self, PAGES - 1, 1);
	write_pages(self, 0, PAGES);
	expect_pages(_metadata, self, 0, PAGES);
	/* Reading only */
	write_pages(self, PAGES, 1);
	EXPECT_EQ(0, fetch(self));
}

/* Switched on for memory that is mapped, writable, and in large pages. */
TEST_F(log, switched_on_later)
{
	set_log(self, false);
	write_pages(self, 0, 1);
	set_log(self, true);
	EXPECT_EQ(0, fetch(self));
	write_pages(self, 2, 9);
	expect_pages(_metadata, self, 2, 9);

	/* Off: not logged, nor after it is on again. */
	write_pages(self, 0, 3);
	set_log(self, false);
	EXPECT_EQ(-ENOENT, lhv_get_dirty_log(self->vm->fd, 1, bitmap, sizeof(bitmap)));
	write_pages(self, 0, 2);
	set_log(self, true);
	EXPECT_EQ(0, fetch(self));
	write_pages(self, 4, 100);
	expect_pages(_metadata, self, 4, 100);
}

TEST_F(log, move_keeps_the_log)
{
	set_log(self, true);
	write_pages(self, 1, 5);
	vm_set_memory(self->vm, 1, LHV_MEM_LOG_DIRTY, BASE + MIB(64), AREA, self->area);
	vm_set_memory(self->vm, 1, LHV_MEM_LOG_DIRTY, BASE, AREA, self->area);
	write_pages(self, 6, 5);
	expect_pages(_metadata, self, 1, 5);
}

TEST_F(log, efault_keeps_the_log)
{
	set_log(self, true);
	write_pages(self, 1, 5);
	EXPECT_EQ(-EFAULT, lhv_get_dirty_log(self->vm->fd, 1, (void *)GUEST_PAGE, sizeof(bitmap)));
	EXPECT_EQ(-EINVAL, lhv_get_dirty_log(self->vm->fd, 1, bitmap, 8));
	expect_pages(_metadata, self, 1, 5);
}

TEST_F(log, writes_of_the_vmm)
{
	u64 i;

	set_log(self, true);
	for (i = 0; i < PAGES; i += 2)
		*page_word(self->area, i) = i;
	EXPECT_EQ(0, fetch(self));
	write_pages(self, 0, PAGES);
	*page_word(self->area, 7) = 7;
	expect_pages(_metadata, self, 0, PAGES);
}

/* The log stands even if the host takes the page away meanwhile. */
TEST_F(log, dropped_pages)
{
	set_log(self, true);
	write_pages(self, 3, 11);
	ASSERT_EQ(0, madvise(self->area, AREA, MADV_DONTNEED));
	expect_pages(_metadata, self, 3, 11);
	write_pages(self, 4, 11);
	expect_pages(_metadata, self, 4, 11);
}

/* ---- while the guest writes -------------------------------------------------- */

static void guest_write_on(u64 id)
{
	u64 i, n = 0;
	u32 seed = id + 1;

	while (!READ_ONCE(stop)) {
		for (i = 0; i < 64; i++) {
			u64 page;

			seed = seed * 1103515245 + 12345;
			page = (seed >> 8) % PAGES;
			page_word((void *)BASE, page)[id] = ++n;
		}
		__atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
	}
}

static u64 copy_dirty(FIXTURE_DATA(log) *self, u8 *copy)
{
	u64 i, n = fetch(self);

	for (i = 0; i < PAGES; i++) {
		if (is_dirty(i))
			memcpy(copy + i * GUEST_PAGE, self->area + i * GUEST_PAGE, GUEST_PAGE);
	}
	return n;
}

/* As a migration does it: who copies what the log tells has it all in the end. */
TEST_F(log, copy_of_a_running_guest)
{
	u8 *copy = malloc(AREA);
	u64 i, seen;

	ASSERT_NE(NULL, copy);
	set_log(self, false);
	vcpu_create(self->vm, 1);
	for (i = 0; i < 2; i++) {
		vcpu_set_long(&self->vm->vcpu[i], guest_write_on, i, 0);
		vcpu_thread_start(&self->vm->vcpu[i]);
	}
	WAIT_UNTIL(guest_var(self->vm, rounds) > 20);
	set_log(self, true);
	memcpy(copy, self->area, AREA);
	for (i = 0; i < 20; i++) {
		seen = guest_var(self->vm, rounds);
		WAIT_UNTIL(guest_var(self->vm, rounds) > seen + 1);
		EXPECT_LT(0, copy_dirty(self, copy));
	}
	guest_var(self->vm, stop) = 1;
	for (i = 0; i < 2; i++)
		vcpu_thread_join(&self->vm->vcpu[i]);
	copy_dirty(self, copy);
	EXPECT_EQ(0, fetch(self));
	EXPECT_EQ(0, memcmp(copy, self->area, AREA));
	free(copy);
}

/* ---- writes that the guest doesn't make by itself ---------------------------- */

/* INS: the host writes the guest's memory on the guest's behalf. */
static void guest_ins(void)
{
	u64 rdi = BASE + 5 * GUEST_PAGE - 2, rcx = 4;

	asm volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(0x10) : "memory");
}

TEST_F(log, string_input)
{
	int bytes;

	set_log(self, true);
	vcpu_set_long(self->vcpu, guest_ins, 0, 0);
	for (bytes = 0; bytes < 4; bytes += self->vcpu->run->io.count)
		vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_IN);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(2, fetch(self));
	EXPECT_TRUE(is_dirty(4));
	EXPECT_TRUE(is_dirty(5));
}

/* The processor sets accessed and dirty flags in the guest's page tables. */
static void guest_page_table(void)
{
	volatile u64 *pml4 = (u64 *)LAYOUT_PML4;
	volatile u64 *pdpt = page_word((void *)BASE, 2);
	volatile u64 *scratch = (u64 *)(1ULL << 39);

	GUEST_REPORT(0);
	/* Linear 1 << 39 is physical 0 by a table in the logged slot. */
	pml4[1] = (BASE + 2 * GUEST_PAGE) | PTE_PRESENT | PTE_WRITE;
	scratch[LAYOUT_SCRATCH / 8] = 1;
	GUEST_ASSERT_EQ(PTE_ACCESSED | PTE_DIRTY, pdpt[0] & (PTE_ACCESSED | PTE_DIRTY));
}

TEST_F(log, flags_in_page_tables)
{
	int i;

	if (!(cpuid(0x80000001, 0).edx & BIT(26)))
		SKIP(return, "no 1 GiB pages here");
	for (i = 0; i < 2; i++) {
		*page_word(self->area, 2) = 0 | PTE_LARGE | PTE_PRESENT | PTE_WRITE;
		set_log(self, true);
		vcpu_set_long(self->vcpu, guest_page_table, 0, 0);
		vcpu_run_to_report(self->vcpu, 0);
		EXPECT_EQ(0, fetch(self));
		vcpu_run_to_done(self->vcpu);
		EXPECT_EQ(1, fetch(self));
		EXPECT_TRUE(is_dirty(2));
	}
}

TEST_HARNESS_MAIN
