// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX root operation, per CPU: on while a VM exists, off when the CPU must go
 *
 * CPUs that come or go (hotplug), the sleep and the end of the host (suspend,
 * reboot, kexec, crash) switch VMX here too.
 */
#define pr_fmt(fmt) "lhv: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <asm/cpu.h>
#include <asm/intel_pt.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>

#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"
#include "hv/compat.h"

bool lhv_rebooting __read_mostly;

static DEFINE_MUTEX(users_lock);
static unsigned int users;		/* VMs; under users_lock and, to change, cpus_read_lock() */

static DEFINE_PER_CPU(struct vmcs *, vmxon_region);
static DEFINE_PER_CPU(bool, vmx_on);	/* by lhv; changed with interrupts off */

static int hotplug_state;

bool lhv_vmx_is_on(void)
{
	return this_cpu_read(vmx_on);
}

static int vmxon_here(void)
{
	u64 pa = __pa(this_cpu_read(vmxon_region));

	if (this_cpu_read(vmx_on))
		return 0;
	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;

	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	asm goto("1: vmxon %[pa]\n\t"
		 "jna %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [pa] "m" (pa) : "cc", "memory" : failed);
	this_cpu_write(vmx_on, true);
	return 0;

failed:
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
	return -EIO;
}

static void vmxoff_here(void)
{
	if (!this_cpu_read(vmx_on))
		return;
	lhv_vmcs_clear_cpu();
	asm volatile("1: vmxoff\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	this_cpu_write(vmx_on, false);
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

static void vmxon_ipi(void *error)
{
	int ret = vmxon_here();

	if (ret)
		atomic_cmpxchg((atomic_t *)error, 0, ret);
}

static void vmxoff_ipi(void *unused)
{
	vmxoff_here();
}

/* NMI context, on each CPU of a host that crashes; as little as possible. */
static void vmx_emergency_off(void)
{
	lhv_rebooting = true;
	if (!this_cpu_read(vmx_on))
		return;
	asm volatile("1: vmxoff\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	cr4_clear_bits(X86_CR4_VMXE);
}

/*
 * The kernel has room for one callback. kvm_intel's serves lhv too, as it looks at
 * CR4.VMXE: where kvm_intel is loaded, the room is left to it. (6.12's takes it
 * only with its first VM: if it is loaded without enable_virt_at_load and has no VM,
 * VMX stays on when the host crashes while lhv has one.)
 */
static bool kvm_loaded;			/* both under users_lock */
static bool emergency_registered;

static void set_emergency(bool wanted)
{
	if (wanted == emergency_registered)
		return;
	if (wanted)
		lhv_register_emergency_off(vmx_emergency_off);
	else
		lhv_unregister_emergency_off(vmx_emergency_off);
	emergency_registered = wanted;
}

/* Called before its init, and after its exit or when the init failed. */
static int kvm_comes_or_goes(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *module = data;

	if (strcmp(module->name, "kvm_intel"))
		return NOTIFY_DONE;
	mutex_lock(&users_lock);
	kvm_loaded = state != MODULE_STATE_GOING;
	set_emergency(users && !kvm_loaded);
	mutex_unlock(&users_lock);
	return NOTIFY_OK;
}

static struct notifier_block kvm_notifier = {
	.notifier_call = kvm_comes_or_goes,
};

static void find_kvm(void)
{
	struct kobject *kvm;

	register_module_notifier(&kvm_notifier);
	kvm = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "kvm_intel");
	mutex_lock(&users_lock);
	if (kvm)
		kvm_loaded = true;
	mutex_unlock(&users_lock);
	kobject_put(kvm);
}

static void vmxon_everywhere(atomic_t *error)
{
	set_emergency(!kvm_loaded);
	on_each_cpu(vmxon_ipi, error, 1);
}

static void vmxoff_everywhere(void)
{
	on_each_cpu(vmxoff_ipi, NULL, 1);
	set_emergency(false);
}

int lhv_arch_enable(void)
{
	atomic_t error = ATOMIC_INIT(0);
	int ret = 0;

	cpus_read_lock();
	mutex_lock(&users_lock);
	if (!users) {
		vmxon_everywhere(&error);
		ret = atomic_read(&error);
		if (ret)
			vmxoff_everywhere();
	}
	if (!ret)
		users++;
	mutex_unlock(&users_lock);
	cpus_read_unlock();
	return ret;
}

void lhv_arch_disable(void)
{
	cpus_read_lock();
	mutex_lock(&users_lock);
	if (!--users)
		vmxoff_everywhere();
	mutex_unlock(&users_lock);
	cpus_read_unlock();
}

/*
 * A CPU that comes up while VMs exist must be able to run them: if it can't
 * be brought into VMX operation it stays down. Runs on that CPU.
 */
static int vmx_cpu_online(unsigned int cpu)
{
	int ret = 0;

	mutex_lock(&users_lock);
	if (users) {
		local_irq_disable();
		ret = vmxon_here();
		local_irq_enable();
		if (ret)
			pr_err("CPU %u: VMXON failed (%d)\n", cpu, ret);
	}
	mutex_unlock(&users_lock);
	return ret;
}

static int vmx_cpu_offline(unsigned int cpu)
{
	local_irq_disable();
	vmxoff_here();
	local_irq_enable();
	return 0;
}

u64 lhv_tsc_lost __read_mostly;
static u64 tsc_at_suspend;

/* Only the boot CPU is left: the others went through vmx_cpu_offline(). */
static int vmx_suspend(LHV_SYSCORE_ARG)
{
	vmxoff_here();
	tsc_at_suspend = rdtsc();
	return 0;
}

/* A host that slept may have lost its TSC (SDM 3B 18.17: it is reset with the processor). */
static void vmx_resume(LHV_SYSCORE_ARG)
{
	u64 now = rdtsc();

	if (now < tsc_at_suspend)
		lhv_tsc_lost += tsc_at_suspend - now;
	if (users)
		WARN_ON(vmxon_here());
}

/* Reboot and kexec. In a crash the kernel's emergency path does VMXOFF: below. */
static int vmx_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	lhv_rebooting = true;
	on_each_cpu(vmxoff_ipi, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block vmx_reboot_notifier = {
	.notifier_call = vmx_reboot,
};

LHV_DEFINE_SYSCORE(vmx_syscore, .suspend = vmx_suspend, .resume = vmx_resume);

static void free_vmxon_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		lhv_vmcs_free(per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

static int alloc_vmxon_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page;
		struct vmcs *region;

		page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO,
					get_order(lhv_vmx_caps.vmcs_size));
		if (!page) {
			free_vmxon_regions();
			return -ENOMEM;
		}
		region = page_address(page);
		region->revision = lhv_vmx_caps.revision;
		per_cpu(vmxon_region, cpu) = region;
	}
	return 0;
}

int lhv_vmx_cpu_init(void)
{
	int ret;

	lhv_vmcs_init_lists();
	ret = alloc_vmxon_regions();
	if (ret)
		return ret;
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lhv:online", vmx_cpu_online, vmx_cpu_offline);
	if (ret < 0)
		goto free_regions;
	hotplug_state = ret;
	find_kvm();
	lhv_register_syscore(&vmx_syscore);
	register_reboot_notifier(&vmx_reboot_notifier);
	return 0;

free_regions:
	free_vmxon_regions();
	return ret;
}

void lhv_vmx_cpu_exit(void)
{
	unregister_reboot_notifier(&vmx_reboot_notifier);
	lhv_unregister_syscore(&vmx_syscore);
	unregister_module_notifier(&kvm_notifier);
	cpuhp_remove_state(hotplug_state);
	free_vmxon_regions();
}
