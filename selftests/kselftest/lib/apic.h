/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC, seen by the guest (SDM 3A chapter 11)
 */
#ifndef LHV_TEST_APIC_H
#define LHV_TEST_APIC_H

#include "guest.h"

#define APIC_PAGE	0xfee00000UL

/* Offsets in the page; x2APIC's MSR is 800H + offset / 16. */
#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_APR	0x90
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PMC	0x340
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF_IPI	0x3f0

#define APIC_BASE_BSP		BIT(8)
#define APIC_BASE_X2APIC	BIT(10)
#define APIC_BASE_ENABLE	BIT(11)

#define SVR_ENABLE	BIT(8)

#define ICR_FIXED	(0 << 8)
#define ICR_LOWEST	(1 << 8)
#define ICR_NMI		(4 << 8)
#define ICR_INIT	(5 << 8)
#define ICR_SIPI	(6 << 8)
#define ICR_LOGICAL	(1 << 11)
#define ICR_ASSERT	(1 << 14)
#define ICR_LEVEL	(1 << 15)
#define ICR_SELF	(1 << 18)
#define ICR_ALL		(2 << 18)
#define ICR_OTHERS	(3 << 18)

#define LVT_MASKED	BIT(16)
#define LVT_PERIODIC	(1 << 17)
#define LVT_DEADLINE	(2 << 17)
#define TDCR_DIVIDE_1	0xb

#define ESR_SEND_ILLEGAL	BIT(5)
#define ESR_RECEIVE_ILLEGAL	BIT(6)
#define ESR_REGISTER		BIT(7)

/* Address of an interrupt message; its data is as ICR's low bits. */
#define MSI_ADDRESS(dest)	(0xfee00000UL | ((u64)(dest) & 0xff) << 12 |	\
				 ((u64)(dest) & ~0xffUL) << 32)
#define MSI_LOGICAL		BIT(2)
#define MSI_REDIRECT		BIT(3)

static inline u32 apic_read(u32 reg)
{
	if (guest_cpu()->x2apic)
		return rdmsr(0x800 + reg / 16);
	return *(volatile u32 *)(APIC_PAGE + reg);
}

static inline void apic_write(u32 reg, u32 value)
{
	if (guest_cpu()->x2apic)
		wrmsr(0x800 + reg / 16, value);
	else
		*(volatile u32 *)(APIC_PAGE + reg) = value;
}

static inline void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* @dest in the present mode's format: of xAPIC, 8 bits. */
static inline void apic_icr(u32 dest, u32 icr)
{
	if (guest_cpu()->x2apic) {
		wrmsr(0x800 + APIC_ICR / 16, (u64)dest << 32 | icr);
		return;
	}
	apic_write(APIC_ICR2, dest << 24);
	apic_write(APIC_ICR, icr);
}

/* Is the vector's bit set in ISR, TMR or IRR? */
static inline bool apic_bit(u32 reg, u8 vector)
{
	return apic_read(reg + vector / 32 * 16) & BIT(vector % 32);
}

/* Software-enables the APIC, in xAPIC or x2APIC mode; spurious vector 0xff. */
static inline void apic_init(bool x2apic)
{
	if (x2apic)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
	guest_cpu()->x2apic = x2apic;
	apic_write(APIC_SVR, SVR_ENABLE | 0xff);
}

/* SDM 3A 9.4.4: INIT, and a start-up IPI to LAYOUT_TRAMPOLINE. */
static inline void apic_start_cpu(u32 id)
{
	apic_icr(id, ICR_INIT | ICR_ASSERT);
	apic_icr(id, ICR_SIPI | ICR_ASSERT | LAYOUT_TRAMPOLINE >> 12);
}

extern void (*guest_trampoline_entry)(u32 id);

#endif /* LHV_TEST_APIC_H */
