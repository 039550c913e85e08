// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC: IA32_APIC_BASE and its modes, reset, creation
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeatures.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"

/* Bits of IA32_APIC_BASE besides the address. */
#define BASE_MODE		(XAPIC_ENABLE | X2APIC_ENABLE)
#define BASE_RESERVED		(GENMASK_ULL(7, 0) | BIT_ULL(9))

u32 lhv_lapic_id_reg(const struct lhv_lapic *lapic)
{
	return lhv_lapic_x2apic(lapic) ? lapic->vcpu->id : lapic->vcpu->id << 24;
}

/* SDM 3A 11.12.10.2: cluster in the upper half, one bit in the lower. */
u32 lhv_lapic_x2apic_ldr(const struct lhv_lapic *lapic)
{
	return lapic->vcpu->id >> 4 << 16 | BIT(lapic->vcpu->id & 15);
}

u64 lhv_lapic_base(struct lhv_vcpu *vcpu)
{
	return vcpu->arch.lapic->base;
}

bool lhv_lapic_enabled(struct lhv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.lapic->base) & XAPIC_ENABLE;
}

bool lhv_lapic_mmio_match(struct lhv_vcpu *vcpu, gpa_t gpa)
{
	u64 base = vcpu->arch.lapic->base;

	return (base & BASE_MODE) == XAPIC_ENABLE && gpa >> PAGE_SHIFT == base >> PAGE_SHIFT;
}

static void reset_registers(struct lhv_lapic *lapic)
{
	/* Other vCPUs may be looking: never half a register. */
	memset64((u64 *)lapic->regs, 0, PAGE_SIZE / sizeof(u64));
	lhv_lapic_recount(lapic);
	lhv_lapic_set_reg(lapic, APIC_ID, lhv_lapic_id_reg(lapic));
	lhv_lapic_set_reg(lapic, APIC_LVR, LHV_LAPIC_VERSION);
	lhv_lapic_set_reg(lapic, APIC_DFR, APIC_DFR_FLAT);
	lhv_lapic_set_reg(lapic, APIC_SPIV, 0xff);
	if (lhv_lapic_x2apic(lapic))
		lhv_lapic_set_reg(lapic, APIC_LDR, lhv_lapic_x2apic_ldr(lapic));
	lhv_lapic_mask_lvts(lapic);
	lhv_lapic_timer_stop(lapic);
	/* The VMCS' TPR threshold must follow. */
	lhv_vcpu_set_request(lapic->vcpu, LHV_REQ_EVENT);
}

/* Which transitions software may make: SDM figure 11-27. */
static bool legal_transition(u64 from, u64 to)
{
	if ((from & BASE_MODE) == BASE_MODE)
		return !(to & XAPIC_ENABLE) || (to & BASE_MODE) == BASE_MODE;
	if (!(from & XAPIC_ENABLE))
		return !(to & X2APIC_ENABLE);
	return true;
}

int lhv_lapic_set_base(struct lhv_vcpu *vcpu, u64 value, bool host)
{
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;
	struct lhv_lapic *lapic = vcpu->arch.lapic;
	u64 old = lapic->base;

	if ((value & BASE_RESERVED) || value >> cpuid->phys_bits)
		return -EINVAL;
	if ((value & BASE_MODE) == X2APIC_ENABLE)
		return -EINVAL;
	if ((value & X2APIC_ENABLE) && !lhv_cpuid_has(cpuid, X86_FEATURE_X2APIC))
		return -EINVAL;
	if (!host && !legal_transition(old, value))
		return -EINVAL;

	WRITE_ONCE(lapic->base, value);
	if (!((old ^ value) & BASE_MODE))
		return 0;
	if (!(value & XAPIC_ENABLE)) {
		/* Enabled again, it is as after power-up (11.4.3). */
		reset_registers(lapic);
		return 0;
	}
	lhv_lapic_set_reg(lapic, APIC_ID, lhv_lapic_id_reg(lapic));
	lhv_lapic_set_reg(lapic, APIC_LDR,
			  lhv_lapic_x2apic(lapic) ? lhv_lapic_x2apic_ldr(lapic) : 0);
	lhv_lapic_set_reg(lapic, APIC_DFR, APIC_DFR_FLAT);
	lhv_lapic_set_reg(lapic, APIC_ICR2, 0);
	return 0;
}

void lhv_lapic_reset(struct lhv_vcpu *vcpu, bool init)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (!init) {
		WRITE_ONCE(lapic->base, APIC_DEFAULT_PHYS_BASE | XAPIC_ENABLE |
			   (vcpu->id ? 0 : MSR_IA32_APICBASE_BSP));
		atomic_set(&lapic->events, 0);
	}
	reset_registers(lapic);
}

int lhv_lapic_create(struct lhv_vcpu *vcpu)
{
	struct lhv_lapic *lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);

	if (!lapic)
		return -ENOMEM;
	/* The reset below fills it. */
	lapic->regs = (u32 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->regs) {
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = vcpu;
	lhv_lapic_timer_init(lapic);
	vcpu->arch.lapic = lapic;
	lhv_lapic_reset(vcpu, false);
	return 0;
}

void lhv_lapic_destroy(struct lhv_vcpu *vcpu)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (!lapic)
		return;
	lhv_lapic_timer_stop(lapic);
	vcpu->arch.lapic = NULL;
	free_page((unsigned long)lapic->regs);
	kfree(lapic);
}

phys_addr_t lhv_lapic_page_phys(struct lhv_vcpu *vcpu)
{
	return __pa(vcpu->arch.lapic->regs);
}
