// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/lhv: what the module offers, and the way to a VM
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hv/arch.h"
#include "ioctl/ioctl.h"

static long get_info(void *unused, void *arg)
{
	struct lhv_info *info = arg;

	info->api_version = LHV_API_VERSION;
	info->max_vcpus = LHV_MAX_VCPUS;
	info->max_slots = LHV_MAX_SLOTS;
	info->run_size = PAGE_SIZE;
	lhv_arch_info(info);
	strscpy(info->version, LHV_VERSION, sizeof(info->version));
	return 0;
}

static long check_cap(void *unused, void *arg)
{
	struct lhv_check_cap *cap = arg;

	if (cap->reserved)
		return -EINVAL;
	cap->value = lhv_arch_check_cap(cap->cap);
	return 0;
}

/* Lists that the module fills: @fill stores up to @max and says how many there are. */
static long get_list(struct lhv_list *list, size_t element, u32 (*fill)(void *to, u32 max))
{
	u32 room = list->count;
	void *data;
	long ret = 0;

	if (list->reserved)
		return -EINVAL;
	list->count = fill(NULL, 0);
	if (room < list->count)
		return -ENOSPC;
	data = kvcalloc(list->count, element, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	fill(data, list->count);
	if (copy_to_user(u64_to_user_ptr(list->data), data, list->count * element))
		ret = -EFAULT;
	kvfree(data);
	return ret;
}

static u32 fill_cpuid(void *to, u32 max)
{
	return lhv_arch_supported_cpuid(to, max);
}

static u32 fill_msrs(void *to, u32 max)
{
	return lhv_arch_msr_list(to, max);
}

static long supported_cpuid(void *unused, void *arg)
{
	return get_list(arg, sizeof(struct lhv_cpuid_entry), fill_cpuid);
}

static long msr_list(void *unused, void *arg)
{
	return get_list(arg, sizeof(u32), fill_msrs);
}

static long create_vm(void *unused, void *arg)
{
	struct lhv_vm *vm = lhv_vm_create();
	int fd;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = lhv_new_fd("lhv-vm", &lhv_vm_fops, vm);
	if (fd < 0)
		lhv_vm_put(vm);
	return fd;
}

static const struct lhv_command commands[] = {
	{ LHV_INFO, sizeof(struct lhv_info), sizeof(struct lhv_info),
	  .out = true, .run = get_info },
	{ LHV_CHECK_CAP, sizeof(struct lhv_check_cap), sizeof(struct lhv_check_cap),
	  .out = true, .run = check_cap },
	{ LHV_SUPPORTED_CPUID, sizeof(struct lhv_list), sizeof(struct lhv_list),
	  .out = true, .run = supported_cpuid },
	{ LHV_MSR_LIST, sizeof(struct lhv_list), sizeof(struct lhv_list),
	  .out = true, .run = msr_list },
	{ LHV_CREATE_VM, sizeof(struct lhv_create_vm), sizeof(struct lhv_create_vm),
	  .run = create_vm },
};

static long dev_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	return lhv_dispatch(commands, ARRAY_SIZE(commands), NULL, command, arg);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lhv",
	.fops = &dev_fops,
	.mode = 0660,
};

int lhv_dev_register(void)
{
	return misc_register(&dev);
}

void lhv_dev_unregister(void)
{
	misc_deregister(&dev);
}
