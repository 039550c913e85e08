/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eventfds in place of exits and ioctls: hv/ioeventfd.c, hv/irqfd.c
 */
#ifndef LHV_EVENTFD_H
#define LHV_EVENTFD_H

#include "hv/hv.h"

#define LHV_MAX_IOEVENTFDS	1024	/* for each address space of a VM */
#define LHV_MAX_IRQFDS		4096	/* of a VM */

/* LHV_VM_IOEVENTFD and LHV_VM_IRQFD, their fields checked. May sleep. */
int lhv_ioeventfd(struct lhv_vm *vm, const struct lhv_ioeventfd *args);
int lhv_irqfd(struct lhv_vm *vm, const struct lhv_irqfd *args);

bool __lhv_ioeventfd_write(struct lhv_vm *vm, enum lhv_space space, u64 address, u32 length,
			   u64 data, bool signal);

/**
 * lhv_ioeventfd_write - the guest writes where no memory is
 * @vm: the VM
 * @space: ports or physical addresses
 * @address: where
 * @length: bytes written, 1 to 8
 * @data: what, with zeros above @length
 *
 * Context: process, may be atomic but for PREEMPT_RT.
 * Return: true if that signalled an eventfd, and the write is done.
 */
static inline bool lhv_ioeventfd_write(struct lhv_vm *vm, enum lhv_space space, u64 address,
				       u32 length, u64 data)
{
	if (likely(!rcu_access_pointer(vm->ioeventfds[space])))
		return false;
	return __lhv_ioeventfd_write(vm, space, address, length, data, true);
}

/* Would it? Any context. */
static inline bool lhv_ioeventfd_waits(struct lhv_vm *vm, enum lhv_space space, u64 address,
				       u32 length, u64 data)
{
	if (likely(!rcu_access_pointer(vm->ioeventfds[space])))
		return false;
	return __lhv_ioeventfd_write(vm, space, address, length, data, false);
}

/**
 * lhv_irqfd_eoi - a level-triggered interrupt ended
 * @vm: the VM
 * @vector: its vector
 *
 * Context: process, preemptible.
 * Return: true if it was an irqfd's, whose device is told.
 */
bool lhv_irqfd_eoi(struct lhv_vm *vm, u8 vector);

/* The VM's end: it has no vCPUs any more. */
void lhv_ioeventfds_destroy(struct lhv_vm *vm);
void lhv_irqfds_destroy(struct lhv_vm *vm);

#endif /* LHV_EVENTFD_H */
