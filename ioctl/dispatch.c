// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place where ioctl structs are copied in and out
 */
#include <linux/anon_inodes.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "ioctl/ioctl.h"

/* Each struct begins with these. */
struct header {
	u32 size;
	u32 flags;
};

static const struct lhv_command *find(const struct lhv_command *table, size_t n,
				      unsigned int command)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (table[i].command == command)
			return &table[i];
	return NULL;
}

/* Userspace may change the struct meanwhile: @size counts as first read. */
static int copy_in(const struct lhv_command *c, void *kernel, void __user *user, u32 *size)
{
	struct header *header = kernel;
	int ret;

	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < c->min_size || *size > PAGE_SIZE)
		return *size < c->min_size ? -EINVAL : -E2BIG;
	ret = copy_struct_from_user(kernel, c->size, user, *size);
	if (ret)
		return ret;
	header->size = *size;
	return header->flags & ~c->flags ? -EOPNOTSUPP : 0;
}

long lhv_dispatch(const struct lhv_command *table, size_t n, void *object,
		  unsigned int command, unsigned long arg)
{
	const struct lhv_command *c = find(table, n, command);
	void __user *user = (void __user *)arg;
	u64 kernel[DIV_ROUND_UP(LHV_MAX_ARG, sizeof(u64))] = {};
	u32 size;
	long ret;

	if (!c)
		return -ENOTTY;
	if (WARN_ON_ONCE(c->size > sizeof(kernel)))
		return -EINVAL;
	ret = copy_in(c, kernel, user, &size);
	if (ret)
		return ret;
	ret = c->run(object, kernel);
	/* -ENOSPC tells what would have been needed. */
	if (c->out && (ret >= 0 || ret == -ENOSPC) &&
	    copy_to_user(user, kernel, min(size, c->size)))
		return -EFAULT;
	return ret;
}

int lhv_new_fd(const char *name, const struct file_operations *fops, void *object)
{
	return anon_inode_getfd(name, fops, object, O_RDWR | O_CLOEXEC);
}

int lhv_check_vm(const struct lhv_vm *vm)
{
	return vm->mm == current->mm && !READ_ONCE(vm->dead) ? 0 : -EIO;
}

int lhv_copy_stats(struct lhv_stats *stats, const u64 *values, u32 have)
{
	u32 n = min(stats->count, have);

	if (stats->reserved)
		return -EINVAL;
	if (copy_to_user(u64_to_user_ptr(stats->values), values, n * sizeof(u64)))
		return -EFAULT;
	stats->count = have;
	return 0;
}
