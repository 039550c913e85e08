// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS regions, and on which CPU each is active
 *
 * A VMCS is active on at most one CPU: the one that last loaded it, in whose
 * list it stays until it is cleared. Only that CPU may clear it.
 */
#define pr_fmt(fmt) "lhv: " fmt

#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/nospec-branch.h>

#include "arch/x86/vmcs.h"
#include "arch/x86/vmx_caps.h"
#include "arch/x86/vmx.h"
#include "hv/hv.h"

/* VMCSs active on each CPU; changed on that CPU with interrupts off. */
static DEFINE_PER_CPU(struct list_head, active_vmcss);
static DEFINE_PER_CPU(struct vmcs *, current_vmcs);

static atomic_long_t vmcs_errors;

void lhv_vmcs_error(const char *instruction, unsigned long field)
{
	atomic_long_inc(&vmcs_errors);
	WARN_ONCE(!lhv_rebooting, "lhv: %s of field %#lx failed\n", instruction, field);
}

static void vmcs_instruction_failed(const char *instruction, struct vmcs *vmcs)
{
	atomic_long_inc(&vmcs_errors);
	WARN_ONCE(!lhv_rebooting, "lhv: %s of %#lx failed\n", instruction, __pa(vmcs));
}

static void clear_region(struct vmcs *vmcs)
{
	u64 pa = __pa(vmcs);
	bool failed = false;

	asm volatile("1: vmclear %[pa]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed) : [pa] "m" (pa) : "memory");
	if (unlikely(failed))
		vmcs_instruction_failed("VMCLEAR", vmcs);
}

static void load_region(struct vmcs *vmcs)
{
	u64 pa = __pa(vmcs);
	bool failed = false;

	asm volatile("1: vmptrld %[pa]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed) : [pa] "m" (pa) : "memory");
	if (unlikely(failed))
		vmcs_instruction_failed("VMPTRLD", vmcs);
}

struct vmcs *lhv_vmcs_alloc(void)
{
	struct vmcs *vmcs;

	vmcs = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					get_order(lhv_vmx_caps.vmcs_size));
	if (!vmcs)
		return NULL;
	vmcs->revision = lhv_vmx_caps.revision;
	/* VMCLEAR initializes what the processor keeps in the region. */
	clear_region(vmcs);
	return vmcs;
}

void lhv_vmcs_free(struct vmcs *vmcs)
{
	free_pages((unsigned long)vmcs, get_order(lhv_vmx_caps.vmcs_size));
}

/* On the CPU where it is active, interrupts off. */
static void clear_here(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (arch->vmcs_cpu != smp_processor_id())
		return;		/* cleared since by the CPU going offline */
	clear_region(arch->vmcs);
	if (this_cpu_read(current_vmcs) == arch->vmcs)
		this_cpu_write(current_vmcs, NULL);
	list_del(&arch->vmcs_link);
	arch->launched = false;
	/* Pairs with smp_rmb() in lhv_vmcs_load(): off the list before it can be added anew. */
	smp_wmb();
	WRITE_ONCE(arch->vmcs_cpu, -1);
}

static void clear_ipi(void *vcpu)
{
	clear_here(vcpu);
}

void lhv_vmcs_clear(struct lhv_vcpu *vcpu)
{
	int cpu = READ_ONCE(vcpu->arch.vmcs_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_ipi, vcpu, 1);
}

void lhv_vmcs_clear_cpu(void)
{
	struct lhv_vcpu *vcpu, *next;

	lockdep_assert_irqs_disabled();
	list_for_each_entry_safe(vcpu, next, this_cpu_ptr(&active_vmcss), arch.vmcs_link)
		clear_here(vcpu);
}

bool lhv_vmcs_load(struct lhv_vcpu *vcpu, int cpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	bool moved = arch->vmcs_cpu != cpu;

	/* A CPU on its way out takes no VMCS; run_once() waits for another one. */
	if (unlikely(!lhv_vmx_is_on())) {
		WARN_ON_ONCE(!moved);
		return false;
	}
	if (moved) {
		lhv_vmcs_clear(vcpu);
		local_irq_disable();
		/* Pairs with smp_wmb() in clear_here(). */
		smp_rmb();
		list_add(&arch->vmcs_link, this_cpu_ptr(&active_vmcss));
		arch->vmcs_cpu = cpu;
		local_irq_enable();
	}
	if (this_cpu_read(current_vmcs) != arch->vmcs) {
		this_cpu_write(current_vmcs, arch->vmcs);
		load_region(arch->vmcs);
		/* Another guest may have trained this CPU's indirect branches. */
		indirect_branch_prediction_barrier();
	}
	return moved;
}

void lhv_vmcs_init_lists(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(per_cpu_ptr(&active_vmcss, cpu));
}
