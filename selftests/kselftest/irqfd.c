// SPDX-License-Identifier: GPL-2.0-only
/*
 * LHV_VM_IRQFD: signals become interrupts, edge- and level-triggered
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apic.h"
#include "test.h"

#define VECTOR_A	0x41
#define VECTOR_B	0x52
#define VECTOR_STOP	0x2f
#define LEVEL		(ICR_LEVEL | ICR_ASSERT)

static u32 ready;
static u32 stop;
static u64 device;	/* asks for its interrupt */

static void guest_receive(void)
{
	u32 vector;

	for (vector = 0x20; vector < 0xff; vector++)
		guest_handler[vector] = guest_count_irq;
	apic_init(true);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_HALT_UNTIL(READ_ONCE(stop));
}

FIXTURE(irqfd) {
	struct vm *vm;
	int event;
	int resample;
};

FIXTURE_SETUP(irqfd)
{
	self->vm = vm_create();
	self->event = REQUIRE_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	self->resample = REQUIRE_SYS(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

FIXTURE_TEARDOWN(irqfd)
{
	vm_close(self->vm);
	close(self->event);
	close(self->resample);
}

static void signal_event(int event)
{
	const u64 one = 1;

	REQUIRE(write(event, &one, sizeof(one)) == sizeof(one));
}

/* 0 if it has none. */
static u64 take_count(int event)
{
	u64 count;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void start(struct vm *vm, u32 cpus)
{
	u32 id;

	for (id = 0; id < cpus; id++)
		vcpu_thread_start(vcpu_start(vm, id, guest_receive, 0, 0));
	WAIT_UNTIL(guest_var(vm, ready) == cpus);
}

static void finish(struct vm *vm, u32 cpus)
{
	u32 id;

	guest_var(vm, stop) = 1;
	for (id = 0; id < cpus; id++) {
		REQUIRE(lhv_send_msi(vm->fd, MSI_ADDRESS(id), VECTOR_STOP) == 1);
		vcpu_thread_join(&vm->vcpu[id]);
	}
}

static int assign(FIXTURE_DATA(irqfd) *self, u32 flags, u32 id, u32 data)
{
	return lhv_irqfd(self->vm->fd, flags, self->event, 0, MSI_ADDRESS(id), data);
}

static int deassign(FIXTURE_DATA(irqfd) *self)
{
	return lhv_irqfd(self->vm->fd, LHV_IRQFD_DEASSIGN, self->event, 0, 0, 0);
}

TEST_F(irqfd, edge)
{
	u32 i;

	start(self->vm, 1);
	ASSERT_EQ(0, assign(self, 0, 0, VECTOR_A));
	for (i = 1; i <= 50; i++) {
		signal_event(self->event);
		/* Consumed at once */
		EXPECT_EQ(0, take_count(self->event));
		WAIT_UNTIL(vm_irq_count(self->vm, 0, VECTOR_A) == i);
	}
	ASSERT_EQ(0, deassign(self));
	signal_event(self->event);
	finish(self->vm, 1);
	EXPECT_EQ(50, vm_irq_count(self->vm, 0, VECTOR_A));
	EXPECT_EQ(1, take_count(self->event));
}

/* Masked, and unmasked: nothing is lost. */
TEST_F(irqfd, signalled_before)
{
	start(self->vm, 1);
	signal_event(self->event);
	ASSERT_EQ(0, assign(self, 0, 0, VECTOR_A));
	WAIT_UNTIL(vm_irq_count(self->vm, 0, VECTOR_A) == 1);
	ASSERT_EQ(0, deassign(self));
	/* It is as if nothing had been signalled. */
	ASSERT_EQ(0, take_count(self->event));
	ASSERT_EQ(0, assign(self, 0, 0, VECTOR_B));
	finish(self->vm, 1);
	EXPECT_EQ(1, vm_irq_count(self->vm, 0, VECTOR_A));
	EXPECT_EQ(0, vm_irq_count(self->vm, 0, VECTOR_B));
}

TEST_F(irqfd, update)
{
	start(self->vm, 2);
	ASSERT_EQ(0, assign(self, 0, 0, VECTOR_A));
	signal_event(self->event);
	WAIT_UNTIL(vm_irq_count(self->vm, 0, VECTOR_A) == 1);
	ASSERT_EQ(0, assign(self, LHV_IRQFD_UPDATE, 1, VECTOR_B));
	signal_event(self->event);
	WAIT_UNTIL(vm_irq_count(self->vm, 1, VECTOR_B) == 1);
	EXPECT_EQ(-ENOENT, lhv_irqfd(self->vm->fd, LHV_IRQFD_UPDATE, self->resample, 0,
				     MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-EINVAL, assign(self, LHV_IRQFD_UPDATE | LHV_IRQFD_RESAMPLE, 0,
				  VECTOR_A | LEVEL));
	finish(self->vm, 2);
	EXPECT_EQ(1, vm_irq_count(self->vm, 0, VECTOR_A));
	EXPECT_EQ(0, vm_irq_count(self->vm, 0, VECTOR_B));
}

/* ---- level-triggered ------------------------------------------------------------ */

/* Reports while it is in service, then quiets the device or not, and ends it. */
static void on_level(struct trap_frame *frame)
{
	GUEST_ASSERT(apic_bit(APIC_TMR, frame->vector));
	GUEST_REPORT(frame->vector);
	apic_eoi();
}

static void guest_level(u64 x2apic)
{
	guest_handler[VECTOR_A] = on_level;
	guest_handler[VECTOR_B] = on_level;
	apic_init(x2apic);
	GUEST_REPORT(1);
	irq_enable();
	asm volatile("nop" ::: "memory");
	GUEST_REPORT(2);
	asm volatile("nop" ::: "memory");
	GUEST_REPORT(3);
	asm volatile("nop" ::: "memory");
	GUEST_REPORT(4);
}

static void test_level(struct __test_metadata *_metadata, FIXTURE_DATA(irqfd) *self, u64 x2apic)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_level, x2apic, 0);

	vcpu_run_to_report(vcpu, 1);
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, LHV_IRQFD_RESAMPLE, self->event, self->resample,
			       MSI_ADDRESS(0), VECTOR_A | LEVEL));
	signal_event(self->event);
	signal_event(self->event);
	vcpu_run_to_report(vcpu, VECTOR_A);
	/* In service; another signal says nothing new. */
	signal_event(self->event);
	EXPECT_EQ(0, take_count(self->resample));
	/* The EOI is no exit, and the vector doesn't come again. */
	vcpu_run_to_report(vcpu, 2);
	EXPECT_EQ(1, take_count(self->resample));

	/* The device asked on: again */
	signal_event(self->event);
	vcpu_run_to_report(vcpu, VECTOR_A);
	vcpu_run_to_report(vcpu, 3);
	EXPECT_EQ(1, take_count(self->resample));

	/* Others' EOIs are exits as before. */
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), VECTOR_B | LEVEL));
	vcpu_run_to_report(vcpu, VECTOR_B);
	vcpu_run_to(vcpu, LHV_EXIT_EOI);
	EXPECT_EQ(VECTOR_B, vcpu->run->eoi.vector);
	vcpu_run_to_report(vcpu, 4);
	EXPECT_EQ(0, take_count(self->resample));
}

TEST_F(irqfd, level)
{
	test_level(_metadata, self, true);
}

TEST_F(irqfd, level_xapic)
{
	test_level(_metadata, self, false);
}

/* Two devices with one vector: the EOI is both's. */
TEST_F(irqfd, level_shared)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_level, true, 0);
	int event = REQUIRE_SYS(eventfd(0, EFD_NONBLOCK));
	int resample = REQUIRE_SYS(eventfd(0, EFD_NONBLOCK));
	const u32 flags = LHV_IRQFD_RESAMPLE;

	vcpu_run_to_report(vcpu, 1);
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, flags, self->event, self->resample, MSI_ADDRESS(0),
			       VECTOR_A | LEVEL));
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, flags, event, resample, MSI_ADDRESS(0),
			       VECTOR_A | LEVEL));
	signal_event(event);
	signal_event(self->event);
	vcpu_run_to_report(vcpu, VECTOR_A);
	vcpu_run_to_report(vcpu, 2);
	EXPECT_EQ(1, take_count(self->resample));
	EXPECT_EQ(1, take_count(resample));
	signal_event(event);
	vcpu_run_to_report(vcpu, VECTOR_A);
	vcpu_run_to_report(vcpu, 3);
	EXPECT_EQ(0, take_count(self->resample));
	EXPECT_EQ(1, take_count(resample));
	close(event);
	close(resample);
}

/* Nobody took it: it comes when its message is one that somebody takes. */
TEST_F(irqfd, level_untaken)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_level, true, 0);

	vcpu_run_to_report(vcpu, 1);
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, LHV_IRQFD_RESAMPLE, self->event, self->resample,
			       MSI_ADDRESS(7), VECTOR_A | LEVEL));
	signal_event(self->event);
	ASSERT_EQ(0, assign(self, LHV_IRQFD_UPDATE | LHV_IRQFD_RESAMPLE, 0, VECTOR_A | LEVEL));
	vcpu_run_to_report(vcpu, VECTOR_A);
	vcpu_run_to_report(vcpu, 2);
	EXPECT_EQ(1, take_count(self->resample));
	/* Nothing is open now. */
	ASSERT_EQ(0, assign(self, LHV_IRQFD_UPDATE | LHV_IRQFD_RESAMPLE, 0, VECTOR_B | LEVEL));
	vcpu_run_to_report(vcpu, 3);
}

/* A device and its driver: as long as it asks, it is asked why. */
static void on_device(struct trap_frame *frame)
{
	guest_count_irq(frame);
	if (__atomic_load_n(&device, __ATOMIC_SEQ_CST))
		__atomic_fetch_sub(&device, 1, __ATOMIC_SEQ_CST);
}

static void guest_drive(void)
{
	guest_handler[VECTOR_A] = on_device;
	guest_handler[VECTOR_STOP] = guest_count_irq;
	apic_init(true);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_HALT_UNTIL(READ_ONCE(stop));
}

#define REQUESTS	300

TEST_F(irqfd, level_device)
{
	struct pollfd poll_resample = { .fd = self->resample, .events = POLLIN };
	volatile u64 *wanted = &guest_var(self->vm, device);
	u32 asked = 0;

	vcpu_thread_start(vcpu_start(self->vm, 0, guest_drive, 0, 0));
	WAIT_UNTIL(guest_var(self->vm, ready) == 1);
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, LHV_IRQFD_RESAMPLE, self->event, self->resample,
			       MSI_ADDRESS(0), VECTOR_A | LEVEL));
	while (asked < REQUESTS || __atomic_load_n(wanted, __ATOMIC_SEQ_CST)) {
		if (asked < REQUESTS) {
			__atomic_fetch_add(wanted, 1 + asked % 3, __ATOMIC_SEQ_CST);
			signal_event(self->event);
			asked += 1 + asked % 3;
		}
		/* The end of each interrupt is told; if there is more to do, so is that. */
		while (__atomic_load_n(wanted, __ATOMIC_SEQ_CST)) {
			ASSERT_EQ(1, poll(&poll_resample, 1, WAIT_SECONDS * 1000));
			take_count(self->resample);
			if (__atomic_load_n(wanted, __ATOMIC_SEQ_CST))
				signal_event(self->event);
		}
	}
	finish(self->vm, 1);
	EXPECT_LE(asked, vm_irq_count(self->vm, 0, VECTOR_A));
}

/* ---- refusals, and coming and going --------------------------------------------- */

TEST_F(irqfd, refusals)
{
	const u32 resample = LHV_IRQFD_RESAMPLE, update = LHV_IRQFD_UPDATE;
	const u32 gone = LHV_IRQFD_DEASSIGN;
	const int fd = self->vm->fd;
	struct lhv_irqfd arg = {
		.size = sizeof(arg), .fd = self->event, .data = VECTOR_A,
		.address = MSI_ADDRESS(0), .reserved = 1,
	};

	EXPECT_EQ(-EINVAL, lhv_ioctl(fd, LHV_VM_IRQFD, &arg));
	EXPECT_EQ(-EBADF, lhv_irqfd(fd, 0, -1, 0, MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, 0, fd, 0, MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, 0, self->event, 0, 0xd0000000, VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, 0, self->event, 0, MSI_ADDRESS(0), BIT(16)));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, 0, self->event, self->resample, MSI_ADDRESS(0),
				     VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, resample, self->event, self->resample,
				     MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, resample, self->event, self->resample,
				     MSI_ADDRESS(0), VECTOR_A | ICR_LEVEL));
	EXPECT_EQ(-EBADF, lhv_irqfd(fd, resample, self->event, -1, MSI_ADDRESS(0),
				    VECTOR_A | LEVEL));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, resample, self->event, fd, MSI_ADDRESS(0),
				     VECTOR_A | LEVEL));
	EXPECT_EQ(-EOPNOTSUPP, lhv_irqfd(fd, 8, self->event, 0, MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-ENOENT, deassign(self));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, gone, self->event, 0, MSI_ADDRESS(0), VECTOR_A));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, gone | update, self->event, 0, 0, 0));

	EXPECT_EQ(0, assign(self, 0, 0, VECTOR_A));
	EXPECT_EQ(-EBUSY, assign(self, 0, 0, VECTOR_A));
	EXPECT_EQ(-EBUSY, lhv_irqfd(fd, resample, self->event, self->resample, MSI_ADDRESS(0),
				    VECTOR_A | LEVEL));
	EXPECT_EQ(-EINVAL, lhv_irqfd(fd, update, self->event, self->resample, MSI_ADDRESS(0),
				     VECTOR_A));
	EXPECT_EQ(0, deassign(self));
	EXPECT_EQ(-ENOENT, deassign(self));
}

/* Those whose eventfd is closed don't count, and the VM's end takes the rest. */
TEST_F(irqfd, closed)
{
	int event, i;

	for (i = 0; i < 5000; i++) {
		event = REQUIRE_SYS(eventfd(0, 0));
		ASSERT_EQ(0, lhv_irqfd(self->vm->fd, 0, event, 0, MSI_ADDRESS(0), VECTOR_A));
		close(event);
	}
	ASSERT_EQ(0, lhv_irqfd(self->vm->fd, LHV_IRQFD_RESAMPLE, self->event, self->resample,
			       MSI_ADDRESS(0), VECTOR_A | LEVEL));
	vm_close(self->vm);
	signal_event(self->event);
	EXPECT_EQ(1, take_count(self->event));
	self->vm = vm_create();
	EXPECT_EQ(0, assign(self, 0, 0, VECTOR_A));
}

/* Signals and EOIs while it is assigned, changed, and taken away, and others are, too */
static void *signal_on(void *arg)
{
	const int *event = arg;

	while (!READ_ONCE(stop)) {
		signal_event(*event);
		take_count(*event);
	}
	return NULL;
}

/* An interrupt whose irqfd is gone is the VMM's to end. */
static void *run_through_eois(void *arg)
{
	struct vcpu *vcpu = arg;
	struct ucall call;

	do
		vcpu_run(vcpu);
	while (vcpu->run->exit_reason == LHV_EXIT_EOI);
	REQUIRE(vcpu_get_ucall(vcpu, &call) && call.command == UCALL_DONE);
	return NULL;
}

TEST_F(irqfd, while_it_is_signalled)
{
	const u32 flags = LHV_IRQFD_RESAMPLE;
	int other = REQUIRE_SYS(eventfd(0, EFD_CLOEXEC));
	pthread_t vcpu[2], thread;
	u32 id;
	int i;

	for (id = 0; id < 2; id++)
		REQUIRE(!pthread_create(&vcpu[id], NULL, run_through_eois,
					vcpu_start(self->vm, id, guest_receive, 0, 0)));
	WAIT_UNTIL(guest_var(self->vm, ready) == 2);
	REQUIRE(!pthread_create(&thread, NULL, signal_on, &self->event));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, lhv_irqfd(self->vm->fd, flags, self->event, self->resample,
				       MSI_ADDRESS(i % 2), VECTOR_A | LEVEL));
		ASSERT_EQ(0, assign(self, flags | LHV_IRQFD_UPDATE, 1, VECTOR_B | LEVEL));
		ASSERT_EQ(0, lhv_irqfd(self->vm->fd, 0, other, 0, MSI_ADDRESS(0), VECTOR_B));
		if (i % 4)
			pause_a_little();
		ASSERT_EQ(0, lhv_irqfd(self->vm->fd, LHV_IRQFD_DEASSIGN, other, 0, 0, 0));
		ASSERT_EQ(0, deassign(self));
	}
	stop = 1;
	close(other);
	REQUIRE(!pthread_join(thread, NULL));
	guest_var(self->vm, stop) = 1;
	for (id = 0; id < 2; id++) {
		REQUIRE(lhv_send_msi(self->vm->fd, MSI_ADDRESS(id), VECTOR_STOP) == 1);
		REQUIRE(!pthread_join(vcpu[id], NULL));
	}
	EXPECT_LT(0, vm_irq_count(self->vm, 0, VECTOR_A) + vm_irq_count(self->vm, 1, VECTOR_A) +
		  vm_irq_count(self->vm, 1, VECTOR_B));
}

TEST_HARNESS_MAIN
