/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code in ring 3, and in compatibility mode; also for assembly
 */
#ifndef LHV_PAYLOAD_RINGS_H
#define LHV_PAYLOAD_RINGS_H

#define VECTOR_LEAVE_USER	0x2f

#ifndef __ASSEMBLER__

#include "payload.h"

/* Gives the low 8 MiB, which have all code and data, to ring 3, or takes them back. */
void user_memory(bool on);

/*
 * Calls a function in ring 3, on a stack of its own, with these RFLAGS. In there
 * attempt() works as elsewhere; faults are handled in ring 0.
 */
u64 user_call_flags(u64 (*function)(u64 argument), u64 argument, u64 rflags);

static inline u64 user_call(u64 (*function)(u64 argument), u64 argument)
{
	return user_call_flags(function, argument, FLAGS_FIXED);
}

/* Where ring 3 was when the last of these calls returned, and its registers. */
extern struct trap_frame user_left_frame;

/* Returns to the caller of user_call(), from a handler. */
void user_leave(struct trap_frame *frame);

/*
 * As user_call(), of code that uses no data of the program, for CR4.SMEP and
 * SMAP: in ring 3 it runs where an alias of the low 8 MiB is, and so does its
 * stack. A fault ends it: the result is fault_seen().
 */
u64 user_call_alias(u64 (*function)(u64 argument), u64 argument);

/*
 * Calls 32-bit code: assembly that gets its argument in EAX, and leaves its
 * result there. Write it with COMPAT(name, text), and TRY32() in it is attempt():
 * fault_seen() tells afterwards what there was.
 */
u32 compat_enter(void (*function)(void), u32 argument);

#define COMPAT(name, text)						\
	void name(void);						\
	asm(".pushsection .text\n"					\
	    ".code32\n"							\
	    #name ":\n\t"						\
	    text "\n\t"							\
	    "ret\n"							\
	    ".code64\n"							\
	    ".popsection\n")

/* LAYOUT_CPU + GUEST_CPU_RECOVER; GS has no selector that 32-bit code could use. */
#define TRY32(text)							\
	"movl $9f, 0xa008\n\t"						\
	text "\n"							\
	"9:\tmovl $0, 0xa008\n\t"

static inline u64 compat_attempt(void (*function)(void), u32 argument)
{
	guest_cpu()->fault.vector = NO_FAULT;
	compat_enter(function, argument);
	return fault_seen();
}

/* ---- gates and the TSS ------------------------------------------------------- */

#define GATE_INTERRUPT	0xeULL
#define GATE_TRAP	0xfULL

/* Each changes this part of the gate only. */
void gate_set_present(u8 vector, bool present);
void gate_set_dpl(u8 vector, u64 dpl);
void gate_set_type(u8 vector, u64 type);
void gate_set_selector(u8 vector, u16 selector);
void gate_set_ist(u8 vector, u64 number);

/* Of vCPU 0's TSS (SDM 3A figure 8-11): RSP0, and IST1 to IST7. */
void tss_set_rsp0(u64 rsp);
void tss_set_ist(int number, u64 rsp);

#endif /* __ASSEMBLER__ */
#endif /* LHV_PAYLOAD_RINGS_H */
