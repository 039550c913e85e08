// SPDX-License-Identifier: GPL-2.0-only
/* The backend on /dev/lhv. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "lhv.h"

/* Access rights in the VMCS' format. */
#define ACCESS_CODE64	0xa09b
#define ACCESS_DATA	0xc093
#define ACCESS_TSS	0x8b

static bool open_device(struct backend *backend)
{
	struct lhv_info info = { .size = sizeof(info) };

	backend->fd = open("/dev/lhv", O_RDWR | O_CLOEXEC);
	if (backend->fd < 0)
		return false;
	if (ioctl(backend->fd, LHV_INFO, &info))
		err(2, "LHV_INFO");
	backend->run_size = info.run_size;
	snprintf(backend->version, sizeof(backend->version), "lhv %.32s, API %u", info.version,
		 info.api_version);
	return true;
}

static int create_vm(struct backend *backend)
{
	struct lhv_create_vm create = { .size = sizeof(create) };
	int vm = ioctl(backend->fd, LHV_CREATE_VM, &create);

	if (vm < 0)
		err(2, "LHV_CREATE_VM");
	return vm;
}

static int create_vcpu(int vm, unsigned int id)
{
	struct lhv_create_vcpu create = { .size = sizeof(create), .id = id };
	int vcpu = ioctl(vm, LHV_VM_CREATE_VCPU, &create);

	if (vcpu < 0)
		err(2, "LHV_VM_CREATE_VCPU");
	return vcpu;
}

static void set_memory(int vm, unsigned int slot, u64 gpa, void *address, size_t bytes)
{
	struct lhv_memory memory = {
		.size = sizeof(memory), .slot = slot, .gpa = gpa, .bytes = bytes,
		.hva = (uintptr_t)address,
	};

	if (ioctl(vm, LHV_VM_SET_MEMORY, &memory))
		err(2, "LHV_VM_SET_MEMORY");
}

static void transfer(int vcpu, unsigned long command, unsigned int type, void *data,
		     size_t length)
{
	struct lhv_state state = {
		.size = sizeof(state), .type = type, .version = 1, .length = length,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu, command, &state))
		err(2, "LHV_VCPU_%s_STATE of record %u",
		    command == LHV_VCPU_GET_STATE ? "GET" : "SET", type);
}

static void start_at(int vcpu, const struct start *start)
{
	struct lhv_segment data = {
		.limit = ~0u, .selector = START_DS, .access = ACCESS_DATA,
	};
	struct lhv_regs regs = { .rip = start->rip, .rsp = start->rsp, .rflags = 2 };
	struct lhv_sregs sregs;

	/* A vCPU is made with the host's CPUID, as KVM's backend asks for it. */
	transfer(vcpu, LHV_VCPU_GET_STATE, LHV_STATE_SREGS, &sregs, sizeof(sregs));
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = (struct lhv_segment){
		.limit = ~0u, .selector = START_CS, .access = ACCESS_CODE64,
	};
	sregs.tr.access = ACCESS_TSS;
	sregs.cr0 = START_CR0;
	sregs.cr3 = start->cr3;
	sregs.cr4 = START_CR4;
	sregs.efer = START_EFER;
	transfer(vcpu, LHV_VCPU_SET_STATE, LHV_STATE_SREGS, &sregs, sizeof(sregs));
	transfer(vcpu, LHV_VCPU_SET_STATE, LHV_STATE_REGS, &regs, sizeof(regs));
}

static void assign_ioeventfd(int vm, int event, const struct doorbell *bell)
{
	struct lhv_ioeventfd io = {
		.size = sizeof(io), .fd = event, .address = bell->address, .length = bell->length,
		.flags = (bell->port ? LHV_IOEVENTFD_PIO : 0) |
			 (bell->match ? LHV_IOEVENTFD_DATAMATCH : 0),
	};

	if (ioctl(vm, LHV_VM_IOEVENTFD, &io))
		err(2, "LHV_VM_IOEVENTFD");
}

static void assign_irqfd(int vm, int event)
{
	struct lhv_irqfd irqfd = {
		.size = sizeof(irqfd), .fd = event, .address = MSI_ADDRESS, .data = BELL_VECTOR,
	};

	if (ioctl(vm, LHV_VM_IRQFD, &irqfd))
		err(2, "LHV_VM_IRQFD");
}

static unsigned int run(struct machine *machine)
{
	const struct lhv_run *run = machine->run;

	if (ioctl(machine->vcpu, LHV_VCPU_RUN, 0))
		err(2, "LHV_VCPU_RUN");
	if (run->exit_reason == LHV_EXIT_FAIL_ENTRY)
		errx(2, "LHV_VCPU_RUN: entry failed: reason %#x, instruction error %u",
		     run->fail_entry.hardware_reason, run->fail_entry.instruction_error);
	if (run->exit_reason != LHV_EXIT_IO)
		errx(2, "LHV_VCPU_RUN: exit reason %u at %#llx", run->exit_reason, run->rip);
	return run->io.port;
}

struct backend lhv_backend = {
	.name = "lhv",
	.side = SIDE_LHV,
	.open = open_device,
	.create_vm = create_vm,
	.create_vcpu = create_vcpu,
	.set_memory = set_memory,
	.start_at = start_at,
	.ioeventfd = assign_ioeventfd,
	.irqfd = assign_irqfd,
	.run = run,
};
