// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that userspace brings when the guest asks for them (userfaultfd): the
 * vCPU waits in the kernel, and can be taken out of that
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "test.h"

#define BASE	0x40000000ULL
#define PAGES	64ULL
#define AREA	(PAGES * GUEST_PAGE)

FIXTURE(userfault) {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *area;
	int fd;
};

FIXTURE_SETUP(userfault)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	self->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (self->fd < 0 || ioctl(self->fd, UFFDIO_API, &api))
		SKIP(return, "no userfaultfd here");
	self->area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(self->area != MAP_FAILED);
	range.range.start = (uintptr_t)self->area;
	range.range.len = AREA;
	REQUIRE_SYS(ioctl(self->fd, UFFDIO_REGISTER, &range));
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	vm_set_memory(self->vm, 1, 0, BASE, AREA, self->area);
}

FIXTURE_TEARDOWN(userfault)
{
	vm_close(self->vm);
	close(self->fd);
}

static u64 page_content(u64 page)
{
	return page * 0x0101010101010101 + 7;
}

static u64 wait_for_fault(FIXTURE_DATA(userfault) *self)
{
	struct pollfd fd = { .fd = self->fd, .events = POLLIN };
	struct uffd_msg message;

	REQUIRE(poll(&fd, 1, WAIT_SECONDS * 1000) == 1);
	REQUIRE(read(self->fd, &message, sizeof(message)) == sizeof(message));
	REQUIRE(message.event == UFFD_EVENT_PAGEFAULT);
	return (message.arg.pagefault.address - (uintptr_t)self->area) / GUEST_PAGE;
}

static void bring_page(FIXTURE_DATA(userfault) *self, u64 page)
{
	static u64 content[GUEST_PAGE / 8] __attribute__((aligned(4096)));
	struct uffdio_copy copy = {
		.dst = (uintptr_t)self->area + page * GUEST_PAGE,
		.src = (uintptr_t)content,
		.len = GUEST_PAGE,
	};

	content[0] = page_content(page);
	REQUIRE_SYS(ioctl(self->fd, UFFDIO_COPY, &copy));
}

static void guest_read_pages(void)
{
	u64 i, page;

	for (i = 0; i < PAGES; i++) {
		page = i * 37 % PAGES;
		GUEST_ASSERT_EQ(page_content(page), *(volatile u64 *)(BASE + page * GUEST_PAGE));
	}
}

static void guest_nothing(void)
{
}

TEST_F(userfault, pages_on_demand)
{
	u64 i;

	vcpu_set_long(self->vcpu, guest_read_pages, 0, 0);
	vcpu_thread_start(self->vcpu);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(i * 37 % PAGES, wait_for_fault(self));
		/* While one vCPU waits, slots can change, and other VMs live. */
		if (i % 16 == 0) {
			vm_set_memory(self->vm, 2, 0, BASE + MIB(64), AREA, self->area);
			vm_set_memory(self->vm, 2, 0, 0, 0, NULL);
			run_guest(guest_nothing, 0, 0);
		}
		bring_page(self, i * 37 % PAGES);
	}
	vcpu_thread_join(self->vcpu);
}

/* Killed while it waits for a page that never comes. */
TEST_F_SIGNAL(userfault, killed_while_waiting, SIGKILL)
{
	vcpu_set_long(self->vcpu, guest_read_pages, 0, 0);
	vcpu_thread_start(self->vcpu);
	wait_for_fault(self);
	kill(getpid(), SIGKILL);
}

TEST_HARNESS_MAIN
