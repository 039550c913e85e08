// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM on the same host: whoever has machines holds VMX, the other is told so and
 * nothing breaks; loaded and idle, neither minds the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "test.h"

/* The harness forks for each test, and ends by exit(). */
static pid_t main_process;

FIXTURE(kvm) {
	int kvm;
	int dev;
};

FIXTURE_SETUP(kvm)
{
	self->kvm = REQUIRE_SYS(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	self->dev = dev_open();
}

FIXTURE_TEARDOWN(kvm)
{
	close(self->dev);
	close(self->kvm);
}

static int kvm_create_vm(int kvm)
{
	return ioctl(kvm, KVM_CREATE_VM, 0UL);
}

static void guest_add(u64 a, u64 b)
{
	GUEST_REPORT(a + b);
}

static void run_a_guest(void)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_start(vm, 0, guest_add, 40, 2);
	struct ucall call;

	vcpu_run_to_ucall(vcpu, &call);
	REQUIRE(call.arg[0] == 42);
	vm_close(vm);
}

TEST_F(kvm, idle)
{
	run_a_guest();
}

TEST_F(kvm, kvm_first)
{
	int vm = kvm_create_vm(self->kvm);

	ASSERT_LE(0, vm);
	EXPECT_EQ(-EBUSY, lhv_create_vm(self->dev));
	close(vm);
	run_a_guest();
}

TEST_F(kvm, lhv_first)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_start(vm, 0, guest_add, 1, 2);
	struct ucall call;
	int other;

	EXPECT_EQ(-1, kvm_create_vm(self->kvm));
	/* EIO is what 6.12 makes of it. */
	EXPECT_TRUE(errno == EBUSY || errno == EIO);
	vcpu_run_to_ucall(vcpu, &call);
	EXPECT_EQ(3, call.arg[0]);
	vm_close(vm);
	other = kvm_create_vm(self->kvm);
	EXPECT_LE(0, other);
	close(other);
}

static void __attribute__((destructor)) unload(void)
{
	if (getpid() == main_process)
		(void)!system("rmmod kvm_intel kvm irqbypass 2>/dev/null");
}

int main(int argc, char **argv)
{
	main_process = getpid();
	/* By default, 6.12's takes VMX as long as it is loaded. */
	(void)!system("modprobe kvm enable_virt_at_load=0; modprobe kvm_intel");
	if (access("/dev/kvm", W_OK)) {
		ksft_print_header();
		ksft_exit_skip("no /dev/kvm here\n");
	}
	return test_harness_run(argc, argv);
}
