// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation and each copy from or to userspace that a call makes fails once
 * (the kernel's fault injection, "fail-nth"): the call says so, nothing is
 * half-done, and the next try works. The lab looks for what leaked.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "test.h"

#define SLOT		3
#define SLOT_GPA	0x40000000ULL
#define SLOT_BYTES	MIB(2)

FIXTURE(faults) {
	int dev;
	int nth;
	int fd;			/* what the call opened */
	int event;
	void *area;
	struct vm *vm;
	struct vcpu *vcpu;
	u16 type;
	u8 state[8192];
	u32 length;
};

FIXTURE_SETUP(faults)
{
	self->nth = fault_open();
	self->dev = dev_open();
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	self->area = REQUIRE_SYS(mmap(NULL, SLOT_BYTES, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
}

FIXTURE_TEARDOWN(faults)
{
	munmap(self->area, SLOT_BYTES);
	vm_close(self->vm);
	close(self->dev);
	close(self->nth);
}

typedef int (*step)(FIXTURE_DATA(faults) *self);

/*
 * @call, with each of its faults in turn. Before each try @before, after it, when
 * it has succeeded in the end, @after. Returns how many faults there were.
 */
static unsigned int each_fault(FIXTURE_DATA(faults) *self, step before, step call, step after)
{
	unsigned int n;
	bool fired;
	int ret;

	for (n = 1;; n++) {
		if (before)
			REQUIRE_OK(before(self));
		fault_arm(self->nth, n);
		ret = call(self);
		fired = fault_disarm(self->nth);
		if (fired && ret < 0) {
			if (ret != -ENOMEM && ret != -EFAULT)
				FAIL("fault %u: %s", n, strerror(-ret));
			ret = call(self);
		}
		if (ret < 0)
			FAIL("after fault %u: %s", n, strerror(-ret));
		if (after)
			REQUIRE_OK(after(self));
		if (!fired)
			return n - 1;
	}
}

static int close_fd(FIXTURE_DATA(faults) *self)
{
	return close(self->fd);
}

static int open_dev(FIXTURE_DATA(faults) *self)
{
	self->fd = open("/dev/lhv", O_RDWR);
	return self->fd < 0 ? -errno : 0;
}

static int create_vm(FIXTURE_DATA(faults) *self)
{
	self->fd = lhv_create_vm(self->dev);
	return self->fd;
}

static int create_vcpu(FIXTURE_DATA(faults) *self)
{
	self->fd = lhv_create_vcpu(self->vm->fd, 1);
	return self->fd;
}

TEST_F(faults, create)
{
	EXPECT_LT(0, each_fault(self, NULL, open_dev, close_fd));
	EXPECT_LT(2, each_fault(self, NULL, create_vm, close_fd));
	EXPECT_LT(2, each_fault(self, NULL, create_vcpu, close_fd));
}

static int map_run_page(FIXTURE_DATA(faults) *self)
{
	void *page = mmap(NULL, self->vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->vcpu->fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	munmap(page, self->vm->run_size);
	return 0;
}

static int add_slot(FIXTURE_DATA(faults) *self)
{
	return lhv_set_memory(self->vm->fd, SLOT, LHV_MEM_LOG_DIRTY, SLOT_GPA, SLOT_BYTES,
			      self->area);
}

static int move_slot(FIXTURE_DATA(faults) *self)
{
	return lhv_set_memory(self->vm->fd, SLOT, LHV_MEM_LOG_DIRTY, 2 * SLOT_GPA,
			      SLOT_BYTES, self->area);
}

static int stop_logging(FIXTURE_DATA(faults) *self)
{
	return lhv_set_memory(self->vm->fd, SLOT, 0, SLOT_GPA, SLOT_BYTES, self->area);
}

static int remove_slot(FIXTURE_DATA(faults) *self)
{
	int ret = lhv_set_memory(self->vm->fd, SLOT, 0, SLOT_GPA, 0, NULL);

	/* It has gone before the fault came. */
	return ret == -ENOENT ? 0 : ret;
}

static int get_dirty_log(FIXTURE_DATA(faults) *self)
{
	u8 bitmap[SLOT_BYTES / GUEST_PAGE / 8];

	return lhv_get_dirty_log(self->vm->fd, SLOT, bitmap, sizeof(bitmap));
}

TEST_F(faults, memory)
{
	EXPECT_LT(0, each_fault(self, NULL, map_run_page, NULL));
	EXPECT_LT(1, each_fault(self, NULL, add_slot, remove_slot));
	EXPECT_LT(1, each_fault(self, add_slot, move_slot, remove_slot));
	EXPECT_LT(1, each_fault(self, add_slot, stop_logging, remove_slot));
	EXPECT_LT(1, each_fault(self, add_slot, remove_slot, NULL));
	REQUIRE_OK(add_slot(self));
	EXPECT_LT(1, each_fault(self, NULL, get_dirty_log, NULL));
}

static int assign_irqfd(FIXTURE_DATA(faults) *self)
{
	return lhv_irqfd(self->vm->fd, LHV_IRQFD_RESAMPLE, self->event, self->event, 0xfee00000,
			 0xc040);
}

static int deassign_irqfd(FIXTURE_DATA(faults) *self)
{
	return lhv_irqfd(self->vm->fd, LHV_IRQFD_DEASSIGN, self->event, 0, 0, 0);
}

static int assign_ioeventfd(FIXTURE_DATA(faults) *self)
{
	return lhv_ioeventfd(self->vm->fd, 0, self->event, SLOT_GPA, 4, 0);
}

static int deassign_ioeventfd(FIXTURE_DATA(faults) *self)
{
	return lhv_ioeventfd(self->vm->fd, LHV_IOEVENTFD_DEASSIGN, self->event, SLOT_GPA, 4, 0);
}

TEST_F(faults, eventfds)
{
	self->event = REQUIRE_SYS(eventfd(0, 0));
	EXPECT_LT(1, each_fault(self, NULL, assign_irqfd, deassign_irqfd));
	EXPECT_LT(0, each_fault(self, assign_irqfd, deassign_irqfd, NULL));
	EXPECT_LT(1, each_fault(self, NULL, assign_ioeventfd, deassign_ioeventfd));
	EXPECT_LT(0, each_fault(self, assign_ioeventfd, deassign_ioeventfd, NULL));
	close(self->event);
}

static const u16 types[] = {
	LHV_STATE_CPUID, LHV_STATE_REGS, LHV_STATE_SREGS, LHV_STATE_XSAVE, LHV_STATE_XCRS,
	LHV_STATE_DEBUGREGS, LHV_STATE_EVENTS, LHV_STATE_LAPIC, LHV_STATE_MP, LHV_STATE_TSC,
};

static int get_state(FIXTURE_DATA(faults) *self)
{
	u32 length = sizeof(self->state);
	int ret = lhv_get_state_length(self->vcpu->fd, self->type, self->state, &length);

	if (!ret)
		self->length = length;
	return ret;
}

static int set_state(FIXTURE_DATA(faults) *self)
{
	return lhv_set_state(self->vcpu->fd, self->type, self->state, self->length);
}

TEST_F(faults, state)
{
	u8 before[sizeof(self->state)];
	unsigned int i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		self->type = types[i];
		EXPECT_LT(1, each_fault(self, NULL, get_state, NULL));
		memcpy(before, self->state, self->length);
		EXPECT_LT(1, each_fault(self, NULL, set_state, NULL));
		REQUIRE_OK(get_state(self));
		/* The TSC goes on. */
		EXPECT_TRUE(types[i] == LHV_STATE_TSC ||
			    !memcmp(before, self->state, self->length))
			TH_LOG("type %u", types[i]);
	}
}

#define TOUCHED		8
#define TOUCHED_START	MIB(10)
#define TOUCHED_PAGE(i)	((volatile u64 *)(TOUCHED_START + (i) * 100 * GUEST_PAGE))

static void guest_touch(void)
{
	u64 i;

	for (i = 0; i < TOUCHED; i++)
		*TOUCHED_PAGE(i) = i + 1;
	GUEST_REPORT(TOUCHED);
}

static int start_guest(FIXTURE_DATA(faults) *self)
{
	vm_close(self->vm);
	self->vm = vm_create();
	/* A fault for each page that it touches */
	(void)madvise(guest_memory(self->vm, TOUCHED_START), MIB(4), MADV_NOHUGEPAGE);
	self->vcpu = vcpu_start(self->vm, 0, guest_touch, 0, 0);
	return 0;
}

static int run(FIXTURE_DATA(faults) *self)
{
	int ret = lhv_run(self->vcpu->fd);

	if (!ret && self->vcpu->run->exit_reason == LHV_EXIT_MEMORY_FAULT)
		return self->vcpu->run->memory_fault.error;
	return ret;
}

static int check_guest(FIXTURE_DATA(faults) *self)
{
	struct ucall call;
	u64 i;

	REQUIRE(vcpu_get_ucall(self->vcpu, &call));
	REQUIRE(call.arg[0] == TOUCHED);
	for (i = 0; i < TOUCHED; i++)
		REQUIRE(*(u64 *)guest_memory(self->vm, (uintptr_t)TOUCHED_PAGE(i)) == i + 1);
	return 0;
}

TEST_F(faults, run)
{
	/* A page of the host's for each, and tables of the EPT */
	EXPECT_LT(TOUCHED, each_fault(self, start_guest, run, check_guest));
}

static int send_msi(FIXTURE_DATA(faults) *self)
{
	return lhv_send_msi(self->vm->fd, 0xfee00000, 0x40);
}

static int get_stats(FIXTURE_DATA(faults) *self)
{
	u64 values[64];
	u32 count = 64;

	return lhv_get_stats(self->vcpu->fd, LHV_VCPU_GET_STATS, values, &count);
}

static int get_cpuid(FIXTURE_DATA(faults) *self)
{
	u32 count = sizeof(self->state) / sizeof(struct lhv_cpuid_entry);

	return lhv_list(self->dev, LHV_SUPPORTED_CPUID, self->state, &count);
}

TEST_F(faults, others)
{
	EXPECT_LT(0, each_fault(self, NULL, send_msi, NULL));
	EXPECT_LT(1, each_fault(self, NULL, get_stats, NULL));
	EXPECT_LT(1, each_fault(self, NULL, get_cpuid, NULL));
}

int main(int argc, char **argv)
{
	if (!fault_injection()) {
		ksft_print_header();
		ksft_exit_skip("no fault injection here\n");
	}
	fault_prepare_host();
	return test_harness_run(argc, argv);
}
