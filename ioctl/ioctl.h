/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boundary to userspace
 *
 * Everything that userspace passes is copied here, once, and checked here as
 * far as that needs no lock of the object's.
 */
#ifndef LHV_IOCTL_H
#define LHV_IOCTL_H

#include <linux/fs.h>
#include <linux/types.h>

#include "hv/hv.h"

/**
 * struct lhv_command - one ioctl
 * @command:	its number
 * @size:	bytes of its struct as this module knows it
 * @min_size:	bytes of the struct's first version
 * @flags:	the bits of the struct's flags that this module knows
 * @out:	the struct is copied back
 * @run:	does it; @arg is the struct in kernel memory
 */
struct lhv_command {
	unsigned int command;
	u32 size;
	u32 min_size;
	u32 flags;
	bool out;
	long (*run)(void *object, void *arg);
};

#define LHV_MAX_ARG	sizeof(struct lhv_info)

/**
 * lhv_dispatch - find and run an ioctl
 * @table: the commands
 * @n: how many
 * @object: what the fd stands for
 * @command: ioctl number
 * @arg: address of the struct in userspace
 *
 * Return: what the command does, or -ENOTTY, -EFAULT, -EINVAL, -E2BIG,
 * -EOPNOTSUPP as include/uapi/lhv.h has it for all commands.
 */
long lhv_dispatch(const struct lhv_command *table, size_t n, void *object,
		  unsigned int command, unsigned long arg);

/* A close-on-exec fd for an object; on failure that is still the caller's. */
int lhv_new_fd(const char *name, const struct file_operations *fops, void *object);

extern const struct file_operations lhv_vm_fops;
extern const struct file_operations lhv_vcpu_fops;

/* Copies @have counters to the caller's array as far as it has room. */
int lhv_copy_stats(struct lhv_stats *stats, const u64 *values, u32 have);

/* -EIO unless the caller is the process that the VM belongs to, and it is alive. */
int lhv_check_vm(const struct lhv_vm *vm);

int lhv_dev_register(void);
void lhv_dev_unregister(void);

#endif /* LHV_IOCTL_H */
