// SPDX-License-Identifier: GPL-2.0-only
/*
 * LHV_VM_IOEVENTFD: which writes signal, that they don't leave the guest, and what
 * is refused
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

#define DOORBELL	0xd0000000UL
#define PORT		0x510
#define ANY		0
#define EVENTS		3

static inline void write8(u64 gpa, u8 value)
{
	*(volatile u8 *)gpa = value;
}

static inline void write16(u64 gpa, u16 value)
{
	*(volatile u16 *)gpa = value;
}

static inline void write32(u64 gpa, u32 value)
{
	*(volatile u32 *)gpa = value;
}

static inline void write64(u64 gpa, u64 value)
{
	*(volatile u64 *)gpa = value;
}

FIXTURE(ioeventfd) {
	struct vm *vm;
	int event[EVENTS];
};

FIXTURE_SETUP(ioeventfd)
{
	int i;

	self->vm = vm_create();
	for (i = 0; i < EVENTS; i++)
		self->event[i] = REQUIRE_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

FIXTURE_TEARDOWN(ioeventfd)
{
	int i;

	vm_close(self->vm);
	for (i = 0; i < EVENTS; i++)
		close(self->event[i]);
}

/* How often it was signalled since the last time. */
static u64 signals(int event)
{
	u64 count;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int assign(FIXTURE_DATA(ioeventfd) *self, int i, u32 flags, u64 address, u32 length,
		  u64 data)
{
	return lhv_ioeventfd(self->vm->fd, flags, self->event[i], address, length, data);
}

/* ---- addresses ------------------------------------------------------------------ */

static void guest_write_sizes(void)
{
	write8(DOORBELL, 1);
	write16(DOORBELL, 2);
	write32(DOORBELL, 3);
	write64(DOORBELL, 4);
	write32(DOORBELL + 4, 5);
	write16(DOORBELL + 8, 6);
	GUEST_REPORT(1);
}

TEST_F(ioeventfd, lengths)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_write_sizes, 0, 0);
	const struct lhv_run *run = vcpu->run;

	ASSERT_EQ(0, assign(self, 0, 0, DOORBELL, 4, 0));
	ASSERT_EQ(0, assign(self, 1, 0, DOORBELL, 8, 0));
	ASSERT_EQ(0, assign(self, 2, 0, DOORBELL + 8, ANY, 0));
	/* What is one byte or two wide isn't theirs, nor what is beside them. */
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(1, run->mmio.len);
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(2, run->mmio.len);
	EXPECT_EQ(0, signals(self->event[0]));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(DOORBELL + 4, run->mmio.gpa);
	EXPECT_EQ(1, signals(self->event[0]));
	EXPECT_EQ(1, signals(self->event[1]));
	EXPECT_EQ(0, signals(self->event[2]));
	vcpu_run_to_report(vcpu, 1);
	EXPECT_EQ(1, signals(self->event[2]));
	EXPECT_EQ(0, signals(self->event[0]));
}

static void guest_write_values(void)
{
	u64 i;

	for (i = 0; i < 4; i++)
		write32(DOORBELL, i);
	write64(DOORBELL + 8, 0x123456789abcdef0);
	write64(DOORBELL + 8, 0x9abcdef0);
	write16(DOORBELL + 16, 0xffff);
	/* It isn't there to be read. */
	GUEST_ASSERT_EQ(7, *(volatile u16 *)(DOORBELL + 16));
	GUEST_REPORT(1);
}

TEST_F(ioeventfd, values)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_write_values, 0, 0);
	const u32 match = LHV_IOEVENTFD_DATAMATCH;
	struct lhv_run *run = vcpu->run;

	ASSERT_EQ(0, assign(self, 0, match, DOORBELL, 4, 0));
	ASSERT_EQ(0, assign(self, 1, match, DOORBELL, 4, 2));
	ASSERT_EQ(0, assign(self, 2, match, DOORBELL + 8, 8, 0x123456789abcdef0));
	ASSERT_EQ(0, assign(self, 0, match, DOORBELL + 16, 2, 0xffff));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(1, *(u32 *)run->mmio.data);
	EXPECT_EQ(1, signals(self->event[0]));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(3, *(u32 *)run->mmio.data);
	EXPECT_EQ(1, signals(self->event[1]));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(0x9abcdef0, *(u64 *)run->mmio.data);
	EXPECT_EQ(1, signals(self->event[2]));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(0, run->mmio.is_write);
	EXPECT_EQ(1, signals(self->event[0]));
	*(u16 *)run->mmio.data = 7;
	vcpu_run_to_report(vcpu, 1);
}

static void guest_other_instructions(void)
{
	u32 ecx = 4;
	u64 rdi = DOORBELL;

	/* Read, changed and written */
	asm volatile("orl $8, (%0)" : : "r"(DOORBELL + 16) : "memory");
	asm volatile("rep stosl" : "+D"(rdi), "+c"(ecx) : "a"(1) : "memory");
	GUEST_ASSERT_EQ(DOORBELL + 16, rdi);
	GUEST_ASSERT_EQ(0, ecx);
	GUEST_REPORT(1);
}

TEST_F(ioeventfd, instructions)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_other_instructions, 0, 0);
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, assign(self, 0, 0, DOORBELL + 4 * i, 4, 0));
	ASSERT_EQ(0, assign(self, 1, LHV_IOEVENTFD_DATAMATCH, DOORBELL + 16, 4, 9));
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(0, vcpu->run->mmio.is_write);
	*(u32 *)vcpu->run->mmio.data = 1;
	vcpu_run_to_report(vcpu, 1);
	EXPECT_EQ(4, signals(self->event[0]));
	EXPECT_EQ(1, signals(self->event[1]));
}

/* ---- ports ---------------------------------------------------------------------- */

static u8 bytes[4] = { 1, 2, 3, 2 };

static void guest_out(void)
{
	u64 rsi = (uintptr_t)bytes, rcx = 4;

	outb(PORT, 1);
	outw(PORT, 2);
	outl(PORT, 3);
	asm volatile("rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ((uintptr_t)bytes + 4, rsi);
	GUEST_ASSERT_EQ(0, rcx);
	/* The same number as an address is another thing. */
	GUEST_ASSERT_EQ(0x55, inb(PORT));
	GUEST_REPORT(1);
}

TEST_F(ioeventfd, ports)
{
	const u32 pio = LHV_IOEVENTFD_PIO, match = LHV_IOEVENTFD_DATAMATCH;
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_out, 0, 0);

	ASSERT_EQ(0, assign(self, 0, pio, PORT, 4, 0));
	ASSERT_EQ(0, assign(self, 1, pio | match, PORT, 1, 2));
	ASSERT_EQ(0, assign(self, 2, 0, PORT, ANY, 0));
	vcpu_run_to_out(vcpu, PORT, 1, 1);
	vcpu_run_to_out(vcpu, PORT, 2, 2);
	EXPECT_EQ(0, signals(self->event[0]));
	/* OUTS, one by one */
	vcpu_run_to_out(vcpu, PORT, 1, 1);
	EXPECT_EQ(1, signals(self->event[0]));
	EXPECT_EQ(1, vcpu->run->io.count);
	vcpu_run_to_out(vcpu, PORT, 1, 3);
	EXPECT_EQ(1, signals(self->event[1]));
	vcpu_run_to_io(vcpu, PORT, 1, LHV_IO_IN);
	EXPECT_EQ(1, signals(self->event[1]));
	vcpu->run->data[0] = 0x55;
	vcpu_run_to_report(vcpu, 1);
	EXPECT_EQ(0, signals(self->event[2]));
}

/* ---- coming and going ----------------------------------------------------------- */

TEST_F(ioeventfd, collisions)
{
	const u32 match = LHV_IOEVENTFD_DATAMATCH, gone = LHV_IOEVENTFD_DEASSIGN;

	ASSERT_EQ(0, assign(self, 0, match, DOORBELL, 4, 1));
	EXPECT_EQ(0, assign(self, 0, match, DOORBELL, 4, 2));
	EXPECT_EQ(0, assign(self, 0, match, DOORBELL, 2, 1));
	EXPECT_EQ(-EEXIST, assign(self, 1, match, DOORBELL, 4, 1));
	EXPECT_EQ(-EEXIST, assign(self, 1, 0, DOORBELL, 4, 0));
	EXPECT_EQ(-EEXIST, assign(self, 1, 0, DOORBELL, ANY, 0));
	EXPECT_EQ(0, assign(self, 1, 0, DOORBELL, 8, 0));
	EXPECT_EQ(-EEXIST, assign(self, 1, match, DOORBELL, 8, 0));
	EXPECT_EQ(0, assign(self, 1, 0, DOORBELL + 1, ANY, 0));
	EXPECT_EQ(-EEXIST, assign(self, 1, 0, DOORBELL + 1, 1, 0));

	/* All fields count. */
	EXPECT_EQ(-ENOENT, assign(self, 1, gone | match, DOORBELL, 4, 1));
	EXPECT_EQ(-ENOENT, assign(self, 0, gone | match, DOORBELL, 4, 3));
	EXPECT_EQ(-ENOENT, assign(self, 0, gone, DOORBELL, 4, 0));
	EXPECT_EQ(-ENOENT, assign(self, 0, gone | match, DOORBELL, 8, 1));
	EXPECT_EQ(-ENOENT, assign(self, 1, gone | LHV_IOEVENTFD_PIO, 1, ANY, 0));
	EXPECT_EQ(0, assign(self, 0, gone | match, DOORBELL, 4, 1));
	EXPECT_EQ(-ENOENT, assign(self, 0, gone | match, DOORBELL, 4, 1));
	EXPECT_EQ(0, assign(self, 1, match, DOORBELL, 4, 1));
}

TEST_F(ioeventfd, refusals)
{
	const u32 pio = LHV_IOEVENTFD_PIO, match = LHV_IOEVENTFD_DATAMATCH;
	struct lhv_ioeventfd arg = { .size = sizeof(arg), .address = DOORBELL, .length = 4 };
	struct lhv_info info;
	int dev = dev_open();
	u64 end;

	REQUIRE_OK(lhv_info(dev, &info));
	close(dev);
	end = BIT(info.phys_bits);
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, DOORBELL, 3, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, DOORBELL, 16, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, end - 2, 4, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, end, ANY, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, ~0ULL, 4, 0));
	EXPECT_EQ(0, assign(self, 0, 0, end - 4, 4, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, 0, DOORBELL, 4, 1));
	EXPECT_EQ(-EINVAL, assign(self, 0, match, DOORBELL, ANY, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, match, DOORBELL, 2, 0x10000));
	EXPECT_EQ(-EINVAL, assign(self, 0, pio, PORT, 8, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, pio, 0xffff, 2, 0));
	EXPECT_EQ(-EINVAL, assign(self, 0, pio, 0x10000, 1, 0));
	EXPECT_EQ(0, assign(self, 0, pio, 0xfffe, 2, 0));
	EXPECT_EQ(-EOPNOTSUPP, assign(self, 0, 8, DOORBELL, 4, 0));
	arg.fd = -1;
	EXPECT_EQ(-EBADF, lhv_ioctl(self->vm->fd, LHV_VM_IOEVENTFD, &arg));
	arg.fd = self->vm->fd;
	EXPECT_EQ(-EINVAL, lhv_ioctl(self->vm->fd, LHV_VM_IOEVENTFD, &arg));
}

TEST_F(ioeventfd, most)
{
	u32 n;

	/* In an order that isn't theirs */
	for (n = 0; n < 1024; n++)
		ASSERT_EQ(0, assign(self, n % EVENTS, 0, DOORBELL + n * 389 % 1024 * 8, 4, 0));
	EXPECT_EQ(-ENOSPC, assign(self, 0, 0, DOORBELL + 1024 * 8, 4, 0));
	EXPECT_EQ(0, assign(self, 0, LHV_IOEVENTFD_PIO, PORT, 4, 0));
	for (n = 0; n < 1024; n += 100)
		ASSERT_EQ(-EEXIST, assign(self, 0, 0, DOORBELL + n * 8, 4, 0));
	EXPECT_EQ(0, assign(self, 2, LHV_IOEVENTFD_DEASSIGN, DOORBELL + 2 * 389 * 8, 4, 0));
	EXPECT_EQ(0, assign(self, 0, 0, DOORBELL + 1024 * 8, 4, 0));
}

#define WRITERS	2
#define WRITES	2000

static void guest_write_many(void)
{
	u32 i;

	for (i = 0; i < WRITES; i++)
		write32(DOORBELL, i);
}

/* What isn't a signal is an exit. */
static void *count_exits(void *arg)
{
	struct vcpu *vcpu = arg;
	struct ucall call;
	u64 exits = 0;

	for (;;) {
		vcpu_run(vcpu);
		if (vcpu_get_ucall(vcpu, &call))
			break;
		REQUIRE(vcpu->run->exit_reason == LHV_EXIT_MMIO);
		exits++;
	}
	return (void *)exits;
}

TEST_F(ioeventfd, while_vcpus_write)
{
	pthread_t thread[WRITERS];
	u64 sum = 0, taken = 0;
	void *exits;
	u32 id, i;

	for (id = 0; id < WRITERS; id++)
		REQUIRE(!pthread_create(&thread[id], NULL, count_exits,
					vcpu_start(self->vm, id, guest_write_many, 0, 0)));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, assign(self, 0, 0, DOORBELL, i % 2 ? 4 : ANY, 0));
		pause_a_little();
		ASSERT_EQ(0, assign(self, 0, LHV_IOEVENTFD_DEASSIGN, DOORBELL, i % 2 ? 4 : ANY, 0));
		/* None comes behind its end. */
		taken += signals(self->event[0]);
		pause_a_little();
		ASSERT_EQ(0, signals(self->event[0]));
	}
	for (id = 0; id < WRITERS; id++) {
		REQUIRE(!pthread_join(thread[id], &exits));
		sum += (u64)exits;
	}
	EXPECT_EQ(WRITERS * WRITES, sum + taken);
	EXPECT_LT(0, taken);
}

/* The eventfd lives as long as what is assigned. */
static void guest_write_once(void)
{
	write32(DOORBELL, 1);
	GUEST_REPORT(1);
	write32(DOORBELL, 1);
	GUEST_REPORT(2);
}

TEST_F(ioeventfd, closed)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_write_once, 0, 0);
	int copy = REQUIRE_SYS(dup(self->event[0]));

	ASSERT_EQ(0, assign(self, 0, 0, DOORBELL, 4, 0));
	close(self->event[0]);
	vcpu_run_to_report(vcpu, 1);
	EXPECT_EQ(1, signals(copy));
	close(copy);
	vcpu_run_to_report(vcpu, 2);
	self->event[0] = -1;
}

TEST_HARNESS_MAIN
