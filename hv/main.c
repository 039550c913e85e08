// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module load and unload
 */
#define pr_fmt(fmt) "lhv: " fmt

#include <linux/module.h>

#include "hv/arch.h"
#include "ioctl/ioctl.h"

static int __init lhv_init(void)
{
	int ret;

	ret = lhv_vcpus_init();
	if (ret)
		return ret;
	ret = lhv_arch_init();
	if (ret)
		goto exit_vcpus;
	ret = lhv_dev_register();
	if (ret)
		goto exit_arch;
	return 0;

exit_arch:
	lhv_arch_exit();
exit_vcpus:
	lhv_vcpus_exit();
	return ret;
}

/* Open files hold the module, so no VM is left. */
static void __exit lhv_exit(void)
{
	lhv_dev_unregister();
	lhv_vms_exit();
	/* vCPUs and slots whose last reference went wait for grace periods. */
	rcu_barrier();
	srcu_barrier(&lhv_srcu);
	lhv_arch_exit();
	lhv_vcpus_exit();
}

module_init(lhv_init);
module_exit(lhv_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lightweight hypervisor");
MODULE_VERSION(LHV_VERSION);
