// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process-context identifiers and INVPCID (SDM 3A 4.10)
 */
#include "pages.h"
#include "rings.h"

#define NO_FLUSH	BIT(63)

enum { ONE_ADDRESS, ONE_CONTEXT, ALL_AND_GLOBAL, ALL };

struct descriptor {
	u64 pcid;
	u64 address;
};

static u64 other_pml4[512] __attribute__((aligned(4096)));
static u64 other_table[3][512] __attribute__((aligned(4096)));

static u64 invpcid(u64 type, u64 pcid, u64 address)
{
	struct descriptor descriptor = { pcid, address };

	return attempt("invpcid %0, %1", : : "m"(descriptor), "r"(type) : "memory");
}

static u64 user_invpcid(u64 unused)
{
	(void)unused;
	return invpcid(ALL, 0, 0);
}

static u64 value_there(void)
{
	return *(volatile u64 *)TEST_ADDRESS;
}

static void switching_on(u64 cr3, u64 cr4)
{
	check("CR3's bit 63 without PCIDE", FAULT_GP,
	      attempt_write_register(cr3, cr3 | NO_FLUSH));
	write_register(cr3, cr3 | 0x8);
	check("PCIDE with CR3's low bits set", FAULT_GP,
	      attempt_write_register(cr4, cr4 | CR4_PCIDE));
	write_register(cr3, cr3);
	check("PCIDE", NO_FAULT, attempt_write_register(cr4, cr4 | CR4_PCIDE));
	check("PCIDE reads back", cr4 | CR4_PCIDE, read_register(cr4));
	check("PG clear with PCIDE", FAULT_GP,
	      attempt_write_register(cr0, read_register(cr0) & ~CR0_PG));
	check("a PCID", NO_FAULT, attempt_write_register(cr3, cr3 | 0xfff));
	check("a PCID reads back", cr3 | 0xfff, read_register(cr3));
	check("CR3's bit 63 with PCIDE", NO_FAULT,
	      attempt_write_register(cr3, cr3 | 1 | NO_FLUSH));
	check("it reads as 0", cr3 | 1, read_register(cr3));
	check("CR3's bit 62", FAULT_GP, attempt_write_register(cr3, cr3 | BIT(62)));
}

/* The same address is another frame in each of two contexts. */
static void two_contexts(u64 cr3)
{
	u64 first = cr3 | 1, second = (u64)other_pml4 | 2;
	u32 wrong = 0;
	int i;

	*(u64 *)TEST_FRAME = 1;
	*(u64 *)OTHER_FRAME = 2;
	test_map(1, TEST_FRAME | PTE_ALL);
	other_pml4[0] = *(u64 *)LAYOUT_PML4;
	other_pml4[1] = (u64)other_table[0] | PTE_ALL;
	other_table[0][0] = (u64)other_table[1] | PTE_ALL;
	other_table[1][0] = (u64)other_table[2] | PTE_ALL;
	other_table[2][0] = OTHER_FRAME | PTE_ALL;
	for (i = 0; i < 50; i++) {
		write_register(cr3, first | NO_FLUSH);
		wrong += value_there() != 1;
		write_register(cr3, second | NO_FLUSH);
		wrong += value_there() != 2;
	}
	write_register(cr3, first);
	check("two contexts don't mix", 0, wrong);
}

static void remap(void)
{
	test_map(1, TEST_FRAME | PTE_ALL);
	value_there();
	*test_entry(1) = OTHER_FRAME | PTE_ALL;
}

static void flushing(u64 cr3)
{
	remap();
	write_register(cr3, cr3 | 1);
	check("MOV to CR3 flushes its PCID", 2, value_there());
	remap();
	invlpg((void *)TEST_ADDRESS);
	check("INVLPG flushes", 2, value_there());
	remap();
	write_register(cr4, read_register(cr4) & ~CR4_PCIDE);
	check("clearing PCIDE flushes", 2, value_there());
	write_register(cr3, cr3);
	write_register(cr4, read_register(cr4) | CR4_PCIDE);
	write_register(cr3, cr3 | 1);
}

static void check_invpcid(u64 cr3)
{
	remap();
	check("INVPCID of an address", NO_FAULT, invpcid(ONE_ADDRESS, 1, TEST_ADDRESS));
	check("it flushes", 2, value_there());
	remap();
	check("INVPCID of a context", NO_FAULT, invpcid(ONE_CONTEXT, 1, 0));
	check("it flushes, too", 2, value_there());
	remap();
	check("INVPCID of all contexts", NO_FAULT, invpcid(ALL, 0, 0));
	check("that flushes", 2, value_there());
	remap();
	*test_entry(1) |= PTE_GLOBAL;
	check("INVPCID of all, global ones too", NO_FAULT, invpcid(ALL_AND_GLOBAL, 0, 0));
	check("that flushes, too", 2, value_there());

	/* From another context: what was cached in the one must be gone. */
	remap();
	write_register(cr3, cr3 | 3);
	invpcid(ONE_CONTEXT, 1, 0);
	write_register(cr3, cr3 | 1 | NO_FLUSH);
	check("INVPCID of another context", 2, value_there());

	check("INVPCID, unknown type", FAULT_GP, invpcid(4, 0, 0));
	check("INVPCID, reserved bits", FAULT_GP, invpcid(ONE_CONTEXT, BIT(12), 0));
	check("INVPCID, address not canonical", FAULT_GP, invpcid(ONE_ADDRESS, 1, BIT(63)));
	user_memory(true);
	check("INVPCID in ring 3", FAULT_GP, user_call(user_invpcid, 0));
	user_memory(false);
}

void payload(void)
{
	u64 cr3 = read_register(cr3), cr4 = read_register(cr4);

	if (!cpu_has(FEATURE_PCID) || !cpu_has(FEATURE_INVPCID)) {
		check_skip("PCID", "the CPU has none");
		return;
	}
	switching_on(cr3, cr4);
	two_contexts(cr3);
	flushing(cr3);
	check_invpcid(cr3);
	write_register(cr3, cr3);
	write_register(cr4, cr4);
	check("INVPCID of PCID 1 without PCIDE", FAULT_GP, invpcid(ONE_CONTEXT, 1, 0));
	check("INVPCID of PCID 0 without PCIDE", NO_FAULT, invpcid(ONE_CONTEXT, 0, 0));
}
