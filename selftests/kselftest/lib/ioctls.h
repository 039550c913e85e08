/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of /dev/lhv, raw: a result, or a negative errno
 */
#ifndef LHV_TEST_IOCTLS_H
#define LHV_TEST_IOCTLS_H

#include <errno.h>
#include <lhv.h>
#include <sys/ioctl.h>

#include "types.h"

static inline int lhv_ioctl(int fd, unsigned long command, void *arg)
{
	int ret = ioctl(fd, command, arg);

	return ret < 0 ? -errno : ret;
}

static inline int lhv_info(int dev, struct lhv_info *info)
{
	*info = (struct lhv_info){ .size = sizeof(*info) };
	return lhv_ioctl(dev, LHV_INFO, info);
}

static inline int lhv_check_cap(int dev, u32 cap, u64 *value)
{
	struct lhv_check_cap arg = { .size = sizeof(arg), .cap = cap };
	int ret = lhv_ioctl(dev, LHV_CHECK_CAP, &arg);

	*value = arg.value;
	return ret;
}

/* LHV_SUPPORTED_CPUID or LHV_MSR_LIST; @count is what there is. */
static inline int lhv_list(int dev, unsigned long command, void *data, u32 *count)
{
	struct lhv_list arg = {
		.size = sizeof(arg),
		.count = *count,
		.data = (uintptr_t)data,
	};
	int ret = lhv_ioctl(dev, command, &arg);

	*count = arg.count;
	return ret;
}

static inline int lhv_create_vm(int dev)
{
	struct lhv_create_vm arg = { .size = sizeof(arg) };

	return lhv_ioctl(dev, LHV_CREATE_VM, &arg);
}

static inline int lhv_create_vcpu(int vm_fd, u32 id)
{
	struct lhv_create_vcpu arg = { .size = sizeof(arg), .id = id };

	return lhv_ioctl(vm_fd, LHV_VM_CREATE_VCPU, &arg);
}

static inline int lhv_set_memory(int vm_fd, u32 slot, u32 flags, u64 gpa, u64 bytes,
				 const void *hva)
{
	struct lhv_memory arg = {
		.size = sizeof(arg),
		.flags = flags,
		.slot = slot,
		.gpa = gpa,
		.bytes = bytes,
		.hva = (uintptr_t)hva,
	};

	return lhv_ioctl(vm_fd, LHV_VM_SET_MEMORY, &arg);
}

static inline int lhv_get_dirty_log(int vm_fd, u32 slot, void *bitmap, u64 bytes)
{
	struct lhv_dirty_log arg = {
		.size = sizeof(arg),
		.slot = slot,
		.bitmap = (uintptr_t)bitmap,
		.bytes = bytes,
	};

	return lhv_ioctl(vm_fd, LHV_VM_GET_DIRTY_LOG, &arg);
}

/* How many APICs took it. */
static inline int lhv_send_msi(int vm_fd, u64 address, u32 data)
{
	struct lhv_msi arg = { .size = sizeof(arg), .data = data, .address = address };
	int ret = lhv_ioctl(vm_fd, LHV_VM_SEND_MSI, &arg);

	return ret < 0 ? ret : (int)arg.delivered;
}

static inline int lhv_irqfd(int vm_fd, u32 flags, int fd, int resample_fd, u64 address, u32 data)
{
	struct lhv_irqfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.fd = fd,
		.resample_fd = resample_fd,
		.data = data,
		.address = address,
	};

	return lhv_ioctl(vm_fd, LHV_VM_IRQFD, &arg);
}

static inline int lhv_ioeventfd(int vm_fd, u32 flags, int fd, u64 address, u32 length, u64 data)
{
	struct lhv_ioeventfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.address = address,
		.data = data,
		.length = length,
		.fd = fd,
	};

	return lhv_ioctl(vm_fd, LHV_VM_IOEVENTFD, &arg);
}

/* LHV_VM_GET_STATS or LHV_VCPU_GET_STATS; @count is what there is. */
static inline int lhv_get_stats(int fd, unsigned long command, u64 *values, u32 *count)
{
	struct lhv_stats arg = {
		.size = sizeof(arg),
		.count = *count,
		.values = (uintptr_t)values,
	};
	int ret = lhv_ioctl(fd, command, &arg);

	*count = arg.count;
	return ret;
}

static inline int lhv_set_state(int vcpu_fd, u16 type, const void *data, u32 length)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.version = 1,
		.length = length,
		.data = (uintptr_t)data,
	};

	return lhv_ioctl(vcpu_fd, LHV_VCPU_SET_STATE, &arg);
}

/* @length is what there is. */
static inline int lhv_get_state_length(int vcpu_fd, u16 type, void *data, u32 *length)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.length = *length,
		.data = (uintptr_t)data,
	};
	int ret = lhv_ioctl(vcpu_fd, LHV_VCPU_GET_STATE, &arg);

	*length = arg.length;
	return ret;
}

static inline int lhv_get_state(int vcpu_fd, u16 type, void *data, u32 length)
{
	return lhv_get_state_length(vcpu_fd, type, data, &length);
}

static inline int lhv_run(int vcpu_fd)
{
	return lhv_ioctl(vcpu_fd, LHV_VCPU_RUN, NULL);
}

#endif /* LHV_TEST_IOCTLS_H */
