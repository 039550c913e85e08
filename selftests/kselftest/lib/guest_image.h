/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is put into guests' memory: guest_entry.S and guest_tables.c
 */
#ifndef LHV_TEST_GUEST_IMAGE_H
#define LHV_TEST_GUEST_IMAGE_H

#include "guest.h"

extern const u8 guest_idt_stubs[];
extern const u8 guest_trampoline[], guest_trampoline_end[];
extern const u8 guest_return[];

static inline u64 guest_cpu_gpa(u32 id)
{
	return LAYOUT_CPU + id * GUEST_PAGE;
}

/* @memory is where guest-physical 0 is. */
void guest_write_tables(u8 *memory);
/* One of them. */
void guest_write_gdt(u8 *memory);

#endif /* LHV_TEST_GUEST_IMAGE_H */
