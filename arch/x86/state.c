// SPDX-License-Identifier: GPL-2.0-only
/*
 * State records: a vCPU's state out and in (struct lhv_state)
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/trapnr.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx.h"
#include "hv/arch.h"
#include "hv/compat.h"

static const struct {
	size_t offset;
	int index;
} sregs_segments[] = {
	{ offsetof(struct lhv_sregs, cs), LHV_CS },
	{ offsetof(struct lhv_sregs, ds), LHV_DS },
	{ offsetof(struct lhv_sregs, es), LHV_ES },
	{ offsetof(struct lhv_sregs, fs), LHV_FS },
	{ offsetof(struct lhv_sregs, gs), LHV_GS },
	{ offsetof(struct lhv_sregs, ss), LHV_SS },
	{ offsetof(struct lhv_sregs, tr), LHV_TR },
	{ offsetof(struct lhv_sregs, ldt), LHV_LDTR },
};

/* struct lhv_regs has the order of enum lhv_reg. */
static_assert(offsetof(struct lhv_regs, r15) == LHV_R15 * sizeof(u64));
static_assert(offsetof(struct lhv_regs, rsp) == LHV_RSP * sizeof(u64));

static void get_regs(struct lhv_vcpu *vcpu, void *data)
{
	struct lhv_regs *regs = data;
	u64 *gpr = data;
	int i;

	for (i = 0; i < LHV_NR_REGS; i++)
		gpr[i] = lhv_get_reg(vcpu, i);
	regs->rip = lhv_get_rip(vcpu);
	regs->rflags = lhv_get_rflags(vcpu);
}

static int set_regs(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_regs *regs = data;
	const u64 *gpr = data;
	int i;

	/* Bits that exist in RFLAGS: 21:16, 14:0 but for 15, 5 and 3. */
	if (regs->rflags & ~0x3f7fd7ull)
		return -EINVAL;
	for (i = 0; i < LHV_NR_REGS; i++)
		lhv_set_reg(vcpu, i, gpr[i]);
	lhv_set_rip(vcpu, regs->rip);
	lhv_set_rflags(vcpu, regs->rflags | X86_EFLAGS_FIXED);
	return 0;
}

static void get_sregs(struct lhv_vcpu *vcpu, void *data)
{
	struct lhv_sregs *sregs = data;
	int i;

	for (i = 0; i < ARRAY_SIZE(sregs_segments); i++)
		lhv_get_segment(vcpu, data + sregs_segments[i].offset, sregs_segments[i].index);
	sregs->gdt.base = vmcs_read_l(GUEST_GDTR_BASE);
	sregs->gdt.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	sregs->idt.base = vmcs_read_l(GUEST_IDTR_BASE);
	sregs->idt.limit = vmcs_read32(GUEST_IDTR_LIMIT);
	sregs->cr0 = lhv_get_cr0(vcpu);
	sregs->cr2 = vcpu->arch.cr2;
	sregs->cr3 = lhv_get_cr3(vcpu);
	sregs->cr4 = lhv_get_cr4(vcpu);
	sregs->cr8 = lhv_lapic_get_cr8(vcpu);
	sregs->efer = lhv_get_efer(vcpu);
	sregs->apic_base = lhv_lapic_base(vcpu);
}

static bool segments_valid(const struct lhv_sregs *sregs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sregs_segments); i++) {
		const struct lhv_segment *seg = (void *)sregs + sregs_segments[i].offset;

		if (seg->reserved0 || seg->reserved1 || seg->access & ~0x1f0ffu)
			return false;
	}
	return !sregs->gdt.reserved && !sregs->idt.reserved &&
	       sregs->gdt.limit <= 0xffff && sregs->idt.limit <= 0xffff;
}

/* Paging, PAE, LME and LMA belong together as in SDM 3C 27.3.1.1. */
static bool sregs_valid(struct lhv_vcpu *vcpu, const struct lhv_sregs *sregs)
{
	bool lme = sregs->efer & EFER_LME;
	bool lma = sregs->efer & EFER_LMA;
	bool pg = sregs->cr0 & X86_CR0_PG;

	if (!lhv_cr0_valid(sregs->cr0) || !lhv_cr4_valid(vcpu, sregs->cr4))
		return false;
	if (!lhv_efer_valid(vcpu, sregs->efer) || lma != (lme && pg))
		return false;
	if (lma && !(sregs->cr4 & X86_CR4_PAE))
		return false;
	if (!lma && (sregs->cr4 & X86_CR4_PCIDE))
		return false;
	return sregs->cr8 <= 15 && !(sregs->cr3 >> vcpu->arch.cpuid->phys_bits) &&
	       segments_valid(sregs);
}

static int set_sregs(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_sregs *sregs = data;
	int i;

	if (!sregs_valid(vcpu, sregs))
		return -EINVAL;
	if (sregs->apic_base != lhv_lapic_base(vcpu) &&
	    lhv_lapic_set_base(vcpu, sregs->apic_base, true))
		return -EINVAL;

	for (i = 0; i < ARRAY_SIZE(sregs_segments); i++)
		lhv_set_segment(vcpu, data + sregs_segments[i].offset, sregs_segments[i].index);
	vmcs_write_l(GUEST_GDTR_BASE, sregs->gdt.base);
	vmcs_write32(GUEST_GDTR_LIMIT, sregs->gdt.limit);
	vmcs_write_l(GUEST_IDTR_BASE, sregs->idt.base);
	vmcs_write32(GUEST_IDTR_LIMIT, sregs->idt.limit);
	vcpu->arch.cr2 = sregs->cr2;
	vmcs_write_l(GUEST_CR3, sregs->cr3);
	lhv_set_efer(vcpu, sregs->efer);
	lhv_write_cr0(vcpu, sregs->cr0);
	lhv_write_cr4(vcpu, sregs->cr4);
	lhv_lapic_set_cr8(vcpu, sregs->cr8);
	vcpu->arch.pdptes_stale = (sregs->cr0 & X86_CR0_PG) && (sregs->cr4 & X86_CR4_PAE) &&
				  !(sregs->efer & EFER_LMA);
	lhv_flush_vpid(vcpu->arch.vpid);
	return 0;
}

static void get_xcrs(struct lhv_vcpu *vcpu, void *data)
{
	((struct lhv_xcrs *)data)->xcr0 = vcpu->arch.xcr0;
}

static int set_xcrs(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_xcrs *xcrs = data;

	if (!lhv_host_xcr0 ? xcrs->xcr0 : !lhv_xcr0_valid(vcpu, xcrs->xcr0))
		return -EINVAL;
	vcpu->arch.xcr0 = xcrs->xcr0;
	return 0;
}

static void get_debugregs(struct lhv_vcpu *vcpu, void *data)
{
	struct lhv_debugregs *dregs = data;
	int i;

	for (i = 0; i < 4; i++)
		dregs->db[i] = vcpu->arch.db[i];
	dregs->dr6 = vcpu->arch.dr6;
	dregs->dr7 = vmcs_read_l(GUEST_DR7);
}

static int set_debugregs(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_debugregs *dregs = data;
	int i;

	if (dregs->dr6 >> 32 || dregs->dr7 >> 32)
		return -EINVAL;
	for (i = 0; i < 4; i++)
		vcpu->arch.db[i] = dregs->db[i];
	vcpu->arch.dr6 = dregs->dr6;
	vmcs_write_l(GUEST_DR7, dregs->dr7 | 0x400);
	vcpu->arch.dr_needed = dregs->dr7 & LHV_DR7_ENABLED;
	return 0;
}

static void get_mp(struct lhv_vcpu *vcpu, void *data)
{
	((struct lhv_mp_state *)data)->state = vcpu->arch.mp_state;
}

static int set_mp(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_mp_state *mp = data;

	if (mp->state > LHV_MP_WAIT_SIPI || mp->reserved)
		return -EINVAL;
	vcpu->arch.mp_state = mp->state;
	return 0;
}

static void get_tsc(struct lhv_vcpu *vcpu, void *data)
{
	struct lhv_tsc *tsc = data;

	tsc->offset = vcpu->arch.tsc_offset + lhv_tsc_lost;
	tsc->khz = tsc_khz;
}

static int set_tsc(struct lhv_vcpu *vcpu, const void *data)
{
	const struct lhv_tsc *tsc = data;

	if (tsc->khz != tsc_khz || tsc->reserved)
		return -EINVAL;
	lhv_set_tsc_offset(vcpu, tsc->offset - lhv_tsc_lost);
	lhv_lapic_tsc_changed(vcpu);
	return 0;
}

static void get_lapic(struct lhv_vcpu *vcpu, void *data)
{
	lhv_lapic_get_state(vcpu, data);
}

static int set_lapic(struct lhv_vcpu *vcpu, const void *data)
{
	return lhv_lapic_set_state(vcpu, data);
}

static void get_events(struct lhv_vcpu *vcpu, void *data)
{
	lhv_get_events(vcpu, data);
}

static int set_events(struct lhv_vcpu *vcpu, const void *data)
{
	return lhv_set_events(vcpu, data);
}

/* Records of a fixed size. @set checks all before it changes anything. */
static const struct {
	u32 size;
	void (*get)(struct lhv_vcpu *vcpu, void *data);
	int (*set)(struct lhv_vcpu *vcpu, const void *data);
} records[] = {
	[LHV_STATE_REGS] = { sizeof(struct lhv_regs), get_regs, set_regs },
	[LHV_STATE_SREGS] = { sizeof(struct lhv_sregs), get_sregs, set_sregs },
	[LHV_STATE_XCRS] = { sizeof(struct lhv_xcrs), get_xcrs, set_xcrs },
	[LHV_STATE_DEBUGREGS] = { sizeof(struct lhv_debugregs), get_debugregs, set_debugregs },
	[LHV_STATE_EVENTS] = { sizeof(struct lhv_events), get_events, set_events },
	[LHV_STATE_LAPIC] = { sizeof(struct lhv_lapic_state), get_lapic, set_lapic },
	[LHV_STATE_MP] = { sizeof(struct lhv_mp_state), get_mp, set_mp },
	[LHV_STATE_TSC] = { sizeof(struct lhv_tsc), get_tsc, set_tsc },
};

static int get_xsave(struct lhv_vcpu *vcpu, void *data, u32 *len)
{
	struct fpu_guest *fpu = &vcpu->arch.fpu;
	u32 room = *len;

	*len = fpu->uabi_size;
	if (room < fpu->uabi_size)
		return -ENOSPC;
	memset(data, 0, fpu->uabi_size);
	lhv_fpu_copy_out(fpu, data, fpu->uabi_size);
	return 0;
}

static int set_xsave(struct lhv_vcpu *vcpu, const void *data, u32 len)
{
	u32 vpkru = 0;

	if (len != vcpu->arch.fpu.uabi_size)
		return -EINVAL;
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->arch.fpu, data, lhv_host_xcr0, &vpkru) ?
		-EINVAL : 0;
}

static int get_record(struct lhv_vcpu *vcpu, u16 type, void *data, u32 *len)
{
	u32 room = *len;

	switch (type) {
	case LHV_STATE_XSAVE:
		return get_xsave(vcpu, data, len);
	case LHV_STATE_MSRS:
		return lhv_msrs_get_record(vcpu, data, len);
	case LHV_STATE_CPUID:
		return lhv_cpuid_get_record(vcpu, data, len);
	}
	if (type >= ARRAY_SIZE(records))
		return -ENOENT;
	type = array_index_nospec(type, ARRAY_SIZE(records));
	if (!records[type].get)
		return -ENOENT;
	*len = records[type].size;
	if (room < records[type].size)
		return -ENOSPC;
	memset(data, 0, records[type].size);
	records[type].get(vcpu, data);
	return 0;
}

static int set_record(struct lhv_vcpu *vcpu, u16 type, void *data, u32 len)
{
	int ret;

	switch (type) {
	case LHV_STATE_XSAVE:
		return set_xsave(vcpu, data, len);
	case LHV_STATE_MSRS:
		return lhv_msrs_set_record(vcpu, data, len);
	case LHV_STATE_CPUID:
		ret = lhv_cpuid_set_record(vcpu, data, len);
		if (!ret)
			lhv_update_cr4_mask(vcpu);
		return ret;
	}
	if (type >= ARRAY_SIZE(records))
		return -ENOENT;
	type = array_index_nospec(type, ARRAY_SIZE(records));
	if (!records[type].set)
		return -ENOENT;
	if (len != records[type].size)
		return -EINVAL;
	return records[type].set(vcpu, data);
}

/* VMCS fields can be reached from any CPU; which one doesn't matter here. */
int lhv_arch_get_state(struct lhv_vcpu *vcpu, u16 type, void *data, u32 *len)
{
	int ret;

	lockdep_assert_held(&vcpu->mutex);
	lhv_vcpu_load(vcpu);
	ret = get_record(vcpu, type, data, len);
	lhv_vcpu_put(vcpu);
	return ret;
}

int lhv_arch_set_state(struct lhv_vcpu *vcpu, u16 type, void *data, u32 len)
{
	int ret;

	lockdep_assert_held(&vcpu->mutex);
	lhv_vcpu_load(vcpu);
	ret = set_record(vcpu, type, data, len);
	lhv_vcpu_put(vcpu);
	return ret;
}
