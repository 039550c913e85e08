// SPDX-License-Identifier: GPL-2.0-only
/*
 * The x86 part of the module: load, unload, what it tells of itself
 */
#define pr_fmt(fmt) "lhv: " fmt

#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <asm/tsc.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/ept.h"
#include "arch/x86/lapic.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

/*
 * An emulated CPU that loses the host's interrupts while the guest has its own
 * off needs this; a real one never does. Read when a vCPU is created.
 */
unsigned long lhv_heartbeat;
module_param_named(heartbeat, lhv_heartbeat, ulong, 0444);
MODULE_PARM_DESC(heartbeat,
		 "leave the guest after this many ticks of the VMX-preemption timer, for emulated CPUs (0: never)");

static int check_heartbeat(void)
{
	if (!lhv_heartbeat)
		return 0;
	if (lhv_heartbeat > U32_MAX) {
		pr_err("heartbeat=%lu: the VMX-preemption timer has 32 bits\n", lhv_heartbeat);
		return -EINVAL;
	}
	if (!lhv_vmx_caps.preemption_timer) {
		pr_err("heartbeat=%lu: this CPU has no VMX-preemption timer\n", lhv_heartbeat);
		return -EOPNOTSUPP;
	}
	return 0;
}

static void announce(void)
{
	const struct lhv_vmx_caps *caps = &lhv_vmx_caps;

	pr_info("version %s: VMX with EPT, unrestricted guest%s%s%s%s%s\n", LHV_VERSION,
		caps->ept_2m ? ", 2M pages" : "", caps->ept_1g ? ", 1G pages" : "",
		caps->ept_ad ? ", EPT A/D" : "", caps->vpid ? ", VPID" : "",
		caps->pause_loop ? ", PAUSE-loop exiting" : "");
}

int lhv_arch_init(void)
{
	int ret;

	ret = lhv_vmx_read_caps();
	if (ret)
		return ret;
	ret = check_heartbeat();
	if (ret)
		return ret;
	ret = lhv_host_state_init();
	if (ret)
		return ret;
	ret = lhv_cpuid_host_init();
	if (ret)
		return ret;
	ret = lhv_msr_bitmap_init();
	if (ret)
		goto exit_cpuid;
	ret = lhv_vmx_cpu_init();
	if (ret)
		goto exit_bitmap;
	announce();
	return 0;

exit_bitmap:
	lhv_msr_bitmap_exit();
exit_cpuid:
	lhv_cpuid_host_exit();
	return ret;
}

void lhv_arch_exit(void)
{
	lhv_vmx_cpu_exit();
	lhv_msr_bitmap_exit();
	lhv_cpuid_host_exit();
}

u32 lhv_phys_bits(void)
{
	return min_t(u32, boot_cpu_data.x86_phys_bits, LHV_EPT_BITS);
}

u64 lhv_arch_check_cap(u32 cap)
{
	const struct lhv_vmx_caps *caps = &lhv_vmx_caps;

	switch (cap) {
	case LHV_CAP_READONLY_MEM:
	case LHV_CAP_DIRTY_LOG:
	case LHV_CAP_X2APIC:
	case LHV_CAP_TSC_DEADLINE:
	case LHV_CAP_EVENTFD:
		return 1;
	case LHV_CAP_EPT_2M:
		return caps->ept_2m;
	case LHV_CAP_EPT_1G:
		return caps->ept_1g;
	case LHV_CAP_EPT_AD:
		return caps->ept_ad;
	case LHV_CAP_VPID:
		return caps->vpid;
	case LHV_CAP_PAUSE_EXIT:
		return caps->pause_loop;
	}
	return 0;
}

void lhv_arch_info(struct lhv_info *info)
{
	info->tsc_khz = tsc_khz;
	info->apic_timer_khz = LHV_APIC_TIMER_KHZ;
	info->phys_bits = lhv_phys_bits();
	info->xsave_size = lhv_xsave_size;
}
