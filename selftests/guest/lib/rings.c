// SPDX-License-Identifier: GPL-2.0-only
#include "rings.h"

#include <string.h>

#define TSS_RSP0	4
#define TSS_IST(number)	(36 + 8 * ((number) - 1))

_Static_assert(LAYOUT_CPU + GUEST_CPU_RECOVER == 0xa008, "TRY32()");

u64 user_enter(u64 (*function)(u64), u64 argument, void *stack, void *rsp0, u64 rflags);
void user_left(void);
extern u64 user_rsp, user_alias;

struct trap_frame user_left_frame;

static u8 user_stack[0x4000] __attribute__((aligned(16)));

void user_memory(bool on)
{
	u64 address;

	for (address = 0; address < LAYOUT_FREE; address += MIB(2)) {
		if (on)
			*large_pte(address) |= PTE_USER;
		else
			*large_pte(address) &= ~PTE_USER;
	}
	flush_tlb();
}

void user_leave(struct trap_frame *frame)
{
	user_left_frame = *frame;
	frame->rip = (uintptr_t)user_left;
	frame->cs = SELECTOR_CODE64;
	frame->ss = SELECTOR_DATA;
	frame->rsp = user_rsp;
	frame->rflags = FLAGS_FIXED;
}

u64 user_call_flags(u64 (*function)(u64 argument), u64 argument, u64 rflags)
{
	guest_handler[VECTOR_LEAVE_USER] = user_leave;
	gate_set_dpl(VECTOR_LEAVE_USER, 3);
	return user_enter(function, argument, user_stack + sizeof(user_stack),
			  &guest_cpu()->tss[TSS_RSP0], rflags);
}

/* ---- an alias of program and stack, which is ring 3's ------------------------- */

#define ALIAS	(3 * 512 * GIB(1))

static u64 alias_pdpt[512] __attribute__((aligned(4096)));
static u64 alias_pd[512] __attribute__((aligned(4096)));

static void map_alias(void)
{
	const u64 flags = PTE_PRESENT | PTE_WRITE | PTE_USER;
	u64 address;

	for (address = 0; address < LAYOUT_FREE; address += MIB(2))
		alias_pd[address / MIB(2)] = address | flags | PTE_LARGE;
	alias_pdpt[0] = (u64)alias_pd | flags;
	((u64 *)LAYOUT_PML4)[ALIAS / (512 * GIB(1))] = (u64)alias_pdpt | flags;
}

static void end_by_fault(struct trap_frame *frame)
{
	struct guest_fault *fault = &guest_cpu()->fault;

	fault->vector = frame->vector;
	fault->error = frame->error;
	fault->cr2 = read_register(cr2);
	user_leave(frame);
}

u64 user_call_alias(u64 (*function)(u64 argument), u64 argument)
{
	u64 stack = (u64)user_stack + sizeof(user_stack) + ALIAS;
	u8 vector;

	map_alias();
	guest_cpu()->fault.vector = NO_FAULT;
	guest_handler[VECTOR_LEAVE_USER] = user_leave;
	gate_set_dpl(VECTOR_LEAVE_USER, 3);
	for (vector = 0; vector < 32; vector++)
		guest_handler[vector] = end_by_fault;
	user_alias = ALIAS;
	user_enter((void *)((u64)function + ALIAS), argument, (void *)stack,
		   &guest_cpu()->tss[TSS_RSP0], FLAGS_FIXED);
	user_alias = 0;
	for (vector = 0; vector < 32; vector++)
		guest_handler[vector] = NULL;
	return fault_seen();
}

/* ---- gates and the TSS -------------------------------------------------------- */

static void gate_set(u8 vector, int shift, u64 mask, u64 value)
{
	u64 *gate = idt_entry(vector);

	*gate = (*gate & ~(mask << shift)) | value << shift;
}

void gate_set_present(u8 vector, bool present)
{
	gate_set(vector, 47, 1, present);
}

void gate_set_dpl(u8 vector, u64 dpl)
{
	gate_set(vector, 45, 3, dpl);
}

void gate_set_type(u8 vector, u64 type)
{
	gate_set(vector, 40, 0xf, type);
}

void gate_set_selector(u8 vector, u16 selector)
{
	gate_set(vector, 16, 0xffff, selector);
}

void gate_set_ist(u8 vector, u64 number)
{
	gate_set(vector, 32, 7, number);
}

void tss_set_rsp0(u64 rsp)
{
	memcpy(&guest_cpu()->tss[TSS_RSP0], &rsp, sizeof(rsp));
}

void tss_set_ist(int number, u64 rsp)
{
	memcpy(&guest_cpu()->tss[TSS_IST(number)], &rsp, sizeof(rsp));
}
