/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical memory of vm_create()'s slot; also for assembly
 */
#ifndef LHV_TEST_LAYOUT_H
#define LHV_TEST_LAYOUT_H

/* Page 0 is real mode's. Tables: 4 GiB one to one. */
#define LAYOUT_PML4		0x1000
#define LAYOUT_PDPT		0x2000
#define LAYOUT_PD		0x3000	/* four pages */
#define LAYOUT_GDT		0x7000
#define LAYOUT_TRAMPOLINE	0x8000
#define LAYOUT_IDT		0x9000
#define LAYOUT_CPU		0xa000	/* struct guest_cpu, a page for each vCPU */
#define LAYOUT_STACKS		0x20000	/* LAYOUT_STACK bytes for each vCPU */
#define LAYOUT_STACK		0x8000
#define LAYOUT_MAX_CPUS		8
/* For 16-bit and 32-bit payloads, and their data. */
#define LAYOUT_PAYLOAD		0x80000
/* For what tests put there. From 4 MiB to 8 MiB is the program. */
#define LAYOUT_SCRATCH		0x100000
#define LAYOUT_SCRATCH_END	0x400000
#define LAYOUT_FREE		0x800000

/* Selectors. Each vCPU has a TSS at SELECTOR_TSS + 16 * id. */
#define SELECTOR_CODE64		0x08
#define SELECTOR_DATA		0x10
#define SELECTOR_CODE32		0x18
#define SELECTOR_USER_DATA	(0x20 | 3)
#define SELECTOR_USER_CODE64	(0x28 | 3)
#define SELECTOR_TSS		0x30

/* Offsets in struct guest_cpu. */
#define GUEST_CPU_RECOVER	8

#endif /* LHV_TEST_LAYOUT_H */
