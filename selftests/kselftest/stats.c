// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: each counts what its name says
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "apic.h"
#include "test.h"

#define BASE	0x40000000ULL
#define AREA	MIB(2)

FIXTURE(stats) {
	struct vm *vm;
	struct vcpu *vcpu;
	u64 before[LHV_VCPU_STAT_COUNT];
};

FIXTURE_SETUP(stats)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(stats)
{
	vm_close(self->vm);
}

static void read_all(struct vcpu *vcpu, u64 *values)
{
	u32 count = LHV_VCPU_STAT_COUNT;

	REQUIRE_OK(lhv_get_stats(vcpu->fd, LHV_VCPU_GET_STATS, values, &count));
}

static void guest_work(u64 what)
{
	int i;

	apic_init(true);
	guest_handler[0x50] = guest_count_irq;
	GUEST_REPORT(0);
	for (i = 0; i < 10; i++) {
		switch (what) {
		case LHV_VCPU_STAT_IO_EXITS:
			outl(0x10, i);
			break;
		case LHV_VCPU_STAT_MMIO_EXITS:
			*(volatile u32 *)0xd0000000 = i;
			break;
		case LHV_VCPU_STAT_MSR_EXITS:
			rdmsr(MSR_APIC_BASE);
			break;
		case LHV_VCPU_STAT_CPUID_EXITS:
			cpuid(0, 0);
			break;
		case LHV_VCPU_STAT_CR_EXITS:
			/* lhv keeps CD. */
			write_register(cr0, read_register(cr0) ^ CR0_CD);
			break;
		case LHV_VCPU_STAT_EPT_FAULTS:
			*(volatile u32 *)(BASE + i * GUEST_PAGE) = i;
			break;
		case LHV_VCPU_STAT_EXCEPTIONS:
			guest_try_rdmsr(0x40000fff);
			break;
		case LHV_VCPU_STAT_IRQS_INJECTED:
			apic_icr(0, ICR_SELF | 0x50);
			asm volatile("sti; nop; cli");
			break;
		case LHV_VCPU_STAT_HLT_EXITS:
			apic_icr(0, ICR_SELF | 0x50);
			asm volatile("sti; nop; cli");
			apic_icr(0, ICR_SELF | 0x50);
			irq_enable_halt();
			irq_disable();
			break;
		}
	}
	GUEST_REPORT(1);
}

static u64 count_work(struct __test_metadata *_metadata, FIXTURE_DATA(stats) *self, u32 what)
{
	u64 after[LHV_VCPU_STAT_COUNT], exits = 0;
	struct ucall call;
	int i;

	vcpu_set_long(self->vcpu, guest_work, what, 0);
	vcpu_run_to_report(self->vcpu, 0);
	read_all(self->vcpu, self->before);
	do {
		vcpu_run(self->vcpu);
		exits++;
	} while (!vcpu_get_ucall(self->vcpu, &call));
	read_all(self->vcpu, after);
	EXPECT_EQ(1, call.arg[0]);
	EXPECT_EQ(exits, after[LHV_VCPU_STAT_USER_EXITS] - self->before[LHV_VCPU_STAT_USER_EXITS]);
	for (i = 0; i < LHV_VCPU_STAT_COUNT; i++)
		EXPECT_GE(after[i], self->before[i]);
	return after[what] - self->before[what];
}

TEST_F(stats, exits)
{
	u8 *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(area != MAP_FAILED);
	(void)madvise(area, AREA, MADV_NOHUGEPAGE);
	vm_set_memory(self->vm, 1, 0, BASE, AREA, area);
	/* The OUT that reports is one more. */
	EXPECT_EQ(11, count_work(_metadata, self, LHV_VCPU_STAT_IO_EXITS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_MMIO_EXITS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_MSR_EXITS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_CPUID_EXITS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_CR_EXITS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_EPT_FAULTS));
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_EXCEPTIONS));
	EXPECT_EQ(0, count_work(_metadata, self, LHV_VCPU_STAT_NMIS));
}

/* With a processor that does some of it by itself, there are fewer. */
TEST_F(stats, interrupts)
{
	u64 n = count_work(_metadata, self, LHV_VCPU_STAT_IRQS_INJECTED);

	EXPECT_GE(10, n);
}

TEST_F(stats, halts)
{
	/* A pending interrupt doesn't let it halt, or at once wakes it. */
	EXPECT_EQ(10, count_work(_metadata, self, LHV_VCPU_STAT_HLT_EXITS));
}

static u64 touched;

static void guest_touch(u64 first, u64 pages)
{
	u64 i;

	for (i = first; i < first + pages; i++)
		*(volatile u64 *)(BASE + i * GUEST_PAGE) = i;
	WRITE_ONCE(touched, touched + 1);
}

TEST_F(stats, memory)
{
	u8 *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 mapped, flushes, invalidations, tables;

	REQUIRE(area != MAP_FAILED);
	(void)madvise(area, AREA, MADV_NOHUGEPAGE);
	vm_set_memory(self->vm, 1, 0, BASE, AREA, area);
	EXPECT_LE(1, vm_stat(self->vm, LHV_VM_STAT_EPT_PAGES));
	EXPECT_EQ(0, vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K));
	EXPECT_EQ(0, vm_stat(self->vm, LHV_VM_STAT_MAPPED_2M));
	EXPECT_EQ(0, vm_stat(self->vm, LHV_VM_STAT_MAPPED_1G));

	/* What the program itself needs is mapped by the first run. */
	vcpu_set_long(self->vcpu, guest_touch, 0, 1);
	vcpu_run_to_done(self->vcpu);
	mapped = vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K);
	tables = vm_stat(self->vm, LHV_VM_STAT_EPT_PAGES);
	vcpu_set_long(self->vcpu, guest_touch, 1, 100);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(mapped + 100, vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K));
	EXPECT_EQ(tables, vm_stat(self->vm, LHV_VM_STAT_EPT_PAGES));

	invalidations = vm_stat(self->vm, LHV_VM_STAT_INVALIDATIONS);
	flushes = vm_stat(self->vm, LHV_VM_STAT_TLB_FLUSHES);
	ASSERT_EQ(0, madvise(area + GUEST_PAGE, 50 * GUEST_PAGE, MADV_DONTNEED));
	EXPECT_EQ(mapped + 50, vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K));
	EXPECT_LT(invalidations, vm_stat(self->vm, LHV_VM_STAT_INVALIDATIONS));
	EXPECT_LT(flushes, vm_stat(self->vm, LHV_VM_STAT_TLB_FLUSHES));
	/* What isn't the guest's invalidates nothing of its. */
	flushes = vm_stat(self->vm, LHV_VM_STAT_TLB_FLUSHES);
	free(malloc(MIB(1)));
	EXPECT_EQ(flushes, vm_stat(self->vm, LHV_VM_STAT_TLB_FLUSHES));

	vm_set_memory(self->vm, 1, 0, 0, 0, NULL);
	EXPECT_EQ(mapped - 1, vm_stat(self->vm, LHV_VM_STAT_MAPPED_4K));
	EXPECT_GE(tables, vm_stat(self->vm, LHV_VM_STAT_EPT_PAGES));
}

static void guest_report_on(void)
{
	for (;;)
		GUEST_REPORT(0);
}

TEST_F(stats, migrations)
{
	cpu_set_t all, one;
	u64 before;
	int i;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	if (!CPU_ISSET(0, &all) || !CPU_ISSET(1, &all))
		SKIP(return, "one CPU only");
	vcpu_set_long(self->vcpu, guest_report_on, 0, 0);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	vcpu_run_to_report(self->vcpu, 0);
	before = vcpu_stat(self->vcpu, LHV_VCPU_STAT_MIGRATIONS);
	for (i = 1; i <= 10; i++) {
		CPU_ZERO(&one);
		CPU_SET(i % 2, &one);
		ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
		vcpu_run_to_report(self->vcpu, 0);
		EXPECT_EQ(before + i, vcpu_stat(self->vcpu, LHV_VCPU_STAT_MIGRATIONS));
		vcpu_run_to_report(self->vcpu, 0);
		EXPECT_EQ(before + i, vcpu_stat(self->vcpu, LHV_VCPU_STAT_MIGRATIONS));
	}
}

TEST_HARNESS_MAIN
