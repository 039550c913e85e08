/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU's VMX can do, read once from its capability MSRs
 */
#ifndef LHV_VMX_CAPS_H
#define LHV_VMX_CAPS_H

#include <linux/types.h>

/**
 * struct lhv_vmx_caps - the capabilities, and the controls chosen from them
 * @revision:	VMCS revision identifier (IA32_VMX_BASIC bits 30:0)
 * @vmcs_size:	bytes of a VMCS region
 * @pin:	pin-based controls: required and optional ones that the CPU has
 * @cpu:	primary processor-based controls
 * @cpu2:	secondary processor-based controls
 * @exit:	VM-exit controls
 * @entry:	VM-entry controls
 * @cr0_fixed0:	bits that must be 1 in CR0; of a guest's, PE and PG need not
 * @cr4_fixed0:	bits that must be 1 in CR4
 * @cr4_fixed1:	bits that may be 1 in CR4
 * @ept_2m:	2 MiB EPT leaves
 * @ept_1g:	1 GiB EPT leaves
 * @ept_ad:	EPT accessed and dirty flags
 * @ept_exec_only: execute-only EPT entries
 * @invept_single: single-context INVEPT; else all-context
 * @vpid:	VPIDs, with single-context INVVPID
 * @pause_loop:	PAUSE-loop exiting
 * @preemption_timer: VMX-preemption timer, for the heartbeat
 * @l1d_flush:	the host wants the L1D flushed before entries (L1TF)
 * @clear_buffers: the host wants CPU buffers cleared before entries (MDS, …)
 */
struct lhv_vmx_caps {
	u32 revision;
	u32 vmcs_size;
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	unsigned long cr0_fixed0;
	unsigned long cr4_fixed0;
	unsigned long cr4_fixed1;
	bool ept_2m;
	bool ept_1g;
	bool ept_ad;
	bool ept_exec_only;
	bool invept_single;
	bool vpid;
	bool pause_loop;
	bool preemption_timer;
	bool l1d_flush;
	bool clear_buffers;
};

/* Written once, by lhv_vmx_read_caps(). */
extern struct lhv_vmx_caps lhv_vmx_caps;

/**
 * lhv_vmx_read_caps - fill lhv_vmx_caps
 *
 * Return: 0, or -ENODEV (no VMX, or the firmware switched it off) or
 * -EOPNOTSUPP (something required is missing), having logged what.
 */
int lhv_vmx_read_caps(void);

/**
 * lhv_adjust_control - choose a control field's value
 * @required: bits that must be 1
 * @optional: bits that are 1 if the CPU can
 * @capability: the field's capability MSR (SDM 3D appendix A.3): bits 31:0 are
 *	those that must be 1, bits 63:32 those that may be
 * @missing: output: those of @required that the CPU lacks
 *
 * Return: the value.
 */
u32 lhv_adjust_control(u32 required, u32 optional, u64 capability, u32 *missing);

#endif /* LHV_VMX_CAPS_H */
