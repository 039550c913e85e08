/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of x86 registers and paging structures that several files look at. */
#ifndef HVCTL_X86_BITS_H
#define HVCTL_X86_BITS_H

#include "types.h"

#define CR0_PE		BIT(0)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_PG		BIT(31)

#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_LA57	BIT(12)

#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)

#define RFLAGS_FIXED	BIT(1)
#define RFLAGS_VM	BIT(17)

#define PTE_PRESENT	BIT(0)
#define PTE_WRITABLE	BIT(1)
#define PTE_LARGE	BIT(7)
#define PTE_ADDRESS	0x000ffffffffff000ULL

/* Access rights of a segment in the VMCS' format, SDM 3C table 25-2. */
#define ACCESS_LONG	BIT(13)
#define ACCESS_DB	BIT(14)
#define ACCESS_UNUSABLE	BIT(16)

#endif
