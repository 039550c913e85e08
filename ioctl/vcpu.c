// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU fd
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hv/arch.h"
#include "ioctl/ioctl.h"

/* The largest record: MSRs, CPUID; an XSAVE area may be larger yet. */
#define MAX_RECORD	(64 * 1024)

/* All records are at version 1. */
#define RECORD_VERSION	1

static int check_state(const struct lhv_state *state)
{
	if (state->reserved)
		return -EINVAL;
	return state->version > RECORD_VERSION ? -EOPNOTSUPP : 0;
}

/*
 * Another thread's LHV_VCPU_RUN may hold it for ever. Not interruptible: a run that
 * completes an access does so whatever signal is pending. EINTR isn't seen by anyone.
 */
static int lock_vcpu(struct lhv_vcpu *vcpu)
{
	return mutex_lock_killable(&vcpu->mutex);
}

static long get_state(void *object, void *arg)
{
	struct lhv_state *state = arg;
	struct lhv_vcpu *vcpu = object;
	void __user *user = u64_to_user_ptr(state->data);
	u32 room = min_t(u32, state->length, MAX_RECORD);
	void *data;
	long ret;

	ret = check_state(state);
	if (ret)
		return ret;
	state->length = room;
	data = kvzalloc(max_t(u32, room, 1), GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	/* MSRs are asked for by number, in the caller's buffer. */
	if (state->type == LHV_STATE_MSRS && copy_from_user(data, user, room)) {
		ret = -EFAULT;
		goto free;
	}
	ret = lock_vcpu(vcpu);
	if (ret)
		goto free;
	ret = lhv_arch_get_state(vcpu, state->type, data, &state->length);
	mutex_unlock(&vcpu->mutex);
	state->version = RECORD_VERSION;
	/* An MSR that failed is marked in the buffer. */
	if ((!ret || (ret == -EINVAL && state->type == LHV_STATE_MSRS)) &&
	    copy_to_user(user, data, min(room, state->length)))
		ret = -EFAULT;
free:
	kvfree(data);
	return ret;
}

static long set_state(void *object, void *arg)
{
	struct lhv_state *state = arg;
	struct lhv_vcpu *vcpu = object;
	void __user *user = u64_to_user_ptr(state->data);
	void *data;
	long ret;

	ret = check_state(state);
	if (ret)
		return ret;
	if (!state->version)
		return -EOPNOTSUPP;
	if (state->length > MAX_RECORD)
		return -EINVAL;
	data = vmemdup_user(user, state->length);
	if (IS_ERR(data))
		return PTR_ERR(data);
	ret = lock_vcpu(vcpu);
	if (ret)
		goto free;
	ret = lhv_arch_set_state(vcpu, state->type, data, state->length);
	mutex_unlock(&vcpu->mutex);
	if (ret == -EINVAL && state->type == LHV_STATE_MSRS &&
	    copy_to_user(user, data, state->length))
		ret = -EFAULT;
free:
	kvfree(data);
	return ret;
}

static long get_stats(void *object, void *arg)
{
	struct lhv_vcpu *vcpu = object;
	u64 values[LHV_VCPU_STAT_COUNT];
	int i;

	/* Counters are read as they are, while the vCPU may run. */
	for (i = 0; i < LHV_VCPU_STAT_COUNT; i++)
		values[i] = READ_ONCE(vcpu->stats[i]);
	return lhv_copy_stats(arg, values, LHV_VCPU_STAT_COUNT);
}

static const struct lhv_command commands[] = {
	{ LHV_VCPU_GET_STATE, sizeof(struct lhv_state), sizeof(struct lhv_state),
	  .out = true, .run = get_state },
	{ LHV_VCPU_SET_STATE, sizeof(struct lhv_state), sizeof(struct lhv_state),
	  .run = set_state },
	{ LHV_VCPU_GET_STATS, sizeof(struct lhv_stats), sizeof(struct lhv_stats),
	  .out = true, .run = get_stats },
};

static long vcpu_run(struct lhv_vcpu *vcpu)
{
	long ret;

	ret = lock_vcpu(vcpu);
	if (ret)
		return ret;
	ret = lhv_vcpu_run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static long vcpu_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct lhv_vcpu *vcpu = file->private_data;
	int ret;

	ret = lhv_check_vm(vcpu->vm);
	if (ret)
		return ret;
	if (command == LHV_VCPU_RUN)
		return vcpu_run(vcpu);
	return lhv_dispatch(commands, ARRAY_SIZE(commands), vcpu, command, arg);
}

static const struct file_operations run_page_fops = {
	.owner = THIS_MODULE,
};

/*
 * vm_insert_page() takes a reference: the page may outlive the vCPU. A mapping holds
 * its file, too; with the vCPU's own, an id would be in use until the page is unmapped.
 */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct lhv_vcpu *vcpu = file->private_data;
	struct file *page_file;
	int ret;

	if (vma->vm_pgoff || vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	page_file = anon_inode_getfile("lhv-run", &run_page_fops, NULL, O_RDWR);
	if (IS_ERR(page_file))
		return PTR_ERR(page_file);
	ret = vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
	if (!ret)
		vma_set_file(vma, page_file);
	fput(page_file);
	return ret;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	lhv_vcpu_destroy(file->private_data);
	return 0;
}

const struct file_operations lhv_vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};
