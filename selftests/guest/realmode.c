// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real mode, entered from long mode and left for it again (SDM 3A chapter 21).
 * lib/real_mode.S runs there and leaves what it found.
 */
#include <string.h>

#include "payload.h"
#include "real_mode.h"
#include "report.h"

extern const u8 real_mode_start[], real_mode_end[], real_mode_int[], real_mode_fault[];

#define VECTOR_OF	4
#define VECTOR_BR	5
#define VECTOR_SS	12

/* Vector, and how far behind the instruction's beginning the pushed IP was */
#define REAL_FAULT(vector, behind)	((u32)(behind) << 16 | (vector))

/* Of real_mode_int: IF and TF clear in the handler, IF set in the pushed FLAGS */
#define ENTERED_RIGHT	0xf

static const struct {
	const char *name;
	u32 index;
	u32 want;
} expected[] = {
	{ "CR0.PE is clear", REAL_PE, 0 },
	{ "CS is what the far jump loaded", REAL_CS, REAL_SEGMENT },
	{ "FLAGS", REAL_FLAGS, 2 },
	{ "a segment is 16 times its value", REAL_ADDRESS, 0x12345678 },
	{ "FFFF:0010 is at 1 MiB", REAL_A20, 0xa20a20 },
	{ "near and far call and return", REAL_CALLS, 0x11 },
	{ "INT n by the vector table", REAL_INT, ENTERED_RIGHT },
	{ "#DE is a fault", REAL_DE, REAL_FAULT(VECTOR_DE, 0) },
	{ "#UD is a fault", REAL_UD, REAL_FAULT(VECTOR_UD, 0) },
	{ "#GP at the segment's limit", REAL_GP_LIMIT, REAL_FAULT(VECTOR_GP, 0) },
	{ "#GP beyond it, 32-bit addresses", REAL_GP_32, REAL_FAULT(VECTOR_GP, 0) },
	{ "INTO is a trap", REAL_OF, REAL_FAULT(VECTOR_OF, 1) },
	{ "BOUND is a fault", REAL_BR, REAL_FAULT(VECTOR_BR, 0) },
	{ "INT3 is a trap", REAL_BP, REAL_FAULT(VECTOR_BP, 1) },
	{ "#SS at the stack's limit", REAL_SS, REAL_FAULT(VECTOR_SS, 0) },
	{ "DAA", REAL_DAA, 0x83 },
	{ "AAD", REAL_AAD, 15 },
	{ "AAM", REAL_AAM, 0x0709 },
	{ "PUSHA, POPA", REAL_POPA, 0x1234 },
	{ "ENTER", REAL_ENTER, 8 },
	{ "LEAVE", REAL_LEAVE, 0x777 },
	{ "REP MOVSB", REAL_MOVS, 0x68676665 },
	{ "REP MOVSB, DI", REAL_MOVS_DI, 0x618 },
	{ "REPE CMPSB", REAL_CMPS, 1 },
	{ "REPNE SCASB downwards", REAL_SCAS, 0x600 },
	{ "MUL of 32 bits", REAL_MUL_LOW, 0x80000003 },
	{ "MUL of 32 bits, EDX", REAL_MUL_HIGH, 1 },
	{ "CWDE", REAL_CWDE, 0xffff8000 },
	{ "LOOP", REAL_LOOP, 3 },
	{ "XLAT", REAL_XLAT, 0x99 },
	{ "LES", REAL_LES, 0x00705555 },
	{ "OUT and IN", REAL_IN, 0x77 },
	{ "REP INSB", REAL_INS, 0xffffffff },
	{ "RDMSR", REAL_RDMSR, APIC_PAGE | APIC_BASE_ENABLE | APIC_BASE_BSP },
	{ "MOV to and from CR0", REAL_CR0, 0 },
	{ "MOV to and from CR2", REAL_CR2, 3 },
	{ "a limit of 4 GiB stays", REAL_UNREAL, 0xfee1600d },
	{ "an interrupt ends HLT", REAL_INTERRUPT, ENTERED_RIGHT },
};

/* The trampoline comes here, on a new stack. */
static void after(u32 id)
{
	const volatile u32 *results = (u32 *)REAL_RESULTS;
	u32 i;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		check(expected[i].name, expected[i].want, results[expected[i].index]);
	check("BOUND within its limits", 0xffff, results[REAL_BR_NOT] & 0xffff);
	check_true("CPUID", results[REAL_CPUID] >= 0x80000008);
	check("back in long mode", 0, id);
	check("EFER", EFER_LME | EFER_LMA | EFER_NX, rdmsr(MSR_EFER));
	check("exceptions work here", FAULT_UD, attempt("ud2", : : : "memory"));
	report_end();
}

static void set_vector(u8 vector, const u8 *handler)
{
	volatile u32 *table = NULL;

	/* The table is at 0, where C sees no object. */
	asm("" : "+r"(table));
	table[vector] = REAL_SEGMENT << 16 | (u32)(handler - real_mode_start);
}

void payload(void)
{
	u8 vector;

	memcpy((u8 *)LAYOUT_PAYLOAD, real_mode_start, real_mode_end - real_mode_start);
	memset((u8 *)REAL_RESULTS, 0xee, 0x1000);
	*(volatile u32 *)LAYOUT_SCRATCH = 0xa20a20;
	for (vector = 0; vector < 16; vector++)
		set_vector(vector, real_mode_fault + 8 * vector);
	set_vector(REAL_VECTOR, real_mode_int);
	guest_trampoline_entry = after;
	((void (*)(void))LAYOUT_PAYLOAD)();
	bail_out("real mode returned", 0);
}
