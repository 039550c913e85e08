// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's beginning: the VMCS' controls, and the state after power-up and INIT
 */
#include <linux/build_bug.h>
#include <linux/idr.h>
#include <linux/slab.h>
#include <asm/msr.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/ept.h"
#include "arch/x86/lapic.h"
#include "arch/x86/mmio.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"
#include "hv/arch.h"

/* entry.S knows these by number. */
static_assert(offsetof(struct lhv_vcpu_arch, host_rsp) -
	      offsetof(struct lhv_vcpu_arch, regs) == 16 * 8);
static_assert(offsetof(struct lhv_vcpu_arch, launched) -
	      offsetof(struct lhv_vcpu_arch, regs) == 17 * 8);

/* PAUSE-loop exiting: a loop this tight, for this long, is a spin (in TSC ticks). */
#define PAUSE_LOOP_GAP		128
#define PAUSE_LOOP_WINDOW	4096

/* Exceptions that the guest must not be let loop in forever, and the host's own. */
#define INTERCEPTED_EXCEPTIONS	(BIT(1) /* #DB */ | BIT(17) /* #AC */ | BIT(18) /* #MC */)

static DEFINE_IDA(vpid_ida);

/* VPID 0 means none: the CPU then flushes at each entry and exit. */
static u16 vpid_get(void)
{
	int id;

	if (!lhv_vmx_caps.vpid)
		return 0;
	id = ida_alloc_range(&vpid_ida, 1, U16_MAX, GFP_KERNEL_ACCOUNT);
	return id < 0 ? 0 : id;
}

static void vpid_put(u16 vpid)
{
	if (vpid)
		ida_free(&vpid_ida, vpid);
}

void lhv_set_tsc_offset(struct lhv_vcpu *vcpu, u64 offset)
{
	vcpu->arch.tsc_offset = offset;
	vmcs_write64(TSC_OFFSET, offset + lhv_tsc_lost);
}

u64 lhv_guest_tsc(struct lhv_vcpu *vcpu)
{
	return lhv_host_tsc() + vcpu->arch.tsc_offset;
}

static void setup_controls(struct lhv_vcpu *vcpu)
{
	const struct lhv_vmx_caps *caps = &lhv_vmx_caps;
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	u32 cpu2 = caps->cpu2;
	u32 exit = caps->exit;
	u32 pin = caps->pin;

	if (!lhv_heartbeat) {
		pin &= ~PIN_BASED_VMX_PREEMPTION_TIMER;
		exit &= ~VM_EXIT_SAVE_VMX_PREEMPTION_TIMER;
	}
	if (!arch->vpid)
		cpu2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	arch->cpu_controls = caps->cpu & ~(CPU_BASED_INTR_WINDOW_EXITING |
					   CPU_BASED_NMI_WINDOW_EXITING);

	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, pin);
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, arch->cpu_controls);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, cpu2);
	vmcs_write32(VM_EXIT_CONTROLS, exit);
	vmcs_write32(VM_ENTRY_CONTROLS, caps->entry & ~VM_ENTRY_IA32E_MODE);

	if (pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, lhv_heartbeat);
	if (cpu2 & SECONDARY_EXEC_ENABLE_VPID)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, arch->vpid);
	if (cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		vmcs_write32(PLE_GAP, PAUSE_LOOP_GAP);
		vmcs_write32(PLE_WINDOW, PAUSE_LOOP_WINDOW);
	}
}

static void setup_fixed_fields(struct lhv_vcpu *vcpu)
{
	vmcs_write32(EXCEPTION_BITMAP, INTERCEPTED_EXCEPTIONS);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write64(VMCS_LINK_POINTER, -1ull);
	vmcs_write64(MSR_BITMAP, __pa(lhv_msr_bitmap));
	vmcs_write64(EPT_POINTER, lhv_ept_eptp(vcpu->vm));
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, lhv_lapic_page_phys(vcpu));
	vmcs_write32(TPR_THRESHOLD, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

void lhv_vmcs_setup(struct lhv_vcpu *vcpu)
{
	setup_controls(vcpu);
	setup_fixed_fields(vcpu);
	lhv_write_host_constants();
	lhv_set_tsc_offset(vcpu, vcpu->vm->tsc_offset);
}

static void reset_segments(struct lhv_vcpu *vcpu)
{
	struct lhv_segment data = { .limit = 0xffff, .access = 0x93 };
	struct lhv_segment code = {
		.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000, .access = 0x9b,
	};
	struct lhv_segment tr = { .limit = 0xffff, .access = 0x8b };
	struct lhv_segment ldt = { .limit = 0xffff, .access = 0x82 };
	int i;

	for (i = LHV_ES; i <= LHV_GS; i++)
		lhv_set_segment(vcpu, i == LHV_CS ? &code : &data, i);
	lhv_set_segment(vcpu, &tr, LHV_TR);
	lhv_set_segment(vcpu, &ldt, LHV_LDTR);
	vmcs_write_l(GUEST_GDTR_BASE, 0);
	vmcs_write32(GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write_l(GUEST_IDTR_BASE, 0);
	vmcs_write32(GUEST_IDTR_LIMIT, 0xffff);
}

static void reset_system_registers(struct lhv_vcpu *vcpu, bool init)
{
	unsigned long cr0 = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;

	/* INIT keeps CD and NW (SDM 3A table 10-1). */
	if (init)
		cr0 = X86_CR0_ET | (lhv_get_cr0(vcpu) & (X86_CR0_CD | X86_CR0_NW));
	lhv_set_efer(vcpu, 0);
	lhv_write_cr0(vcpu, cr0);
	/* The mask first: the shadow that it computes from a new VMCS isn't the guest's. */
	lhv_update_cr4_mask(vcpu);
	lhv_write_cr4(vcpu, 0);
	vmcs_write_l(GUEST_CR3, 0);
	vcpu->arch.cr2 = 0;
	vcpu->arch.pdptes_stale = false;
	vmcs_write_l(GUEST_DR7, 0x400);
	memset(vcpu->arch.db, 0, sizeof(vcpu->arch.db));
	vcpu->arch.dr6 = 0xffff0ff0;
	vcpu->arch.dr_needed = false;
}

static void reset_msrs(struct lhv_vcpu *vcpu)
{
	vmcs_write32(GUEST_SYSENTER_CS, 0);
	vmcs_write_l(GUEST_SYSENTER_ESP, 0);
	vmcs_write_l(GUEST_SYSENTER_EIP, 0);
	vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write64(GUEST_IA32_PAT, 0x0007040600070406ull);
	memset(vcpu->arch.lazy_msr, 0, sizeof(vcpu->arch.lazy_msr));
	vcpu->arch.xcr0 = lhv_host_xcr0 ? 1 : 0;
	lhv_msr_reset(vcpu);
}

static void reset_events(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	memset(&arch->exception, 0, sizeof(arch->exception));
	memset(&arch->interrupt, 0, sizeof(arch->interrupt));
	atomic_set(&arch->nmi_pending, 0);
	arch->nmi_injected = false;
	arch->completion = LHV_COMPLETE_NONE;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write_l(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

void lhv_vcpu_reset(struct lhv_vcpu *vcpu, bool init)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	memset(arch->regs, 0, sizeof(arch->regs));
	/* Family, model, stepping, as after a reset (SDM 3A 10.1.3). */
	arch->regs[LHV_RDX] = cpuid_eax(1);
	vmcs_write_l(GUEST_RSP, 0);
	vmcs_write_l(GUEST_RIP, 0xfff0);
	vmcs_write_l(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	reset_segments(vcpu);
	reset_system_registers(vcpu, init);
	if (!init)
		reset_msrs(vcpu);
	reset_events(vcpu);
	lhv_lapic_reset(vcpu, init);
	lhv_flush_vpid(arch->vpid);
}

int lhv_arch_vm_init(struct lhv_vm *vm)
{
	vm->tsc_offset = -lhv_host_tsc();
	return lhv_ept_create(vm);
}

void lhv_arch_vm_destroy(struct lhv_vm *vm)
{
	lhv_ept_destroy(vm);
}

int lhv_arch_vcpu_init(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;
	int ret = -ENOMEM;

	arch->vmcs_cpu = -1;
	arch->mp_state = vcpu->id ? LHV_MP_WAIT_SIPI : LHV_MP_RUNNABLE;
	arch->vmcs = lhv_vmcs_alloc();
	if (!arch->vmcs)
		return -ENOMEM;
	if (!fpu_alloc_guest_fpstate(&arch->fpu))
		goto free_vmcs;
	ret = lhv_mmio_init(vcpu);
	if (ret)
		goto free_fpu;
	ret = lhv_lapic_create(vcpu);
	if (ret)
		goto free_mmio;
	lhv_cpuid_init(vcpu);
	arch->vpid = vpid_get();

	lhv_vcpu_load(vcpu);
	lhv_vmcs_setup(vcpu);
	lhv_vcpu_reset(vcpu, false);
	lhv_vcpu_put(vcpu);
	return 0;

free_mmio:
	lhv_mmio_destroy(vcpu);
free_fpu:
	fpu_free_guest_fpstate(&arch->fpu);
free_vmcs:
	lhv_vmcs_free(arch->vmcs);
	return ret;
}

void lhv_arch_vcpu_destroy(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	lhv_vmcs_clear(vcpu);
	vpid_put(arch->vpid);
	lhv_lapic_timer_stop(arch->lapic);
	lhv_cpuid_destroy(vcpu);
	lhv_mmio_destroy(vcpu);
	lhv_ept_cache_free(vcpu);
	fpu_free_guest_fpstate(&arch->fpu);
	lhv_vmcs_free(arch->vmcs);
}

void lhv_arch_vcpu_free(struct lhv_vcpu *vcpu)
{
	lhv_lapic_destroy(vcpu);
}

/* Preemption off; from LHV_VCPU_RUN, a state record, or the scheduler. */
void lhv_arch_vcpu_load(struct lhv_vcpu *vcpu, int cpu)
{
	if (!lhv_vmcs_load(vcpu, cpu))
		return;
	lhv_write_host_cpu(vcpu, cpu);
	/* The host may have slept since. */
	lhv_set_tsc_offset(vcpu, vcpu->arch.tsc_offset);
	lhv_lapic_timer_migrate(vcpu);
	lhv_stat(vcpu, LHV_VCPU_STAT_MIGRATIONS);
	/* This CPU may remember what the vCPU saw when it was here before. */
	lhv_flush_vpid(vcpu->arch.vpid);
	lhv_vcpu_set_request(vcpu, LHV_REQ_TLB_FLUSH);
}

void lhv_arch_vcpu_put(struct lhv_vcpu *vcpu)
{
	lhv_switch_to_host(vcpu);
}
