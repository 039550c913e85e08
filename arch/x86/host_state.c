// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host must have back
 *
 * In three depths: VMCS host fields, which each VM exit loads; state that stays
 * the guest's while its thread has the CPU, given back when the thread leaves
 * it (lhv_switch_to_host()); and state that the host needs as soon as it takes
 * interrupts again (lhv_leave_state()).
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/segment.h>

#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"

u64 lhv_host_xcr0 __read_mostly;
u32 lhv_xsave_size __read_mostly;

/* KERNEL_GS_BASE, which SWAPGS changes without lhv's knowing, stands apart. */
static const u32 known_msrs[] = {
	[LHV_MSR_STAR] = MSR_STAR,
	[LHV_MSR_LSTAR] = MSR_LSTAR,
	[LHV_MSR_CSTAR] = MSR_CSTAR,
	[LHV_MSR_FMASK] = MSR_SYSCALL_MASK,
	[LHV_MSR_TSC_AUX] = MSR_TSC_AUX,
};

int lhv_host_state_init(void)
{
	struct fpu_guest fpu = {};

	if (boot_cpu_has(X86_FEATURE_XSAVE))
		lhv_host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	/* The kernel tells the size with a guest's FPU state. */
	if (!fpu_alloc_guest_fpstate(&fpu))
		return -ENOMEM;
	lhv_xsave_size = fpu.uabi_size;
	fpu_free_guest_fpstate(&fpu);
	return 0;
}

/* Host fields that are the same on all CPUs. The VMCS is current. */
void lhv_write_host_constants(void)
{
	struct desc_ptr idt;
	u64 msr;

	vmcs_write_l(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	store_idt(&idt);
	vmcs_write_l(HOST_IDTR_BASE, idt.address);
	vmcs_write_l(HOST_RIP, (unsigned long)lhv_vmx_exit);
	rdmsrl(MSR_IA32_SYSENTER_CS, msr);
	vmcs_write32(HOST_IA32_SYSENTER_CS, msr);
	rdmsrl(MSR_IA32_SYSENTER_EIP, msr);
	vmcs_write_l(HOST_IA32_SYSENTER_EIP, msr);
	rdmsrl(MSR_IA32_CR_PAT, msr);
	vmcs_write64(HOST_IA32_PAT, msr);
	rdmsrl(MSR_EFER, msr);
	vmcs_write64(HOST_IA32_EFER, msr);
}

/* Host fields that differ between CPUs. */
void lhv_write_host_cpu(struct lhv_vcpu *vcpu, int cpu)
{
	u64 msr;
	int i;

	vmcs_write_l(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write_l(HOST_GDTR_BASE, (unsigned long)get_current_gdt_ro());
	rdmsrl(MSR_GS_BASE, msr);
	vmcs_write_l(HOST_GS_BASE, msr);
	rdmsrl(MSR_IA32_SYSENTER_ESP, msr);
	vmcs_write_l(HOST_IA32_SYSENTER_ESP, msr);
	/* The kernel sets these when the CPU comes up. */
	for (i = 0; i < ARRAY_SIZE(known_msrs); i++)
		if (known_msrs[i] != MSR_TSC_AUX || boot_cpu_has(X86_FEATURE_RDTSCP))
			rdmsrl(known_msrs[i], vcpu->arch.host_lazy_msr[i]);
}

static __always_inline void switch_known_msrs(const u64 *from, const u64 *to)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(known_msrs); i++)
		if (from[i] != to[i])
			native_wrmsrl(known_msrs[i], to[i]);
}

/*
 * The thread's FS and GS bases. The kernel's copies are right with FSGSBASE, and
 * else only for a thread without selectors (a 32-bit one has).
 */
static void save_bases(struct lhv_vcpu_arch *arch)
{
	u64 *gs_base = &arch->host_lazy_msr[LHV_MSR_KERNEL_GS_BASE];

	if (!boot_cpu_has(X86_FEATURE_FSGSBASE) && (arch->host_fs | arch->host_gs)) {
		rdmsrl(MSR_FS_BASE, arch->host_fs_base);
		rdmsrl(MSR_KERNEL_GS_BASE, *gs_base);
		return;
	}
	current_save_fsgs();
	arch->host_fs_base = current->thread.fsbase;
	*gs_base = current->thread.gsbase;
}

/**
 * lhv_switch_to_guest - load what the guest keeps while its thread runs
 * @vcpu: the vCPU, loaded
 *
 * Context: preemption off.
 */
void lhv_switch_to_guest(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (arch->lazy_loaded)
		return;

	savesegment(ds, arch->host_ds);
	savesegment(es, arch->host_es);
	savesegment(fs, arch->host_fs);
	savesegment(gs, arch->host_gs);
	store_ldt(arch->host_ldt);
	save_bases(arch);
	vmcs_write_l(HOST_FS_BASE, arch->host_fs_base);

	native_wrmsrl(MSR_KERNEL_GS_BASE, arch->lazy_msr[LHV_MSR_KERNEL_GS_BASE]);
	switch_known_msrs(arch->host_lazy_msr, arch->lazy_msr);
	arch->lazy_loaded = true;
}

/**
 * lhv_switch_to_host - give the host back what lhv_switch_to_guest() took
 * @vcpu: the vCPU, loaded
 *
 * Context: preemption off.
 */
void lhv_switch_to_host(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (!arch->lazy_loaded)
		return;

	rdmsrl(MSR_KERNEL_GS_BASE, arch->lazy_msr[LHV_MSR_KERNEL_GS_BASE]);
	/* A VM exit leaves null selectors and no LDT (SDM 3C 28.5.2). */
	if (arch->host_ldt)
		asm volatile("lldt %0" : : "m" (arch->host_ldt));
	if (arch->host_ds | arch->host_es) {
		loadsegment(ds, arch->host_ds);
		loadsegment(es, arch->host_es);
	}
	if (arch->host_fs) {
		loadsegment(fs, arch->host_fs);
		wrmsrl(MSR_FS_BASE, arch->host_fs_base);
	}
	if (arch->host_gs) {
		unsigned long flags;

		local_irq_save(flags);
		load_gs_index(arch->host_gs);
		local_irq_restore(flags);
	}
	/* After the selector: loading that changes the inactive base. */
	native_wrmsrl(MSR_KERNEL_GS_BASE, arch->host_lazy_msr[LHV_MSR_KERNEL_GS_BASE]);
	switch_known_msrs(arch->lazy_msr, arch->host_lazy_msr);
	/* Nor does it keep the limits of TR and GDTR. */
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
	arch->lazy_loaded = false;
}

static void load_debug_registers(struct lhv_vcpu_arch *arch)
{
	/* The host's breakpoints must not fire at the guest's addresses. */
	if (hw_breakpoint_active())
		set_debugreg(0, 7);
	set_debugreg(arch->db[0], 0);
	set_debugreg(arch->db[1], 1);
	set_debugreg(arch->db[2], 2);
	set_debugreg(arch->db[3], 3);
	set_debugreg(arch->dr6, 6);
	arch->dr_live = true;
}

static void save_debug_registers(struct lhv_vcpu_arch *arch)
{
	get_debugreg(arch->db[0], 0);
	get_debugreg(arch->db[1], 1);
	get_debugreg(arch->db[2], 2);
	get_debugreg(arch->db[3], 3);
	get_debugreg(arch->dr6, 6);
	set_debugreg(DR6_RESERVED, 6);
	arch->dr_live = false;
}

/* Intercepts MOV DR again, and notes whether the guest has breakpoints set. */
static void take_debug_registers(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	save_debug_registers(arch);
	arch->dr_needed = vmcs_read_l(GUEST_DR7) & LHV_DR7_ENABLED;
	vmcs_set_control(CPU_BASED_VM_EXEC_CONTROL, &arch->cpu_controls,
			 arch->cpu_controls | CPU_BASED_MOV_DR_EXITING);
}

void lhv_use_debug_registers(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	if (!arch->dr_live)
		load_debug_registers(arch);
	vmcs_set_control(CPU_BASED_VM_EXEC_CONTROL, &arch->cpu_controls,
			 arch->cpu_controls & ~CPU_BASED_MOV_DR_EXITING);
}

/*
 * Counters of the host's that must not count in the guest, or can't: PEBS would
 * write its records through the guest's page tables.
 */
static void switch_perf_msrs(bool to_guest)
{
	struct perf_guest_switch_msr *msrs;
	int i, n;

	msrs = perf_guest_get_msrs(&n, NULL);
	for (i = 0; msrs && i < n; i++)
		if (msrs[i].host != msrs[i].guest)
			native_wrmsrl(msrs[i].msr, to_guest ? msrs[i].guest : msrs[i].host);
}

/**
 * lhv_enter_state - the last of the host's state goes, the guest's comes
 * @vcpu: the vCPU, loaded and switched to
 *
 * Context: interrupts off until lhv_leave_state().
 */
void lhv_enter_state(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	unsigned long cr3 = __get_current_cr3_fast();
	unsigned long cr4 = cr4_read_shadow();

	if (cr3 != arch->host_cr3) {
		vmcs_write_l(HOST_CR3, cr3);
		arch->host_cr3 = cr3;
	}
	if (cr4 != arch->host_cr4) {
		vmcs_write_l(HOST_CR4, cr4);
		arch->host_cr4 = cr4;
	}
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	if (arch->xcr0 != lhv_host_xcr0 && lhv_host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, arch->xcr0);
	if (unlikely(arch->dr_needed))
		load_debug_registers(arch);
	if (native_read_cr2() != arch->cr2)
		native_write_cr2(arch->cr2);
	/* Not earlier: perf changes it by IPIs. */
	arch->host_debugctl = get_debugctlmsr();
	switch_perf_msrs(true);
	if (lhv_vmx_caps.l1d_flush)
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}

/**
 * lhv_leave_state - undo lhv_enter_state()
 * @vcpu: the vCPU
 */
void lhv_leave_state(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	arch->cr2 = native_read_cr2();
	switch_perf_msrs(false);
	if (arch->xcr0 != lhv_host_xcr0 && lhv_host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, lhv_host_xcr0);
	if (unlikely(arch->dr_live))
		take_debug_registers(vcpu);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	if (arch->host_debugctl)
		update_debugctlmsr(arch->host_debugctl);
}
