// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX capabilities (SDM 3D appendix A): what lhv requires, what it uses if the
 * CPU has it, and a message for each thing that is missing
 */
#define pr_fmt(fmt) "lhv: " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "arch/x86/vmx_caps.h"

struct lhv_vmx_caps lhv_vmx_caps __read_mostly;

struct control_bit {
	u32 bit;
	const char *name;	/* as in the SDM */
};

struct control {
	const char *name;
	u32 msr;
	size_t value;		/* offset in struct lhv_vmx_caps */
	u32 optional;
	struct control_bit required[16];
};

static const struct control controls[] = {
	{
		.name = "pin-based VM-execution control",
		.msr = MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		.value = offsetof(struct lhv_vmx_caps, pin),
		.optional = PIN_BASED_VMX_PREEMPTION_TIMER,
		.required = {
			{ PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting" },
			{ PIN_BASED_NMI_EXITING, "NMI exiting" },
			{ PIN_BASED_VIRTUAL_NMIS, "virtual NMIs" },
		},
	},
	{
		.name = "primary processor-based VM-execution control",
		.msr = MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		.value = offsetof(struct lhv_vmx_caps, cpu),
		.required = {
			{ CPU_BASED_INTR_WINDOW_EXITING, "interrupt-window exiting" },
			{ CPU_BASED_USE_TSC_OFFSETTING, "use TSC offsetting" },
			{ CPU_BASED_HLT_EXITING, "HLT exiting" },
			{ CPU_BASED_MWAIT_EXITING, "MWAIT exiting" },
			{ CPU_BASED_RDPMC_EXITING, "RDPMC exiting" },
			{ CPU_BASED_TPR_SHADOW, "use TPR shadow" },
			{ CPU_BASED_NMI_WINDOW_EXITING, "NMI-window exiting" },
			{ CPU_BASED_MOV_DR_EXITING, "MOV-DR exiting" },
			{ CPU_BASED_UNCOND_IO_EXITING, "unconditional I/O exiting" },
			{ CPU_BASED_USE_MSR_BITMAPS, "use MSR bitmaps" },
			{ CPU_BASED_MONITOR_EXITING, "MONITOR exiting" },
			{ CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, "activate secondary controls" },
		},
	},
	{
		.name = "secondary processor-based VM-execution control",
		.msr = MSR_IA32_VMX_PROCBASED_CTLS2,
		.value = offsetof(struct lhv_vmx_caps, cpu2),
		.optional = SECONDARY_EXEC_ENABLE_RDTSCP |
			    SECONDARY_EXEC_ENABLE_VPID |
			    SECONDARY_EXEC_WBINVD_EXITING |
			    SECONDARY_EXEC_PAUSE_LOOP_EXITING |
			    SECONDARY_EXEC_ENABLE_INVPCID,
		.required = {
			{ SECONDARY_EXEC_ENABLE_EPT, "enable EPT" },
			{ SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest" },
		},
	},
	{
		.name = "VM-exit control",
		.msr = MSR_IA32_VMX_TRUE_EXIT_CTLS,
		.value = offsetof(struct lhv_vmx_caps, exit),
		.optional = VM_EXIT_SAVE_VMX_PREEMPTION_TIMER,
		.required = {
			{ VM_EXIT_SAVE_DEBUG_CONTROLS, "save debug controls" },
			{ VM_EXIT_HOST_ADDR_SPACE_SIZE, "host address-space size" },
			{ VM_EXIT_SAVE_IA32_PAT, "save IA32_PAT" },
			{ VM_EXIT_LOAD_IA32_PAT, "load IA32_PAT" },
			{ VM_EXIT_SAVE_IA32_EFER, "save IA32_EFER" },
			{ VM_EXIT_LOAD_IA32_EFER, "load IA32_EFER" },
		},
	},
	{
		.name = "VM-entry control",
		.msr = MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		.value = offsetof(struct lhv_vmx_caps, entry),
		.required = {
			{ VM_ENTRY_LOAD_DEBUG_CONTROLS, "load debug controls" },
			{ VM_ENTRY_IA32E_MODE, "IA-32e mode guest" },
			{ VM_ENTRY_LOAD_IA32_PAT, "load IA32_PAT" },
			{ VM_ENTRY_LOAD_IA32_EFER, "load IA32_EFER" },
		},
	},
};

/* IA32_VMX_EPT_VPID_CAP (SDM 3D appendix A.10) */
static const struct {
	u64 bit;
	const char *name;
} ept_required[] = {
	{ VMX_EPT_PAGE_WALK_4_BIT, "EPT with 4-level page walk" },
	{ VMX_EPTP_WB_BIT, "EPT paging structures in write-back memory" },
	{ VMX_EPT_INVEPT_BIT, "INVEPT" },
	{ VMX_EPT_EXTENT_GLOBAL_BIT, "all-context INVEPT" },
};

u32 lhv_adjust_control(u32 required, u32 optional, u64 capability, u32 *missing)
{
	u32 value = required | optional;

	value &= (u32)(capability >> 32);
	value |= (u32)capability;
	*missing = required & ~value;
	return value;
}

static u32 control_required(const struct control *c)
{
	u32 bits = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(c->required); i++)
		bits |= c->required[i].bit;
	return bits;
}

static int read_control(const struct control *c)
{
	u32 missing;
	u64 capability;
	int i;

	rdmsrl(c->msr, capability);
	*(u32 *)((void *)&lhv_vmx_caps + c->value) =
		lhv_adjust_control(control_required(c), c->optional, capability, &missing);
	for (i = 0; i < ARRAY_SIZE(c->required); i++)
		if (missing & c->required[i].bit)
			pr_err("this CPU lacks the %s \"%s\"\n", c->name, c->required[i].name);
	return missing ? -EOPNOTSUPP : 0;
}

static int read_basic(void)
{
	u64 basic;

	if (!boot_cpu_has(X86_FEATURE_VMX) && !(cpuid_ecx(1) & BIT(5))) {
		pr_err("this CPU has no VMX\n");
		return -ENODEV;
	}
	rdmsrl(MSR_IA32_FEAT_CTL, basic);
	if ((basic & (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) == FEAT_CTL_LOCKED) {
		pr_err("VMX is disabled by the firmware (IA32_FEATURE_CONTROL is %#llx); enable it there\n",
		       basic);
		return -ENODEV;
	}
	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	if (!(basic & BIT_ULL(55))) {
		pr_err("this CPU lacks the TRUE VMX capability MSRs\n");
		return -EOPNOTSUPP;
	}
	if (((basic >> 50) & 0xf) != 6) {
		pr_err("this CPU wants its VMCS in other than write-back memory\n");
		return -EOPNOTSUPP;
	}
	lhv_vmx_caps.revision = basic & GENMASK(30, 0);
	lhv_vmx_caps.vmcs_size = (basic >> 32) & 0x1fff;
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, lhv_vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, lhv_vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, lhv_vmx_caps.cr4_fixed1);
	return 0;
}

static int read_ept_caps(void)
{
	struct lhv_vmx_caps *caps = &lhv_vmx_caps;
	int ret = 0;
	u64 ept;
	int i;

	rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, ept);
	for (i = 0; i < ARRAY_SIZE(ept_required); i++) {
		if (ept & ept_required[i].bit)
			continue;
		pr_err("this CPU lacks %s\n", ept_required[i].name);
		ret = -EOPNOTSUPP;
	}
	caps->ept_2m = ept & VMX_EPT_2MB_PAGE_BIT;
	caps->ept_1g = ept & VMX_EPT_1GB_PAGE_BIT;
	caps->ept_ad = ept & VMX_EPT_AD_BIT;
	caps->ept_exec_only = ept & VMX_EPT_EXECUTE_ONLY_BIT;
	caps->invept_single = ept & VMX_EPT_EXTENT_CONTEXT_BIT;
	/* INVVPID: bit 32; its single-context type: bit 41 */
	caps->vpid = (caps->cpu2 & SECONDARY_EXEC_ENABLE_VPID) &&
		     (ept & BIT_ULL(32)) && (ept & BIT_ULL(41));
	if (!caps->vpid)
		caps->cpu2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	return ret;
}

int lhv_vmx_read_caps(void)
{
	struct lhv_vmx_caps *caps = &lhv_vmx_caps;
	int ret, err, i;

	ret = read_basic();
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		err = read_control(&controls[i]);
		if (err)
			ret = err;
	}
	if (ret)
		return ret;
	ret = read_ept_caps();
	if (ret)
		return ret;
	caps->pause_loop = caps->cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	caps->preemption_timer = caps->pin & PIN_BASED_VMX_PREEMPTION_TIMER;
	caps->l1d_flush = boot_cpu_has_bug(X86_BUG_L1TF) &&
			  boot_cpu_has(X86_FEATURE_FLUSH_L1D) &&
			  l1tf_mitigation != L1TF_MITIGATION_OFF;
	return 0;
}
