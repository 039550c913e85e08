// SPDX-License-Identifier: GPL-2.0-only
#include "lhv_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"

#define LHV_DEVICE	"/dev/lhv"

/* After those of the RAM */
#define FIRST_BLOCK_SLOT	2

static int read_info(struct lhv_dev *dev)
{
	dev->info = (struct lhv_info){ .size = sizeof(dev->info) };
	if (ioctl(dev->fd, LHV_INFO, &dev->info))
		return fail_errno(LHV_DEVICE " does not answer as lhv's device should");
	if (dev->info.api_version != LHV_API_VERSION)
		return fail("lhv.ko offers version %u of its interface and this hvctl needs version %u; use both from one release",
			    dev->info.api_version, LHV_API_VERSION);
	return 0;
}

int lhv_open(struct lhv_dev *dev)
{
	dev->fd = open(LHV_DEVICE, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0) {
		switch (errno) {
		case ENOENT:
		case ENODEV:
		case ENXIO:
			return fail("there is no " LHV_DEVICE "; load the module with 'insmod lhv.ko'");
		case EACCES:
		case EPERM:
			return fail("permission denied on " LHV_DEVICE "; run hvctl as root, or as a user who may open it");
		default:
			return fail_errno("cannot open " LHV_DEVICE);
		}
	}
	if (read_info(dev)) {
		lhv_close(dev);
		return -1;
	}
	return 0;
}

void lhv_close(struct lhv_dev *dev)
{
	close(dev->fd);
	dev->fd = -1;
}

int lhv_supported_cpuid(const struct lhv_dev *dev,
			struct lhv_cpuid_entry entry[static LHV_MAX_CPUID_ENTRIES])
{
	struct lhv_list list = {
		.size = sizeof(list),
		.count = LHV_MAX_CPUID_ENTRIES,
		.data = (uintptr_t)entry,
	};

	if (ioctl(dev->fd, LHV_SUPPORTED_CPUID, &list))
		return fail_errno("cannot read from lhv which CPU features guests can have");
	return list.count;
}

int lhv_create_vm(const struct lhv_dev *dev)
{
	struct lhv_create_vm arg = { .size = sizeof(arg) };
	int fd = ioctl(dev->fd, LHV_CREATE_VM, &arg);

	if (fd < 0 && errno == EBUSY)
		return fail("another hypervisor uses VMX on this host; stop its machines, or unload it, for instance with 'rmmod kvm_intel'");
	if (fd < 0)
		return fail_errno("cannot create the machine");
	return fd;
}

int lhv_create_vcpu(int vm_fd, u32 id)
{
	struct lhv_create_vcpu arg = { .size = sizeof(arg), .id = id };
	int fd = ioctl(vm_fd, LHV_VM_CREATE_VCPU, &arg);

	if (fd < 0)
		return fail_errno("cannot create vCPU %u", id);
	return fd;
}

static int set_slot(int vm_fd, u32 slot, u64 gpa, u64 bytes, void *host)
{
	struct lhv_memory arg = {
		.size = sizeof(arg),
		.slot = slot,
		.gpa = gpa,
		.bytes = bytes,
		.hva = (uintptr_t)host,
	};

	if (ioctl(vm_fd, LHV_VM_SET_MEMORY, &arg))
		return fail_errno("cannot %s the guest's memory at 0x%llx",
				  bytes ? "map" : "unmap", (unsigned long long)gpa);
	return 0;
}

int lhv_map_memory(int vm_fd, const struct guest_memory *mem)
{
	if (set_slot(vm_fd, 0, 0, mem->low, mem->host))
		return -1;
	if (!mem->high)
		return 0;
	return set_slot(vm_fd, 1, HIGH_MEMORY_START, mem->high, mem->host + mem->low);
}

int lhv_map_block(int vm_fd, const struct guest_memory *mem, unsigned int block, bool map)
{
	const struct memory_region *region = &mem->region;

	return set_slot(vm_fd, FIRST_BLOCK_SLOT + block, region->start + block * region->block,
			map ? region->block : 0, map ? memory_block_at(mem, block) : NULL);
}

void lhv_send_msi(int vm_fd, u64 address, u32 data)
{
	struct lhv_msi arg = { .size = sizeof(arg), .data = data, .address = address };

	/* It fails for what a guest may write into a redirection entry, too. */
	(void)ioctl(vm_fd, LHV_VM_SEND_MSI, &arg);
}

bool lhv_has(const struct lhv_dev *dev, u32 cap)
{
	struct lhv_check_cap arg = { .size = sizeof(arg), .cap = cap };

	return !ioctl(dev->fd, LHV_CHECK_CAP, &arg) && arg.value;
}

int lhv_bind_interrupt(int vm_fd, int fd, u64 address, u32 data)
{
	struct lhv_irqfd arg = { .size = sizeof(arg), .fd = fd, .data = data, .address = address };

	if (ioctl(vm_fd, LHV_VM_IRQFD, &arg))
		return fail_errno("cannot bind an interrupt");
	return 0;
}

void lhv_unbind_interrupt(int vm_fd, int fd)
{
	struct lhv_irqfd arg = { .size = sizeof(arg), .flags = LHV_IRQFD_DEASSIGN, .fd = fd };

	(void)ioctl(vm_fd, LHV_VM_IRQFD, &arg);
}

static int port_eventfd(int vm_fd, int fd, u16 port, u32 flags)
{
	struct lhv_ioeventfd arg = {
		.size = sizeof(arg), .flags = flags | LHV_IOEVENTFD_PIO, .address = port, .fd = fd,
	};

	return ioctl(vm_fd, LHV_VM_IOEVENTFD, &arg);
}

int lhv_bind_port(int vm_fd, int fd, u16 port)
{
	if (port_eventfd(vm_fd, fd, port, 0))
		return fail_errno("cannot bind port 0x%x", port);
	return 0;
}

void lhv_unbind_port(int vm_fd, int fd, u16 port)
{
	(void)port_eventfd(vm_fd, fd, port, LHV_IOEVENTFD_DEASSIGN);
}

static bool get_stats(int fd, unsigned long command, u64 *value, u32 count)
{
	struct lhv_stats arg = {
		.size = sizeof(arg), .count = count, .values = (uintptr_t)value,
	};

	memset(value, 0, count * sizeof(*value));
	return !ioctl(fd, command, &arg);
}

bool lhv_vm_stats(int vm_fd, u64 value[static LHV_VM_STAT_COUNT])
{
	return get_stats(vm_fd, LHV_VM_GET_STATS, value, LHV_VM_STAT_COUNT);
}

bool lhv_vcpu_stats(int vcpu_fd, u64 value[static LHV_VCPU_STAT_COUNT])
{
	return get_stats(vcpu_fd, LHV_VCPU_GET_STATS, value, LHV_VCPU_STAT_COUNT);
}

int lhv_get_state(int vcpu_fd, u16 type, const char *what, void *data, u32 length)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.version = 1,
		.length = length,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu_fd, LHV_VCPU_GET_STATE, &arg))
		return fail_errno("cannot read a vCPU's %s", what);
	return 0;
}

int lhv_set_state(int vcpu_fd, u16 type, const char *what, const void *data, u32 length)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.version = 1,
		.length = length,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu_fd, LHV_VCPU_SET_STATE, &arg))
		return fail_errno("cannot set a vCPU's %s", what);
	return 0;
}
