/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Payloads: what a conformance test needs besides lib/guest.h and lib/apic.h of
 * the kselftests. A payload is a C file with a function payload(), which runs in
 * long mode on vCPU 0, with interrupts off and the memory as layout.h says,
 * all of it the supervisor's. It calls check() once or more for each case.
 */
#ifndef LHV_PAYLOAD_H
#define LHV_PAYLOAD_H

#include "apic.h"
#include "guest.h"

void payload(void);

/* ---- results ----------------------------------------------------------------- */

/*
 * Print one case: "ok NAME", or "not ok NAME: got X, want Y". A name has no
 * colon, and is the same in each run.
 */
void check(const char *name, u64 want, u64 got);
#define check_true(name, condition)	check(name, 1, !!(condition))

/* "ok NAME # SKIP WHY", where the CPU lacks something. */
void check_skip(const char *name, const char *why);

/* Both texts in one; only the last result is valid. */
const char *joined(const char *first, const char *second);

/* For what can't go on: prints the text, and ends the machine. */
void bail_out(const char *text, u64 value) __attribute__((noreturn));

/* ---- exceptions -------------------------------------------------------------- */

/* What attempt() says: vector and error code, or NO_FAULT. */
#define FAULT(vector, error)	((u64)(vector) | (u64)(error) << 32)
#define FAULT_UD	FAULT(VECTOR_UD, 0)
#define FAULT_NM	FAULT(VECTOR_NM, 0)
#define FAULT_GP	FAULT(VECTOR_GP, 0)
#define FAULT_PF(error)	FAULT(VECTOR_PF, error)

/* What guest_try() or the like met last. */
static inline u64 fault_seen(void)
{
	const struct guest_fault *fault = guest_fault();

	if (fault->vector == NO_FAULT)
		return NO_FAULT;
	return FAULT(fault->vector, fault->error);
}

/* guest_try(), with the error code. */
#define attempt(...) ({							\
	guest_try(__VA_ARGS__);						\
	fault_seen();							\
})

#define attempt_wrmsr(index, value) ({					\
	guest_try_wrmsr(index, value);					\
	fault_seen();							\
})

#define attempt_rdmsr(index) ({						\
	guest_try_rdmsr(index);						\
	fault_seen();							\
})

#define attempt_write_register(name, value) ({				\
	guest_try_write_register(name, value);				\
	fault_seen();							\
})

/* ---- tables ------------------------------------------------------------------ */

static inline u64 *gdt_entry(u16 selector)
{
	return (u64 *)LAYOUT_GDT + selector / 8;
}

static inline u64 *idt_entry(u8 vector)
{
	return (u64 *)LAYOUT_IDT + 2 * vector;
}

/* The 2 MiB page that maps this address one to one. */
static inline u64 *large_pte(u64 address)
{
	return (u64 *)LAYOUT_PD + address / MIB(2);
}

/* Free selectors, behind the TSSs: for what a payload puts there. */
#define SELECTOR_FREE	0x100

/* ---- CPU features ------------------------------------------------------------ */

struct feature {
	u32 function;
	u32 index;
	u8 reg;		/* 0 to 3: EAX to EDX */
	u8 bit;
};

#define FEATURE(function, index, reg, bit) \
	((struct feature){ 0x##function, index, REG_##reg, bit })
enum { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

#define FEATURE_X2APIC		FEATURE(1, 0, ECX, 21)
#define FEATURE_TSC_DEADLINE	FEATURE(1, 0, ECX, 24)
#define FEATURE_PCID		FEATURE(1, 0, ECX, 17)
#define FEATURE_XSAVE		FEATURE(1, 0, ECX, 26)
#define FEATURE_OSXSAVE		FEATURE(1, 0, ECX, 27)
#define FEATURE_AVX		FEATURE(1, 0, ECX, 28)
#define FEATURE_FSGSBASE	FEATURE(7, 0, EBX, 0)
#define FEATURE_TSC_ADJUST	FEATURE(7, 0, EBX, 1)
#define FEATURE_SMEP		FEATURE(7, 0, EBX, 7)
#define FEATURE_INVPCID		FEATURE(7, 0, EBX, 10)
#define FEATURE_SMAP		FEATURE(7, 0, EBX, 20)
#define FEATURE_UMIP		FEATURE(7, 0, ECX, 2)
#define FEATURE_NX		FEATURE(80000001, 0, EDX, 20)
#define FEATURE_GB_PAGES	FEATURE(80000001, 0, EDX, 26)
#define FEATURE_RDTSCP		FEATURE(80000001, 0, EDX, 27)

bool cpu_has(struct feature feature);

#endif /* LHV_PAYLOAD_H */
