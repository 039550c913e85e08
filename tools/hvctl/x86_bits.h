/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of x86 registers and paging structures that several files look at. */
#ifndef HVCTL_X86_BITS_H
#define HVCTL_X86_BITS_H

#include "types.h"

#define CR0_PE		BIT(0)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)

#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_UMIP	BIT(11)
#define CR4_LA57	BIT(12)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)

#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)

#define RFLAGS_CF	BIT(0)
#define RFLAGS_FIXED	BIT(1)
#define RFLAGS_PF	BIT(2)
#define RFLAGS_AF	BIT(4)
#define RFLAGS_ZF	BIT(6)
#define RFLAGS_SF	BIT(7)
#define RFLAGS_TF	BIT(8)
#define RFLAGS_IF	BIT(9)
#define RFLAGS_DF	BIT(10)
#define RFLAGS_OF	BIT(11)
#define RFLAGS_IOPL	(BIT(12) | BIT(13))
#define RFLAGS_NT	BIT(14)
#define RFLAGS_RF	BIT(16)
#define RFLAGS_VM	BIT(17)
#define RFLAGS_AC	BIT(18)
#define RFLAGS_ID	BIT(21)

#define PTE_PRESENT	BIT(0)
#define PTE_WRITABLE	BIT(1)
#define PTE_USER	BIT(2)
#define PTE_ACCESSED	BIT(5)
#define PTE_DIRTY	BIT(6)
#define PTE_LARGE	BIT(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDRESS	0x000ffffffffff000ULL

/* Exceptions, and what #PF's error code says (SDM 3A 4.7). */
#define VECTOR_DE	0
#define VECTOR_DB	1
#define VECTOR_UD	6
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_MF	16
#define VECTOR_XM	19

#define PF_PRESENT	BIT(0)
#define PF_WRITE	BIT(1)
#define PF_USER		BIT(2)
#define PF_RESERVED	BIT(3)
#define PF_FETCH	BIT(4)

/* Access rights of a segment in the VMCS' format, SDM 3C table 25-2. */
#define ACCESS_ACCESSED	BIT(0)		/* of code and data */
#define ACCESS_RW	BIT(1)		/* data: writable, code: readable */
#define ACCESS_DOWN	BIT(2)		/* data: expands down, code: conforming */
#define ACCESS_CODE	BIT(3)
#define ACCESS_USER	BIT(4)		/* code or data, else system */
#define ACCESS_DPL(a)	((a) >> 5 & 3)
#define ACCESS_PRESENT	BIT(7)
#define ACCESS_LONG	BIT(13)
#define ACCESS_DB	BIT(14)
#define ACCESS_UNUSABLE	BIT(16)

#endif
