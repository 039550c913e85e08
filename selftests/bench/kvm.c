// SPDX-License-Identifier: GPL-2.0-only
/* The backend on /dev/kvm: local APIC in the kernel, no other chip, as lhv has it. */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "bench.h"

#define MAX_CPUID	256
#define IOAPIC_PINS	24
#define MSI_GSI		24
/* CPUID.01H:ECX */
#define TSC_DEADLINE	BIT(24)
#define HYPERVISOR	BIT(31)
#define APIC_ID		0xff000000	/* EBX */

static struct kvm_cpuid2 *cpuid;

/* KVM leaves these to its user: the TSC-deadline timer, that this is a guest, and the id. */
static void get_cpuid(int fd)
{
	u32 i;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		err(2, "kvm: CPUID");
	cpuid->nent = MAX_CPUID;
	if (ioctl(fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		err(2, "KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1) {
			entry->ecx |= TSC_DEADLINE | HYPERVISOR;
			entry->ebx &= ~APIC_ID;
		} else if (entry->function == 0xb) {
			entry->edx = 0;
		}
	}
}

static bool open_device(struct backend *backend)
{
	backend->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (backend->fd < 0)
		return false;
	backend->run_size = ioctl(backend->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	snprintf(backend->version, sizeof(backend->version), "KVM API %d",
		 ioctl(backend->fd, KVM_GET_API_VERSION, 0));
	get_cpuid(backend->fd);
	return true;
}

static int create_vm(struct backend *backend)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { IOAPIC_PINS } };
	int vm = ioctl(backend->fd, KVM_CREATE_VM, 0);

	if (vm < 0)
		err(2, "KVM_CREATE_VM");
	if (ioctl(vm, KVM_ENABLE_CAP, &split))
		err(2, "KVM_CAP_SPLIT_IRQCHIP");
	return vm;
}

static int create_vcpu(int vm, unsigned int id)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, id);

	if (vcpu < 0)
		err(2, "KVM_CREATE_VCPU");
	return vcpu;
}

static void set_memory(int vm, unsigned int slot, u64 gpa, void *address, size_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (uintptr_t)address,
	};

	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(2, "KVM_SET_USER_MEMORY_REGION");
}

static void set_system_registers(int vcpu, const struct start *start)
{
	struct kvm_segment data = {
		.limit = ~0u, .selector = START_DS, .type = 3, .present = 1, .db = 1, .s = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		err(2, "KVM_GET_SREGS");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = (struct kvm_segment){
		.limit = ~0u, .selector = START_CS, .type = 11, .present = 1, .s = 1, .l = 1,
		.g = 1,
	};
	sregs.cr0 = START_CR0;
	sregs.cr3 = start->cr3;
	sregs.cr4 = START_CR4;
	sregs.efer = START_EFER;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		err(2, "KVM_SET_SREGS");
}

static void start_at(int vcpu, const struct start *start)
{
	struct kvm_regs regs = { .rip = start->rip, .rsp = start->rsp, .rflags = 2 };

	if (ioctl(vcpu, KVM_SET_CPUID2, cpuid))
		err(2, "KVM_SET_CPUID2");
	set_system_registers(vcpu, start);
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		err(2, "KVM_SET_REGS");
}

static void assign_ioeventfd(int vm, int event, const struct doorbell *bell)
{
	struct kvm_ioeventfd io = {
		.fd = event, .addr = bell->address, .len = bell->length,
		.flags = (bell->port ? KVM_IOEVENTFD_FLAG_PIO : 0) |
			 (bell->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
	};

	if (ioctl(vm, KVM_IOEVENTFD, &io))
		err(2, "KVM_IOEVENTFD");
}

static void assign_irqfd(int vm, int event)
{
	struct kvm_irqfd irqfd = { .fd = event, .gsi = MSI_GSI };
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routes = {
		.head.nr = 1,
		.entry = {
			.gsi = MSI_GSI, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = MSI_ADDRESS, .data = BELL_VECTOR },
		},
	};

	if (ioctl(vm, KVM_SET_GSI_ROUTING, &routes))
		err(2, "KVM_SET_GSI_ROUTING");
	if (ioctl(vm, KVM_IRQFD, &irqfd))
		err(2, "KVM_IRQFD");
}

static unsigned int run(struct machine *machine)
{
	const struct kvm_run *run = machine->run;

	if (ioctl(machine->vcpu, KVM_RUN, 0))
		err(2, "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO)
		errx(2, "KVM_RUN: exit reason %u", run->exit_reason);
	return run->io.port;
}

struct backend kvm_backend = {
	.name = "kvm",
	.side = SIDE_KVM,
	.open = open_device,
	.create_vm = create_vm,
	.create_vcpu = create_vcpu,
	.set_memory = set_memory,
	.start_at = start_at,
	.ioeventfd = assign_ioeventfd,
	.irqfd = assign_irqfd,
	.run = run,
};
