/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/lhv: the ioctls, with errors in words. */
#ifndef HVCTL_LHV_DEV_H
#define HVCTL_LHV_DEV_H

#include <lhv.h>

#include "memory.h"
#include "types.h"

struct lhv_dev {
	int fd;
	struct lhv_info info;
};

int lhv_open(struct lhv_dev *dev);
void lhv_close(struct lhv_dev *dev);

/* The CPUID leaves that a guest can have; returns their number, or -1. */
int lhv_supported_cpuid(const struct lhv_dev *dev,
			struct lhv_cpuid_entry entry[static LHV_MAX_CPUID_ENTRIES]);

/* These two return an fd, or -1. */
int lhv_create_vm(const struct lhv_dev *dev);
int lhv_create_vcpu(int vm_fd, u32 id);

/* Map all of @mem but its region. */
int lhv_map_memory(int vm_fd, const struct guest_memory *mem);

/*
 * Map or unmap block @block of the region of @mem; an unmapped one is what devices are, for
 * the guest. -1 with a sentence, and nothing has changed.
 */
int lhv_map_block(int vm_fd, const struct guest_memory *mem, unsigned int block, bool map);

/* An interrupt message; one that no local APIC takes is lost, as on a bus. */
void lhv_send_msi(int vm_fd, u64 address, u32 data);

/* Whether lhv.ko has one of LHV_CAP_*. */
bool lhv_has(const struct lhv_dev *dev, u32 cap);

/*
 * A signal of eventfd @fd sends this message, until it is unbound; what it was signalled
 * before is sent at once. Returns -1 for what isn't a message.
 */
int lhv_bind_interrupt(int vm_fd, int fd, u64 address, u32 data);
void lhv_unbind_interrupt(int vm_fd, int fd);

/* A guest's OUT to @port, of whatever size, signals eventfd @fd and is no exit. */
int lhv_bind_port(int vm_fd, int fd, u16 port);
void lhv_unbind_port(int vm_fd, int fd, u16 port);

/*
 * Counters, by LHV_VM_STAT_* and LHV_VCPU_STAT_*; those that an older lhv.ko doesn't have are 0.
 * false: it gives none, as it stopped the machine for an error of its own.
 */
bool lhv_vm_stats(int vm_fd, u64 value[static LHV_VM_STAT_COUNT]);
bool lhv_vcpu_stats(int vcpu_fd, u64 value[static LHV_VCPU_STAT_COUNT]);

/* State records of a vCPU, version 1; @what names it in the error. */
int lhv_get_state(int vcpu_fd, u16 type, const char *what, void *data, u32 length);
int lhv_set_state(int vcpu_fd, u16 type, const char *what, const void *data, u32 length);

#endif
