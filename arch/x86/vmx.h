/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the VMX core share: switching VMX on, the world switch,
 * exits, injection
 */
#ifndef LHV_VMX_H
#define LHV_VMX_H

#include <linux/types.h>
#include <asm/asm.h>

#include "arch/x86/vmcs.h"
#include "arch/x86/x86.h"
#include "hv/hv.h"

/* ---- vmx_cpu.c: VMXON and VMXOFF ---- */

/* The host goes down: VMX instructions may fault from now on. */
extern bool lhv_rebooting;

/* Is this CPU in VMX operation, by lhv? Preemption off. */
bool lhv_vmx_is_on(void);
int lhv_vmx_cpu_init(void);
void lhv_vmx_cpu_exit(void);

/* ---- tlb.c: INVEPT and INVVPID; preemption off, VMX on ---- */
void lhv_flush_ept(u64 eptp);
void lhv_flush_vpid(u16 vpid);

/* ---- entry.S ---- */

/**
 * lhv_vmx_enter - switch to the guest, and come back at its VM exit
 * @regs: the guest's registers, vcpu->arch.regs; its neighbours host_rsp and
 *	launched are used too
 *
 * Context: interrupts off, the VMCS current.
 * Return: 0 after a VM exit; else VMLAUNCH or VMRESUME failed: 1 with an
 * error number in the VMCS, 2 without a current VMCS or because VMX is off.
 */
unsigned long lhv_vmx_enter(unsigned long *regs);
/* HOST_RIP. */
extern const char lhv_vmx_exit[];

/* ---- host_state.c: what the host gets back when a vCPU is put ---- */
int lhv_host_state_init(void);
void lhv_write_host_constants(void);
void lhv_write_host_cpu(struct lhv_vcpu *vcpu, int cpu);
void lhv_switch_to_guest(struct lhv_vcpu *vcpu);
void lhv_switch_to_host(struct lhv_vcpu *vcpu);
void lhv_enter_state(struct lhv_vcpu *vcpu);
void lhv_leave_state(struct lhv_vcpu *vcpu);
/* Load the guest's debug registers and stop intercepting MOV DR. Interrupts off. */
void lhv_use_debug_registers(struct lhv_vcpu *vcpu);
extern u64 lhv_host_xcr0;
/* Bytes of LHV_STATE_XSAVE. */
extern u32 lhv_xsave_size;

/* ---- setup.c ---- */
void lhv_vmcs_setup(struct lhv_vcpu *vcpu);
/* Architectural state after power-up or INIT (SDM 3A 10.1.4, table 10-1). */
void lhv_vcpu_reset(struct lhv_vcpu *vcpu, bool init);
void lhv_set_tsc_offset(struct lhv_vcpu *vcpu, u64 offset);

/* ---- exit.c ---- */

/* What a VM exit left; read when the exit is dispatched. */
enum lhv_fate lhv_handle_exit(struct lhv_vcpu *vcpu);
/* An exit that lhv has no handler for: LHV_EXIT_UNHANDLED. */
enum lhv_fate lhv_unhandled(struct lhv_vcpu *vcpu);
enum lhv_fate lhv_entry_failed(struct lhv_vcpu *vcpu, unsigned long failed);

/* ---- exit_cr.c, exit_debug.c ---- */
int lhv_handle_cr_slow(struct lhv_vcpu *vcpu);
enum lhv_fate lhv_handle_xsetbv(struct lhv_vcpu *vcpu);
enum lhv_fate lhv_handle_mov_dr(struct lhv_vcpu *vcpu);
enum lhv_fate lhv_handle_exception(struct lhv_vcpu *vcpu);
void lhv_add_dr6(struct lhv_vcpu *vcpu, u64 bits);
bool lhv_xcr0_valid(struct lhv_vcpu *vcpu, u64 xcr0);
bool lhv_cr0_valid(unsigned long cr0);
bool lhv_cr4_valid(struct lhv_vcpu *vcpu, unsigned long cr4);
void lhv_write_cr0(struct lhv_vcpu *vcpu, unsigned long cr0);
void lhv_write_cr4(struct lhv_vcpu *vcpu, unsigned long cr4);
int lhv_load_pdptes(struct lhv_vcpu *vcpu);
void lhv_update_cr4_mask(struct lhv_vcpu *vcpu);

/* ---- exit_io.c ---- */
enum lhv_fate lhv_handle_io(struct lhv_vcpu *vcpu);
int lhv_handle_io_slow(struct lhv_vcpu *vcpu);
void lhv_io_complete(struct lhv_vcpu *vcpu);
/* The access has been made: breakpoints that watch the port are pending now. */
void lhv_io_breakpoints(struct lhv_vcpu *vcpu, u16 port, u8 size);

/* ---- inject.c ---- */
enum lhv_fate lhv_serve_requests(struct lhv_vcpu *vcpu);
void lhv_cancel_injection(struct lhv_vcpu *vcpu);
void lhv_requeue_vectoring(struct lhv_vcpu *vcpu);
void lhv_inject_debug(struct lhv_vcpu *vcpu, u64 dr6);
void lhv_set_pending_step(struct lhv_vcpu *vcpu);

/* ---- regs.c, state.c ---- */
bool lhv_is_64bit(struct lhv_vcpu *vcpu);
void lhv_set_segment(struct lhv_vcpu *vcpu, const struct lhv_segment *seg, int index);
void lhv_set_efer(struct lhv_vcpu *vcpu, u64 efer);
void lhv_get_events(struct lhv_vcpu *vcpu, struct lhv_events *events);
int lhv_set_events(struct lhv_vcpu *vcpu, const struct lhv_events *events);

/* Pending debug exceptions that are delivered (SDM 3C 25.4.2): enabled breakpoint, BS */
#define LHV_PENDING_DEBUG	(BIT(12) | BIT(14))

/* DR7 (SDM 3B 18.2.4): any breakpoint enabled; general detect */
#define LHV_DR7_ENABLED	0xff
#define LHV_DR7_GD	BIT(13)

static inline void lhv_stat(struct lhv_vcpu *vcpu, int stat)
{
	vcpu->stats[stat]++;
}

#endif /* LHV_VMX_H */
