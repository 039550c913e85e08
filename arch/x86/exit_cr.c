// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers
 *
 * The guest owns nearly all bits and changes them without an exit. In CR0, lhv
 * keeps CD and NW (the host's caches stay on) and NE (VMX needs it); in CR4
 * VMXE, MCE, and what the guest's CPUID doesn't offer. What the guest sees of
 * these is in the read shadow.
 */
#include <linux/mm.h>
#include <linux/types.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"

#define CR0_HOST_OWNED	(X86_CR0_CD | X86_CR0_NW | X86_CR0_NE)
#define CR0_BITS	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
#define CR4_HOST_OWNED	(X86_CR4_VMXE | X86_CR4_MCE)
#define CR4_TLB_BITS	(X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PCIDE | \
			 X86_CR4_SMEP | X86_CR4_SMAP)
#define CR4_PDPTE_BITS	(X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP)

/* Exit qualification, SDM 3C 28.2.1, table 28-3 */
#define CR_ACCESS_NUMBER(q)	((q) & 15)
#define CR_ACCESS_TYPE(q)	(((q) >> 4) & 3)
#define CR_ACCESS_REG(q)	(((q) >> 8) & 15)
#define CR_ACCESS_LMSW(q)	(((q) >> 16) & 0xffff)
enum { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

unsigned long lhv_get_cr0(struct lhv_vcpu *vcpu)
{
	return (vmcs_read_l(GUEST_CR0) & ~CR0_HOST_OWNED) |
	       (vmcs_read_l(CR0_READ_SHADOW) & CR0_HOST_OWNED);
}

unsigned long lhv_get_cr4(struct lhv_vcpu *vcpu)
{
	unsigned long mask = vmcs_read_l(CR4_GUEST_HOST_MASK);

	return (vmcs_read_l(GUEST_CR4) & ~mask) | (vmcs_read_l(CR4_READ_SHADOW) & mask);
}

/* Stores what the guest is to see; the rest follows from it. */
void lhv_write_cr0(struct lhv_vcpu *vcpu, unsigned long cr0)
{
	/* ET reads as 1 whatever is written. */
	cr0 |= X86_CR0_ET;
	vmcs_write_l(CR0_GUEST_HOST_MASK, CR0_HOST_OWNED | ~(unsigned long)CR0_BITS);
	vmcs_write_l(CR0_READ_SHADOW, cr0);
	vmcs_write_l(GUEST_CR0, (cr0 & ~(X86_CR0_CD | X86_CR0_NW)) | X86_CR0_NE);
}

void lhv_write_cr4(struct lhv_vcpu *vcpu, unsigned long cr4)
{
	vmcs_write_l(CR4_READ_SHADOW, cr4);
	vmcs_write_l(GUEST_CR4, (cr4 & ~CR4_HOST_OWNED) | X86_CR4_VMXE |
				(cr4_read_shadow() & X86_CR4_MCE));
}

/* The guest's CPUID changed: so did the bits that it may own. */
void lhv_update_cr4_mask(struct lhv_vcpu *vcpu)
{
	unsigned long cr4 = lhv_get_cr4(vcpu);

	vmcs_write_l(CR4_GUEST_HOST_MASK,
		     CR4_HOST_OWNED | ~vcpu->arch.cr4_guest_allowed);
	/* Bits that changed hands are now read from the shadow. */
	vmcs_write_l(CR4_READ_SHADOW, cr4);
}

bool lhv_cr0_valid(unsigned long cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & X86_CR0_NW) || (cr0 & X86_CR0_CD);
}

bool lhv_cr4_valid(struct lhv_vcpu *vcpu, unsigned long cr4)
{
	return !(cr4 & ~vcpu->arch.cr4_guest_allowed);
}

/*
 * PAE paging keeps its four PDPTEs in registers; with EPT these are VMCS fields
 * that a VM entry loads (SDM 3C 27.3.1.6). Process context.
 */
int lhv_load_pdptes(struct lhv_vcpu *vcpu)
{
	/* Bits 2:1 and 8:5 of a present one, and addresses beyond (SDM 3A table 4-8) */
	u64 reserved = 0x1e6 | ~(BIT_ULL(boot_cpu_data.x86_phys_bits) - 1);
	u64 pdpte[4];
	int i, ret;

	ret = lhv_read_guest(vcpu->vm, vmcs_read_l(GUEST_CR3) & 0xffffffe0ul, pdpte, sizeof(pdpte));
	if (ret)
		return ret;
	for (i = 0; i < 4; i++)
		if ((pdpte[i] & 1) && (pdpte[i] & reserved))
			return -EINVAL;
	vmcs_write64(GUEST_PDPTR0, pdpte[0]);
	vmcs_write64(GUEST_PDPTR1, pdpte[1]);
	vmcs_write64(GUEST_PDPTR2, pdpte[2]);
	vmcs_write64(GUEST_PDPTR3, pdpte[3]);
	return 0;
}

/* Paging goes on with PAE: outside long mode, PDPTEs must be loaded. */
static bool needs_pdptes(unsigned long cr0, unsigned long cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LME);
}

/* Setting PG enters long mode if LME is set, clearing it leaves (SDM 3A 10.8.5). */
static bool switch_paging(struct lhv_vcpu *vcpu, bool on)
{
	u64 efer = lhv_get_efer(vcpu);

	if (on && (efer & EFER_LME)) {
		/*
		 * SDM 3A 10.8.5: PAE first, not from a 64-bit code segment, and not with
		 * a 16-bit TSS, of which type 3 lacks the 32-bit one's bit
		 */
		if (!(lhv_get_cr4(vcpu) & X86_CR4_PAE) ||
		    (vmcs_read32(GUEST_CS_AR_BYTES) & BIT(13)) ||
		    !(vmcs_read32(GUEST_TR_AR_BYTES) & BIT(3)))
			return false;
		lhv_set_efer(vcpu, efer | EFER_LMA);
	} else if (!on && (efer & EFER_LMA)) {
		if (lhv_is_64bit(vcpu) || (lhv_get_cr4(vcpu) & X86_CR4_PCIDE))
			return false;
		lhv_set_efer(vcpu, efer & ~EFER_LMA);
	}
	return true;
}

static bool set_cr0(struct lhv_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = lhv_get_cr0(vcpu);

	if (!lhv_cr0_valid(cr0))
		return false;
	/* SDM 3A 4.4.1 */
	if (((old ^ cr0) & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
	    needs_pdptes(cr0, lhv_get_cr4(vcpu), lhv_get_efer(vcpu)) && lhv_load_pdptes(vcpu))
		return false;
	if (((old ^ cr0) & X86_CR0_PG) && !switch_paging(vcpu, cr0 & X86_CR0_PG))
		return false;
	/* Reserved bits below 32 are ignored (SDM 3A 2.5). */
	lhv_write_cr0(vcpu, cr0 & CR0_BITS);
	if ((old ^ cr0) & (X86_CR0_PG | X86_CR0_WP))
		lhv_flush_vpid(vcpu->arch.vpid);
	return true;
}

static bool set_cr4(struct lhv_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = lhv_get_cr4(vcpu);
	bool lma = lhv_get_efer(vcpu) & EFER_LMA;

	if (!lhv_cr4_valid(vcpu, cr4))
		return false;
	if (lma && !(cr4 & X86_CR4_PAE))
		return false;
	/* SDM 3A 4.10.1 */
	if ((cr4 & ~old & X86_CR4_PCIDE) && (!lma || (vmcs_read_l(GUEST_CR3) & 0xfff)))
		return false;
	if (((old ^ cr4) & CR4_PDPTE_BITS) &&
	    needs_pdptes(vmcs_read_l(GUEST_CR0), cr4, lhv_get_efer(vcpu)) &&
	    lhv_load_pdptes(vcpu))
		return false;
	lhv_write_cr4(vcpu, cr4);
	if ((old ^ cr4) & CR4_TLB_BITS)
		lhv_flush_vpid(vcpu->arch.vpid);
	return true;
}

static bool mov_to_cr(struct lhv_vcpu *vcpu, unsigned long qualification)
{
	unsigned long value = lhv_get_reg(vcpu, CR_ACCESS_REG(qualification));

	if (!lhv_is_64bit(vcpu))
		value = (u32)value;
	switch (CR_ACCESS_NUMBER(qualification)) {
	case 0:
		return set_cr0(vcpu, value);
	case 4:
		return set_cr4(vcpu, value);
	}
	return false;
}

/* May read the guest's memory for PDPTEs, so always with interrupts on. */
int lhv_handle_cr_slow(struct lhv_vcpu *vcpu)
{
	unsigned long qualification = vmcs_read_l(EXIT_QUALIFICATION);
	unsigned long cr0 = lhv_get_cr0(vcpu);
	bool ok = false;

	lhv_stat(vcpu, LHV_VCPU_STAT_CR_EXITS);
	switch (CR_ACCESS_TYPE(qualification)) {
	case CR_MOV_TO:
		ok = mov_to_cr(vcpu, qualification);
		break;
	case CR_CLTS:
		ok = set_cr0(vcpu, cr0 & ~X86_CR0_TS);
		break;
	case CR_LMSW:
		/* Sets PE, MP, EM and TS, but clears only the last three. */
		ok = set_cr0(vcpu, (cr0 & ~0xeul) | (CR_ACCESS_LMSW(qualification) & 0xf));
		break;
	}
	if (ok)
		lhv_skip_instruction(vcpu);
	else
		lhv_inject_gp(vcpu);
	return LHV_GUEST;
}

/* SDM 1 13.3 */
bool lhv_xcr0_valid(struct lhv_vcpu *vcpu, u64 xcr0)
{
	u64 avx512 = XFEATURE_MASK_AVX512;

	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~vcpu->arch.xcr0_allowed))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	if (xcr0 & avx512)
		return (xcr0 & avx512) == avx512 && (xcr0 & XFEATURE_MASK_YMM);
	return true;
}

/* Privilege and CR4.OSXSAVE are checked before the exit. */
enum lhv_fate lhv_handle_xsetbv(struct lhv_vcpu *vcpu)
{
	u64 xcr0 = (u32)vcpu->arch.regs[LHV_RAX] | (vcpu->arch.regs[LHV_RDX] << 32);

	if ((u32)vcpu->arch.regs[LHV_RCX] || lhv_get_cpl(vcpu) || !lhv_xcr0_valid(vcpu, xcr0)) {
		lhv_inject_gp(vcpu);
		return LHV_GUEST;
	}
	vcpu->arch.xcr0 = xcr0;
	xsetbv(XCR_XFEATURE_ENABLED_MASK, xcr0);
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}
