// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's registers, where the VMCS keeps them. All here need the vCPU
 * loaded.
 */
#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"

#define AR_UNUSABLE	BIT(16)
#define AR_LONG		BIT(13)
#define AR_DPL_SHIFT	5

/* The fields of the segment registers follow one another, 2 apart. */
#define SEG_SELECTOR(i)	(GUEST_ES_SELECTOR + 2 * (i))
#define SEG_LIMIT(i)	(GUEST_ES_LIMIT + 2 * (i))
#define SEG_ACCESS(i)	(GUEST_ES_AR_BYTES + 2 * (i))
#define SEG_BASE(i)	(GUEST_ES_BASE + 2 * (i))

unsigned long lhv_get_rip(struct lhv_vcpu *vcpu)
{
	return vmcs_read_l(GUEST_RIP);
}

void lhv_set_rip(struct lhv_vcpu *vcpu, unsigned long rip)
{
	vmcs_write_l(GUEST_RIP, rip);
}

unsigned long lhv_get_reg(struct lhv_vcpu *vcpu, enum lhv_reg reg)
{
	if (reg == LHV_RSP)
		return vmcs_read_l(GUEST_RSP);
	return vcpu->arch.regs[reg];
}

void lhv_set_reg(struct lhv_vcpu *vcpu, enum lhv_reg reg, unsigned long value)
{
	if (reg == LHV_RSP)
		vmcs_write_l(GUEST_RSP, value);
	else
		vcpu->arch.regs[reg] = value;
}

unsigned long lhv_get_rflags(struct lhv_vcpu *vcpu)
{
	return vmcs_read_l(GUEST_RFLAGS);
}

void lhv_set_rflags(struct lhv_vcpu *vcpu, unsigned long rflags)
{
	vmcs_write_l(GUEST_RFLAGS, rflags);
}

unsigned long lhv_get_cr3(struct lhv_vcpu *vcpu)
{
	return vmcs_read_l(GUEST_CR3);
}

u64 lhv_get_efer(struct lhv_vcpu *vcpu)
{
	return vmcs_read64(GUEST_IA32_EFER);
}

/* Keeps the "IA-32e mode guest" control in step with LMA (SDM 3C 27.3.1.1). */
void lhv_set_efer(struct lhv_vcpu *vcpu, u64 efer)
{
	u32 controls = vmcs_read32(VM_ENTRY_CONTROLS) & ~VM_ENTRY_IA32E_MODE;

	if (efer & EFER_LMA)
		controls |= VM_ENTRY_IA32E_MODE;
	vmcs_write64(GUEST_IA32_EFER, efer);
	vmcs_write32(VM_ENTRY_CONTROLS, controls);
}

int lhv_get_cpl(struct lhv_vcpu *vcpu)
{
	if (!(vmcs_read_l(GUEST_CR0) & X86_CR0_PE))
		return 0;
	if (vmcs_read_l(GUEST_RFLAGS) & X86_EFLAGS_VM)
		return 3;
	/* SS.DPL is always CPL (SDM 3C 25.4.1). */
	return (vmcs_read32(GUEST_SS_AR_BYTES) >> AR_DPL_SHIFT) & 3;
}

bool lhv_is_64bit(struct lhv_vcpu *vcpu)
{
	return (lhv_get_efer(vcpu) & EFER_LMA) && (vmcs_read32(GUEST_CS_AR_BYTES) & AR_LONG);
}

void lhv_get_segment(struct lhv_vcpu *vcpu, struct lhv_segment *seg, int index)
{
	*seg = (struct lhv_segment) {
		.base = __vmcs_read(SEG_BASE(index)),
		.limit = __vmcs_read(SEG_LIMIT(index)),
		.selector = __vmcs_read(SEG_SELECTOR(index)),
		.access = __vmcs_read(SEG_ACCESS(index)),
	};
}

void lhv_set_segment(struct lhv_vcpu *vcpu, const struct lhv_segment *seg, int index)
{
	u32 access = seg->access;

	/* A usable code or data segment has been accessed (SDM 3C 27.3.1.2). */
	if (!(access & AR_UNUSABLE) && index <= LHV_GS)
		access |= 1;
	__vmcs_write(SEG_BASE(index), seg->base);
	__vmcs_write(SEG_LIMIT(index), seg->limit);
	__vmcs_write(SEG_SELECTOR(index), seg->selector);
	__vmcs_write(SEG_ACCESS(index), access);
}
