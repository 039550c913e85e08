/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU, xAPIC and x2APIC (SDM 3A chapter 11)
 *
 * Its registers live in one page in the layout that the processor's APIC
 * virtualization uses (SDM 3C 30.1.1), which is also the VMCS' virtual-APIC
 * page: MOV to and from CR8 reaches TPR there without an exit.
 *
 * Who may touch what: IRR, TMR, the errors not yet in ESR, and @events are
 * changed by anyone, with atomic operations. All else belongs to the vCPU: its
 * thread in the run loop, or whoever holds vcpu->mutex. Other vCPUs read ID,
 * LDR, DFR, SVR, the LVT's error entry and IA32_APIC_BASE to see whether a
 * message is for this APIC.
 *
 * What the run loop calls works with interrupts off and preemption disabled,
 * on PREEMPT_RT too: there are no locks in here.
 */
#ifndef LHV_LAPIC_H
#define LHV_LAPIC_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/tsc.h>

#include "hv/hv.h"

/*
 * The APIC timer counts, before its divider, at the frequency of the TSC. With
 * it as core crystal clock CPUID.15H says EBX/EAX = 1/1 and ECX = this * 1000:
 * exact for every TSC frequency, and Linux's 32-bit product of ECX / 1000 and
 * EBX can't overflow, as it could with a fixed crystal.
 */
#define LHV_APIC_TIMER_KHZ	tsc_khz

/* lapic->events; SIPI's vector is in the bits from LHV_LAPIC_SIPI_SHIFT. */
#define LHV_LAPIC_INIT		BIT(0)
#define LHV_LAPIC_SIPI		BIT(1)
#define LHV_LAPIC_SIPI_SHIFT	8

/**
 * struct lhv_lapic - a vCPU's local APIC
 * @regs:	the register page, as struct lhv_lapic_state documents it
 * @vcpu:	whose it is
 * @base:	IA32_APIC_BASE
 * @irr_words:	bit n is set if word n of IRR may not be zero. Changed by anyone
 * @isr_words:	bit n is set if and only if word n of ISR isn't zero
 * @events:	INIT and SIPI waiting: see LHV_LAPIC_INIT
 * @turn:	when lowest-priority arbitration chose this APIC last
 * @timer:	runs until @expiry while @armed
 * @expiry:	lhv_host_tsc() at which the timer fires
 * @armed:	the timer counts, or fired and wasn't delivered yet
 * @tsc_deadline: IA32_TSC_DEADLINE
 */
struct lhv_lapic {
	u32 *regs;
	struct lhv_vcpu *vcpu;
	u64 base;
	unsigned long irr_words;
	unsigned long isr_words;
	atomic_t events;
	u32 turn;

	struct hrtimer timer;
	u64 expiry;
	u64 tsc_deadline;
	bool armed;
};

/* ---- lapic_base.c: modes, reset, creation ---- */

/**
 * lhv_lapic_create - give a vCPU its local APIC, in the state after power-up
 * @vcpu: the vCPU, not visible to others yet
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int lhv_lapic_create(struct lhv_vcpu *vcpu);

/**
 * lhv_lapic_destroy - the opposite; does nothing if there is none
 * @vcpu: the vCPU. An RCU grace period has passed since it could last be found
 *	  by its id
 *
 * Context: doesn't sleep, but waits for the timer's callback.
 */
void lhv_lapic_destroy(struct lhv_vcpu *vcpu);

/**
 * lhv_lapic_reset - power-up reset or INIT
 * @vcpu: the vCPU
 * @init: INIT: IA32_APIC_BASE stays, and with it the mode (SDM 3A 11.4.7.3,
 *	  11.12.5.1)
 */
void lhv_lapic_reset(struct lhv_vcpu *vcpu, bool init);

/* Physical address of the register page, for the VMCS. */
phys_addr_t lhv_lapic_page_phys(struct lhv_vcpu *vcpu);

/**
 * lhv_lapic_set_base - write IA32_APIC_BASE
 * @vcpu: the vCPU
 * @value: mode, BSP flag, and address of the xAPIC page, which may move (where
 *	   a memory slot covers it the guest sees that memory)
 * @host: a state record is restored: every valid mode can be entered
 *
 * Return: 0, or -EINVAL for #GP: reserved bits, an invalid mode, or a
 * transition that SDM 3A 11.12.5 doesn't allow.
 */
int lhv_lapic_set_base(struct lhv_vcpu *vcpu, u64 value, bool host);

/* IA32_APIC_BASE. */
u64 lhv_lapic_base(struct lhv_vcpu *vcpu);

/* Is it on by IA32_APIC_BASE? CPUID.01H:EDX.APIC says the same. */
bool lhv_lapic_enabled(struct lhv_vcpu *vcpu);

/* Is this guest-physical address in the vCPU's xAPIC page? */
bool lhv_lapic_mmio_match(struct lhv_vcpu *vcpu, gpa_t gpa);

/* ---- lapic.c: registers and priorities ---- */

/**
 * lhv_lapic_read - 32-bit read in the xAPIC page
 * @vcpu: the vCPU
 * @offset: in the page
 * @value: result; 0 where there is no register, which ESR then tells
 *
 * Return: 0.
 */
int lhv_lapic_read(struct lhv_vcpu *vcpu, u32 offset, u32 *value);

/**
 * lhv_lapic_write - 32-bit write in the xAPIC page
 * @vcpu: the vCPU
 * @offset: in the page
 * @value: what to write; bits that the register doesn't have are ignored
 *
 * Return: LHV_GUEST, or LHV_USER with vcpu->run filled in for LHV_EXIT_EOI.
 */
enum lhv_fate lhv_lapic_write(struct lhv_vcpu *vcpu, u32 offset, u32 value);

/**
 * lhv_lapic_msr_read - RDMSR of 800H to 8FFH
 * @vcpu: the vCPU
 * @msr: which
 * @value: result
 *
 * Return: 0, or -EINVAL for #GP: not in x2APIC mode, no such register, or one
 * that can't be read.
 */
int lhv_lapic_msr_read(struct lhv_vcpu *vcpu, u32 msr, u64 *value);

/**
 * lhv_lapic_msr_write - WRMSR to 800H to 8FFH
 * @vcpu: the vCPU
 * @msr: which
 * @value: what to write
 *
 * Return: as lhv_lapic_write(), or -EINVAL for #GP: as for reading, or a
 * reserved bit is set.
 */
int lhv_lapic_msr_write(struct lhv_vcpu *vcpu, u32 msr, u64 value);

/**
 * lhv_lapic_deliver - accept a fixed interrupt
 * @vcpu: whose APIC; any thread may call it for any vCPU that it can find
 * @vector: the vector
 * @level: it is level-triggered: its EOI will exit to userspace
 *
 * Return: false if the APIC is off, or the vector illegal (then ESR tells).
 */
bool lhv_lapic_deliver(struct lhv_vcpu *vcpu, u8 vector, bool level);

/**
 * lhv_lapic_pending_vector - the interrupt that can be delivered now
 * @vcpu: the vCPU. Any context; a guess unless called by its thread
 *
 * Return: the highest vector in IRR if its class is above that of PPR, or -1.
 */
int lhv_lapic_pending_vector(struct lhv_vcpu *vcpu);

/* @vector, which lhv_lapic_pending_vector() gave, goes from IRR to ISR. */
void lhv_lapic_ack(struct lhv_vcpu *vcpu, u8 vector);

/**
 * lhv_lapic_tpr_threshold - for the VMCS' TPR threshold
 * @vcpu: the vCPU
 *
 * Return: the class below which TPR must fall for an interrupt that waits for
 * that, or 0. Never above TPR's present class, as VM entry demands (SDM 3C
 * 27.2.1.1).
 */
u32 lhv_lapic_tpr_threshold(struct lhv_vcpu *vcpu);

/* CR8: TPR's bits 7:4. At run time the processor does these by itself. */
u64 lhv_lapic_get_cr8(struct lhv_vcpu *vcpu);
void lhv_lapic_set_cr8(struct lhv_vcpu *vcpu, u64 cr8);

/* Computes PPR (SDM 3A 11.8.3.1), stores it in the register page, returns it. */
u32 lhv_lapic_update_ppr(struct lhv_vcpu *vcpu);

/**
 * lhv_lapic_has_work - is there a reason not to block?
 * @vcpu: the vCPU. Any context
 *
 * Return: true if INIT waits; in wait-for-SIPI state also if SIPI does, else
 * if the timer fired or an interrupt can be delivered, RFLAGS.IF left aside.
 */
bool lhv_lapic_has_work(struct lhv_vcpu *vcpu);

/* ---- lapic_ipi.c: messages, and lhv_arch_send_msi() ---- */

/**
 * lhv_lapic_init_sipi_pending - is an INIT, or a SIPI that counts, waiting?
 * @vcpu: the vCPU; its thread
 *
 * A SIPI counts in LHV_MP_WAIT_SIPI alone. In other states it is forgotten with
 * the next INIT.
 */
static inline bool lhv_lapic_init_sipi_pending(struct lhv_vcpu *vcpu)
{
	int events = atomic_read(&vcpu->arch.lapic->events);

	if (likely(!events))
		return false;
	return (events & LHV_LAPIC_INIT) || vcpu->arch.mp_state == LHV_MP_WAIT_SIPI;
}

/**
 * lhv_lapic_take_init - is there an INIT to process?
 * @vcpu: the vCPU; its thread
 *
 * To be asked before lhv_lapic_take_sipi(). Return: true once for each INIT (or
 * several that came together).
 */
bool lhv_lapic_take_init(struct lhv_vcpu *vcpu);

/**
 * lhv_lapic_take_sipi - is there a start-up IPI to process?
 * @vcpu: the vCPU; its thread. In any state but LHV_MP_WAIT_SIPI a SIPI is
 *	  dropped
 * @vector: its vector: execution begins at @vector << 12
 *
 * Return: true if so. A SIPI that follows an INIT waits until that was taken.
 */
bool lhv_lapic_take_sipi(struct lhv_vcpu *vcpu, u8 *vector);

/* For struct lhv_events: what the two above would find; and to restore it. */
void lhv_lapic_get_events(struct lhv_vcpu *vcpu, struct lhv_events *events);
void lhv_lapic_set_events(struct lhv_vcpu *vcpu, const struct lhv_events *events);

/* ---- lapic_timer.c ---- */

/* IA32_TSC_DEADLINE. Writing has no effect outside TSC-deadline mode. */
u64 lhv_lapic_get_tsc_deadline(struct lhv_vcpu *vcpu);
void lhv_lapic_set_tsc_deadline(struct lhv_vcpu *vcpu, u64 deadline);

/**
 * lhv_lapic_tsc_changed - the guest's TSC was set
 * @vcpu: the vCPU, its tsc_offset being new
 *
 * A TSC deadline moves with it, a count in progress doesn't.
 */
void lhv_lapic_tsc_changed(struct lhv_vcpu *vcpu);

/* LHV_REQ_TIMER was taken: if the timer expired, its interrupt goes to IRR. */
void lhv_lapic_timer_deliver(struct lhv_vcpu *vcpu);

/* The vCPU runs on this CPU from now: its timer is to interrupt here. */
void lhv_lapic_timer_migrate(struct lhv_vcpu *vcpu);

/* ---- lapic_state.c ---- */

/* The record. The APIC goes on undisturbed. */
void lhv_lapic_get_state(struct lhv_vcpu *vcpu, struct lhv_lapic_state *state);

/**
 * lhv_lapic_set_state - restore the record
 * @vcpu: the vCPU; IA32_APIC_BASE and tsc_offset are in place already
 * @state: the record
 *
 * Return: 0, or -EINVAL, nothing changed: ID or version differ from this
 * APIC's, a register has a bit that doesn't exist, or a reserved word isn't 0.
 */
int lhv_lapic_set_state(struct lhv_vcpu *vcpu, const struct lhv_lapic_state *state);

/* ---- among lapic*.c ---- */

/* Six LVT entries (no CMCI), no EOI-broadcast suppression. */
#define LHV_LAPIC_VERSION	0x00050014

/* Reserved in SDM table 11-6: holds the errors that the next ESR write shows. */
#define LHV_LAPIC_ERRORS	0x290

static inline u32 lhv_lapic_reg(const struct lhv_lapic *lapic, u32 offset)
{
	return READ_ONCE(lapic->regs[offset / 4]);
}

static inline void lhv_lapic_set_reg(struct lhv_lapic *lapic, u32 offset, u32 value)
{
	WRITE_ONCE(lapic->regs[offset / 4], value);
}

/* Word @word of IRR, ISR or TMR, as bitmap for the bit operations. */
static inline unsigned long *lhv_lapic_word(struct lhv_lapic *lapic, u32 offset,
					    unsigned int word)
{
	return (unsigned long *)&lapic->regs[offset / 4 + word * 4];
}

static inline bool lhv_lapic_x2apic(const struct lhv_lapic *lapic)
{
	return READ_ONCE(lapic->base) & X2APIC_ENABLE;
}

/* Enabled both in IA32_APIC_BASE and in SVR: takes fixed interrupts. */
static inline bool lhv_lapic_accepts(const struct lhv_lapic *lapic)
{
	return (READ_ONCE(lapic->base) & XAPIC_ENABLE) &&
	       (lhv_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
}

/* Sets the mask bit of all LVT entries. */
void lhv_lapic_mask_lvts(struct lhv_lapic *lapic);

/* What stays of a value written to the register; 0 for those not writable. */
u32 lhv_lapic_writable(u32 offset);

/* What these registers are in the present mode, and LDR in x2APIC mode. */
u32 lhv_lapic_id_reg(const struct lhv_lapic *lapic);
u32 lhv_lapic_x2apic_ldr(const struct lhv_lapic *lapic);

/*
 * Sets @vector, not below 16, in IRR, with its trigger mode in TMR. True if it
 * wasn't set before: then the vCPU must be told by a request.
 */
bool lhv_lapic_set_irr(struct lhv_lapic *lapic, u8 vector, bool level);

/* Counts all of IRR and ISR again in irr_words and isr_words. */
void lhv_lapic_recount(struct lhv_lapic *lapic);

/* Notes one error (APIC_ESR_*) for ESR; any thread. */
void lhv_lapic_error(struct lhv_lapic *lapic, u32 error);

/* The interrupt of a local source goes to IRR as its LVT entry says. */
void lhv_lapic_deliver_lvt(struct lhv_lapic *lapic, u32 offset);

/* A fixed IPI of a vCPU to itself, by its own thread, which needs no kick. */
void lhv_lapic_self_ipi(struct lhv_lapic *lapic, u8 vector);

/* What writing these to ICR and its high half does. */
void lhv_lapic_send_ipi(struct lhv_lapic *lapic, u32 icr, u32 icr2);

void lhv_lapic_timer_init(struct lhv_lapic *lapic);
void lhv_lapic_timer_stop(struct lhv_lapic *lapic);

/* The current-count register. */
u32 lhv_lapic_timer_count(const struct lhv_lapic *lapic);

/* Writes the LVT's timer entry, initial count, or divide configuration. */
void lhv_lapic_timer_write(struct lhv_lapic *lapic, u32 offset, u32 value);

/* Guest TSC at which it fires, 0 if it isn't armed; and to restore that. */
u64 lhv_lapic_timer_get_expiry(const struct lhv_lapic *lapic);
void lhv_lapic_timer_set_expiry(struct lhv_lapic *lapic, u64 expiry);

#endif /* LHV_LAPIC_H */
