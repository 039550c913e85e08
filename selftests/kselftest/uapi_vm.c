// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the commands of a VM and of a vCPU refuse, each in its own way
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "test.h"

#define HVA	((void *)0x10000000)	/* nothing is there, nor need it be */

FIXTURE(vm) {
	struct lhv_info info;
	int fd;
	int vcpu;
};

FIXTURE_SETUP(vm)
{
	int dev = dev_open();

	REQUIRE_OK(lhv_info(dev, &self->info));
	self->fd = REQUIRE_OK(lhv_create_vm(dev));
	self->vcpu = REQUIRE_OK(lhv_create_vcpu(self->fd, 0));
	close(dev);
}

FIXTURE_TEARDOWN(vm)
{
	close(self->vcpu);
	close(self->fd);
}

TEST_F(vm, vcpu_ids)
{
	u32 max = self->info.max_vcpus;
	int fd;

	EXPECT_EQ(-EEXIST, lhv_create_vcpu(self->fd, 0));
	EXPECT_EQ(-EINVAL, lhv_create_vcpu(self->fd, max));
	EXPECT_EQ(-EINVAL, lhv_create_vcpu(self->fd, ~0U));
	fd = lhv_create_vcpu(self->fd, max - 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, lhv_create_vcpu(self->fd, max - 1));
	close(fd);
	fd = lhv_create_vcpu(self->fd, max - 1);
	EXPECT_LE(0, fd);
	close(fd);
}

/* No fd left: nothing remains of what was begun. */
TEST_F(vm, no_fds)
{
	struct rlimit limit;
	int dev = dev_open();
	int next = dup(dev);	/* the number that the next fd gets */
	int fd;

	ASSERT_LE(0, next);
	close(next);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = next;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, lhv_create_vm(dev));
	EXPECT_EQ(-EMFILE, lhv_create_vcpu(self->fd, 1));
	EXPECT_EQ(-EMFILE, lhv_create_vcpu(self->fd, 1));
	limit.rlim_cur = next + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd = lhv_create_vcpu(self->fd, 1);
	EXPECT_LE(0, fd);
	close(fd);
	close(dev);
}

TEST_F(vm, vcpu_starts_after_reset)
{
	struct lhv_sregs sregs;
	struct lhv_mp_state mp;
	struct lhv_regs regs;
	int ap = lhv_create_vcpu(self->fd, 1);

	/* SDM 3A table 10-1 */
	ASSERT_EQ(0, lhv_get_state(self->vcpu, LHV_STATE_REGS, &regs, sizeof(regs)));
	EXPECT_EQ(0xfff0, regs.rip);
	EXPECT_EQ(2, regs.rflags);
	EXPECT_EQ(0, regs.rax);
	ASSERT_EQ(0, lhv_get_state(self->vcpu, LHV_STATE_SREGS, &sregs, sizeof(sregs)));
	EXPECT_EQ(0xf000, sregs.cs.selector);
	EXPECT_EQ(0xffff0000, sregs.cs.base);
	EXPECT_EQ(0xffff, sregs.cs.limit);
	EXPECT_EQ(0, sregs.ds.base);
	EXPECT_EQ(0xffff, sregs.ds.limit);
	EXPECT_EQ(0x60000010, sregs.cr0);
	EXPECT_EQ(0, sregs.cr3);
	EXPECT_EQ(0, sregs.cr4);
	EXPECT_EQ(0, sregs.efer);
	EXPECT_EQ(0xffff, sregs.idt.limit);
	EXPECT_EQ(0xfee00900, sregs.apic_base);
	ASSERT_EQ(0, lhv_get_state(self->vcpu, LHV_STATE_MP, &mp, sizeof(mp)));
	EXPECT_EQ(LHV_MP_RUNNABLE, mp.state);

	ASSERT_LE(0, ap);
	ASSERT_EQ(0, lhv_get_state(ap, LHV_STATE_MP, &mp, sizeof(mp)));
	EXPECT_EQ(LHV_MP_WAIT_SIPI, mp.state);
	ASSERT_EQ(0, lhv_get_state(ap, LHV_STATE_SREGS, &sregs, sizeof(sregs)));
	EXPECT_EQ(0xfee00800, sregs.apic_base);
	close(ap);
}

static int set(const FIXTURE_DATA(vm) *self, u32 slot, u32 flags, u64 gpa, u64 bytes, u64 hva)
{
	return lhv_set_memory(self->fd, slot, flags, gpa, bytes, (void *)hva);
}

TEST_F(vm, memory_ranges)
{
	u64 limit = BIT(self->info.phys_bits);
	u64 hva = (uintptr_t)HVA;

	/* alignment */
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0x800, 0x1000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0, 0x1800, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0, 0x1000, hva + 1));
	/* beyond what there can be */
	EXPECT_EQ(-EINVAL, set(self, 0, 0, limit, 0x1000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, limit - 0x1000, 0x2000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, -0x1000ULL, 0x1000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, -0x1000ULL, 0x2000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0x1000, -0x1000ULL, hva));
	EXPECT_EQ(0, set(self, 0, 0, limit - 0x1000, 0x1000, hva));
	/* not the caller's */
	EXPECT_EQ(-EINVAL, set(self, 1, 0, 0, 0x1000, BIT(63)));
	EXPECT_EQ(-EINVAL, set(self, 1, 0, 0, 0x1000, -0x1000ULL));
	EXPECT_EQ(-EINVAL, set(self, 1, 0, 0, 0x2000, -0x1000ULL));
	EXPECT_EQ(-EINVAL, set(self, 1, 0, 0, 0x2000, 0x7ffffffff000));
	/* numbers */
	EXPECT_EQ(-EINVAL, set(self, self->info.max_slots, 0, 0, 0x1000, hva));
	EXPECT_EQ(-EINVAL, set(self, ~0U, 0, 0, 0x1000, hva));
	EXPECT_EQ(0, set(self, self->info.max_slots - 1, 0, 0, 0x1000, hva));
}

TEST_F(vm, memory_overlap)
{
	u64 hva = (uintptr_t)HVA;

	ASSERT_EQ(0, set(self, 0, 0, 0x10000, 0x4000, hva));
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0x10000, 0x4000, hva));
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0x13000, 0x1000, hva));
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0xf000, 0x2000, hva));
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0xf000, 0x8000, hva));
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0x11000, 0x1000, hva));
	/* next to it, on both sides; the same memory twice */
	EXPECT_EQ(0, set(self, 1, 0, 0xf000, 0x1000, hva));
	EXPECT_EQ(0, set(self, 2, 0, 0x14000, 0x1000, hva));
	/* a move onto another, and onto its own former place */
	EXPECT_EQ(-EEXIST, set(self, 1, 0, 0x12000, 0x1000, hva));
	EXPECT_EQ(-EEXIST, set(self, 0, 0, 0x11000, 0x4000, hva));
	ASSERT_EQ(0, set(self, 2, 0, 0, 0, 0));
	EXPECT_EQ(0, set(self, 0, 0, 0x11000, 0x4000, hva));
}

TEST_F(vm, memory_changes)
{
	u64 hva = (uintptr_t)HVA;

	EXPECT_EQ(-ENOENT, set(self, 0, 0, 0, 0, 0));
	ASSERT_EQ(0, set(self, 0, 0, 0x10000, 0x4000, hva));
	EXPECT_EQ(0, set(self, 0, 0, 0x10000, 0x4000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0x10000, 0x3000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0x10000, 0x4000, hva + 0x1000));
	EXPECT_EQ(-EINVAL, set(self, 0, LHV_MEM_READONLY, 0x10000, 0x4000, hva));
	EXPECT_EQ(0, set(self, 0, LHV_MEM_LOG_DIRTY, 0x10000, 0x4000, hva));
	EXPECT_EQ(0, set(self, 0, LHV_MEM_LOG_DIRTY, 0x20000, 0x4000, hva));
	EXPECT_EQ(0, set(self, 0, 0, 0x30000, 0x4000, hva));
	/* Removal needs no more than the number. */
	EXPECT_EQ(0, set(self, 0, 0, 0, 0, 0));
	EXPECT_EQ(-ENOENT, set(self, 0, 0, 0, 0, 0));
	EXPECT_EQ(0, set(self, 0, LHV_MEM_READONLY, 0x10000, 0x3000, hva));
	EXPECT_EQ(-EINVAL, set(self, 0, 0, 0x10000, 0x3000, hva));
}

TEST_F(vm, all_slots)
{
	u32 i;

	for (i = 0; i < self->info.max_slots; i++)
		ASSERT_EQ(0, set(self, i, 0, i * 0x2000ULL, 0x1000, (uintptr_t)HVA));
	for (i = 0; i < self->info.max_slots; i++)
		ASSERT_EQ(0, set(self, i, 0, 0, 0, 0));
}

TEST_F(vm, dirty_log_refusals)
{
	u64 hva = (uintptr_t)HVA, bitmap[3];

	EXPECT_EQ(-ENOENT, lhv_get_dirty_log(self->fd, 0, bitmap, sizeof(bitmap)));
	ASSERT_EQ(0, set(self, 0, 0, 0, 65 * 0x1000, hva));
	EXPECT_EQ(-ENOENT, lhv_get_dirty_log(self->fd, 0, bitmap, sizeof(bitmap)));
	ASSERT_EQ(0, set(self, 0, LHV_MEM_LOG_DIRTY, 0, 65 * 0x1000, hva));
	EXPECT_EQ(-EINVAL, lhv_get_dirty_log(self->fd, 0, bitmap, 0));
	EXPECT_EQ(-EINVAL, lhv_get_dirty_log(self->fd, 0, bitmap, 8));
	EXPECT_EQ(-EINVAL, lhv_get_dirty_log(self->fd, 0, bitmap, 15));
	EXPECT_EQ(-EINVAL, lhv_get_dirty_log(self->fd, self->info.max_slots, bitmap, 16));
	memset(bitmap, 0xff, sizeof(bitmap));
	EXPECT_EQ(0, lhv_get_dirty_log(self->fd, 0, bitmap, sizeof(bitmap)));
	EXPECT_EQ(0, bitmap[0]);
	EXPECT_EQ(0, bitmap[1]);
	/* not the log's */
	EXPECT_EQ(~0ULL, bitmap[2]);
	EXPECT_EQ(0, lhv_get_dirty_log(self->fd, 0, bitmap, 16));
}

TEST_F(vm, msi_refusals)
{
	/* No message address */
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0, 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfed00000, 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfef00000, 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0x1fee00000, 0x30));
	/* Delivery modes 3, 6 and 7 are none for messages; reserved bits */
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfee00000, 3 << 8 | 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfee00000, 6 << 8 | 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfee00000, 1 << 11 | 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfee00000, 1 << 16 | 0x30));
	EXPECT_EQ(-EINVAL, lhv_send_msi(self->fd, 0xfee00000, 1U << 31 | 0x30));
	/* Fine, but nobody's: the APIC is off, software-disabled, or isn't there. */
	EXPECT_EQ(0, lhv_send_msi(self->fd, 0xfee01000, 0x30));
	EXPECT_EQ(0, lhv_send_msi(self->fd, 0xfee00000, 0x30));
}

TEST_F(vm, stats)
{
	u64 values[64];
	u32 count;

	memset(values, 0xff, sizeof(values));
	count = 0;
	EXPECT_EQ(0, lhv_get_stats(self->fd, LHV_VM_GET_STATS, NULL, &count));
	EXPECT_EQ(LHV_VM_STAT_COUNT, count);
	count = 2;
	EXPECT_EQ(0, lhv_get_stats(self->fd, LHV_VM_GET_STATS, values, &count));
	EXPECT_EQ(LHV_VM_STAT_COUNT, count);
	EXPECT_EQ(~0ULL, values[2]);
	count = 64;
	EXPECT_EQ(0, lhv_get_stats(self->fd, LHV_VM_GET_STATS, values, &count));
	EXPECT_EQ(LHV_VM_STAT_COUNT, count);
	EXPECT_EQ(0, values[LHV_VM_STAT_MAPPED_4K]);
	EXPECT_EQ(0, values[LHV_VM_STAT_MSIS]);
	EXPECT_EQ(~0ULL, values[LHV_VM_STAT_COUNT]);
	count = 64;
	EXPECT_EQ(0, lhv_get_stats(self->vcpu, LHV_VCPU_GET_STATS, values, &count));
	EXPECT_EQ(LHV_VCPU_STAT_COUNT, count);
	EXPECT_EQ(0, values[LHV_VCPU_STAT_EXITS]);
	EXPECT_EQ(0, values[LHV_VCPU_STAT_USER_EXITS]);
	EXPECT_EQ(~0ULL, values[LHV_VCPU_STAT_COUNT]);
}

static int clock_state(int fd, unsigned long command, u16 type, u16 version, u32 *length,
		       struct lhv_clock *clock)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.version = version,
		.length = *length,
		.data = (uintptr_t)clock,
	};
	int ret = lhv_ioctl(fd, command, &arg);

	*length = arg.length;
	return ret;
}

TEST_F(vm, clock_record)
{
	struct lhv_clock first, second;
	u32 length = sizeof(first);
	struct timespec now;
	u64 tsc, seen;

	tsc = rdtsc();
	ASSERT_EQ(0, clock_state(self->fd, LHV_VM_GET_STATE, LHV_STATE_CLOCK, 0, &length, &first));
	EXPECT_EQ(sizeof(first), length);
	EXPECT_EQ(self->info.tsc_khz, first.tsc_khz);
	EXPECT_EQ(0, first.reserved);
	EXPECT_LT(tsc, first.host_tsc);
	EXPECT_GT(rdtsc(), first.host_tsc);
	clock_gettime(CLOCK_REALTIME, &now);
	seen = now.tv_sec * 1000000000ULL + now.tv_nsec;
	EXPECT_LE(first.realtime_ns, seen);
	EXPECT_GT(first.realtime_ns + 10000000000ULL, seen);
	clock_gettime(CLOCK_BOOTTIME, &now);
	seen = now.tv_sec * 1000000000ULL + now.tv_nsec;
	EXPECT_LE(first.boottime_ns, seen);
	EXPECT_GT(first.boottime_ns + 10000000000ULL, seen);

	ASSERT_EQ(0, clock_state(self->fd, LHV_VM_GET_STATE, LHV_STATE_CLOCK, 1, &length, &second));
	EXPECT_LT(first.host_tsc, second.host_tsc);
	EXPECT_LT(first.boottime_ns, second.boottime_ns);
	EXPECT_EQ(first.tsc_offset, second.tsc_offset);
}

TEST_F(vm, clock_record_refusals)
{
	struct lhv_clock clock;
	u32 length = sizeof(clock) - 1;

	EXPECT_EQ(-ENOSPC, clock_state(self->fd, LHV_VM_GET_STATE, LHV_STATE_CLOCK, 1, &length,
				       &clock));
	EXPECT_EQ(sizeof(clock), length);
	EXPECT_EQ(-EOPNOTSUPP, clock_state(self->fd, LHV_VM_GET_STATE, LHV_STATE_CLOCK, 2,
					   &length, &clock));
	EXPECT_EQ(-ENOENT, clock_state(self->fd, LHV_VM_GET_STATE, LHV_STATE_REGS, 1, &length,
				       &clock));
	EXPECT_EQ(-ENOENT, clock_state(self->fd, LHV_VM_GET_STATE, 0, 1, &length, &clock));
	/* GET only */
	EXPECT_NE(0, clock_state(self->fd, LHV_VM_SET_STATE, LHV_STATE_CLOCK, 1, &length, &clock));
	EXPECT_EQ(-ENOENT, clock_state(self->fd, LHV_VM_SET_STATE, LHV_STATE_REGS, 1, &length,
				       &clock));
}

TEST_F(vm, run_page)
{
	u32 size = self->info.run_size;
	struct lhv_run *run;
	void *twice;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, self->vcpu, size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * size, PROT_READ, MAP_SHARED, self->vcpu, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->vcpu, 0));
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->vcpu, 0);
	ASSERT_NE(MAP_FAILED, run);
	EXPECT_EQ(LHV_EXIT_NONE, run->exit_reason);
	EXPECT_EQ(0, run->immediate_exit);
	/* One page, however often it is mapped. */
	twice = mmap(NULL, size, PROT_READ, MAP_SHARED, self->vcpu, 0);
	ASSERT_NE(MAP_FAILED, twice);
	run->immediate_exit = 7;
	EXPECT_EQ(7, ((struct lhv_run *)twice)->immediate_exit);
	EXPECT_EQ(-EINTR, lhv_run(self->vcpu));
	munmap(run, size);
	munmap(twice, size);
}

TEST_HARNESS_MAIN
