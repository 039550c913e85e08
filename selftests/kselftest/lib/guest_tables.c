// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables, descriptor tables and what else layout.h has a place for
 */
#include <string.h>

#include "guest_image.h"

static void write_page_tables(u8 *memory)
{
	u64 *pml4 = (u64 *)(memory + LAYOUT_PML4);
	u64 *pdpt = (u64 *)(memory + LAYOUT_PDPT);
	u64 *pd = (u64 *)(memory + LAYOUT_PD);
	u64 i;

	pml4[0] = LAYOUT_PDPT | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (i = 0; i < 4; i++)
		pdpt[i] = (LAYOUT_PD + i * GUEST_PAGE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

/* SDM 3A 3.4.5; the TSS descriptor: 8.2.3 */
void guest_write_gdt(u8 *memory)
{
	u64 *gdt = (u64 *)(memory + LAYOUT_GDT);
	u64 i, tss;

	gdt[SELECTOR_CODE64 / 8] = 0x00af9b000000ffff;
	gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
	gdt[SELECTOR_CODE32 / 8] = 0x00cf9b000000ffff;
	gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
	gdt[SELECTOR_USER_CODE64 / 8] = 0x00affb000000ffff;
	for (i = 0; i < LAYOUT_MAX_CPUS; i++) {
		tss = guest_cpu_gpa(i) + offsetof(struct guest_cpu, tss);
		gdt[SELECTOR_TSS / 8 + 2 * i] = 0x0000890000000067 | (tss & 0xffffff) << 16;
	}
}

/* Interrupt gates, SDM 3A 6.14.1. */
static void write_idt(u8 *memory)
{
	u64 *idt = (u64 *)(memory + LAYOUT_IDT);
	u64 i, stub;

	for (i = 0; i < 256; i++) {
		stub = (uintptr_t)guest_idt_stubs + 16 * i;
		idt[2 * i] = (stub & 0xffff) | SELECTOR_CODE64 << 16 | 0x8e0000000000 |
			     (stub & 0xffff0000) << 32;
	}
}

static void write_cpus(u8 *memory)
{
	struct guest_cpu *cpu;
	u32 i;

	for (i = 0; i < LAYOUT_MAX_CPUS; i++) {
		cpu = (struct guest_cpu *)(memory + guest_cpu_gpa(i));
		cpu->self = (void *)guest_cpu_gpa(i);
		cpu->id = i;
	}
}

void guest_write_tables(u8 *memory)
{
	write_page_tables(memory);
	guest_write_gdt(memory);
	write_idt(memory);
	write_cpus(memory);
	memcpy(memory + LAYOUT_TRAMPOLINE, guest_trampoline,
	       guest_trampoline_end - guest_trampoline);
}
