/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vm.c and vcpu.c put into guests: guest_entry.S
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

#endif /* LHV_TEST_GUEST_IMAGE_H */
