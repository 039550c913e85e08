// SPDX-License-Identifier: GPL-2.0-only
/*
 * Supervisor-mode execution and access prevention (SDM 3A 4.6)
 */
#include "pages.h"
#include "rings.h"

#define RET		0xc3
#define FLAGS_AC	BIT(18)
#define FAULT_FETCH	FAULT_PF(PF_PRESENT | PF_FETCH)
#define FAULT_READ	FAULT_PF(PF_PRESENT)
#define FAULT_WRITE	FAULT_PF(PF_PRESENT | PF_WRITE)

struct __attribute__((packed)) table_register {
	u16 limit;
	u64 base;
};

static void stac(void)
{
	asm volatile(".byte 0x0f, 0x01, 0xcb" : : : "memory");
}

static void clac(void)
{
	asm volatile(".byte 0x0f, 0x01, 0xca" : : : "memory");
}

/* Code for an alias: only what is in registers. */
static u64 user_read(u64 address)
{
	u64 value;

	asm volatile("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static u64 user_nothing(u64 unused)
{
	return unused;
}

static u64 user_stac(u64 unused)
{
	stac();
	return unused;
}

static u64 user_load_ds(u64 selector)
{
	asm volatile("mov %0, %%ds" : : "r"((u32)selector) : "memory");
	return 0;
}

static void smep(u64 cr4)
{
	*(u8 *)TEST_FRAME = RET;
	test_map(1, TEST_FRAME | PTE_ALL);
	check("ring 0 executes a user page without SMEP", NO_FAULT, page_call(TEST_ADDRESS));
	write_register(cr4, cr4 | CR4_SMEP);
	check("SMEP reads back", cr4 | CR4_SMEP, read_register(cr4));
	check("ring 0 executes a user page with SMEP", FAULT_FETCH, page_call(TEST_ADDRESS));
	check("CR2 of that", TEST_ADDRESS, guest_fault()->cr2);
	check("RIP of that", TEST_ADDRESS, guest_fault()->rip);
	check("SMEP doesn't keep ring 0 from reading", NO_FAULT, page_read(TEST_ADDRESS));
	write_register(cr0, read_register(cr0) & ~CR0_WP);
	check("SMEP without WP", FAULT_FETCH, page_call(TEST_ADDRESS));
	write_register(cr0, read_register(cr0) | CR0_WP);
	*test_entry(3) &= ~PTE_USER;
	flush_all();
	check("a PDPTE without U makes it the supervisor's", NO_FAULT, page_call(TEST_ADDRESS));
	check("ring 3 runs with SMEP", NO_FAULT, user_call_alias(user_nothing, 0));
	write_register(cr4, cr4);
}

static void smap_access(u64 cr4)
{
	test_map(1, TEST_FRAME | PTE_ALL);
	check("ring 0 reads a user page without SMAP", NO_FAULT, page_read(TEST_ADDRESS));
	write_register(cr4, cr4 | CR4_SMAP);
	check("SMAP reads back", cr4 | CR4_SMAP, read_register(cr4));
	check("ring 0 reads, AC clear", FAULT_READ, page_read(TEST_ADDRESS));
	check("CR2 of that read", TEST_ADDRESS, guest_fault()->cr2);
	check("ring 0 writes, AC clear", FAULT_WRITE, page_write(TEST_ADDRESS));
	check("ring 0 executes, AC clear", NO_FAULT, page_call(TEST_ADDRESS));
	stac();
	check("STAC sets AC", FLAGS_AC, read_flags() & FLAGS_AC);
	check("ring 0 reads, AC set", NO_FAULT, page_read(TEST_ADDRESS));
	check("ring 0 writes, AC set", NO_FAULT, page_write(TEST_ADDRESS));
	clac();
	check("CLAC clears AC", 0, read_flags() & FLAGS_AC);
	check("reads again, AC clear", FAULT_READ, page_read(TEST_ADDRESS));
	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq" : : : "memory");
	check("POPF sets AC, too", NO_FAULT, page_read(TEST_ADDRESS));
	clac();
	write_register(cr0, read_register(cr0) & ~CR0_WP);
	check("ring 0 writes without WP, AC clear", FAULT_WRITE, page_write(TEST_ADDRESS));
	write_register(cr0, read_register(cr0) | CR0_WP);
	*test_entry(2) &= ~PTE_USER;
	flush_all();
	check("a PDE without U makes it the supervisor's", NO_FAULT, page_read(TEST_ADDRESS));

	test_map(1, TEST_FRAME | PTE_PRESENT | PTE_USER);
	stac();
	check("a read-only user page, AC set", FAULT_WRITE, page_write(TEST_ADDRESS));
	clac();
	write_register(cr4, cr4);
}

static void ring_3(u64 cr4)
{
	test_map(1, TEST_FRAME | PTE_ALL);
	write_register(cr4, cr4 | CR4_SMAP | CR4_SMEP);
	check("ring 3 reads its page", NO_FAULT, user_call_alias(user_read, TEST_ADDRESS));
	check("ring 3 reads the supervisor's", FAULT_PF(PF_PRESENT | PF_USER),
	      user_call_alias(user_read, LAYOUT_SCRATCH));
	check("STAC in ring 3", FAULT_UD, user_call_alias(user_stac, 0));
	write_register(cr4, cr4);
}

/*
 * What the processor itself reads of a table is the supervisor's access, whatever
 * AC and CPL are. The table's second page is tried, as the first has the segments
 * of the handlers.
 */
static void implicit(u64 cr4)
{
	const struct table_register two_pages = { 0x1fff, TEST_ADDRESS };
	const struct table_register usual = { 0xfff, LAYOUT_GDT };
	u64 *second = test_entry(1) + 1;
	const u32 data = 0x1008, user_data = 0x1013;

	*(u64 *)(OTHER_FRAME + 0x08) = *gdt_entry(SELECTOR_DATA);
	*(u64 *)(OTHER_FRAME + 0x10) = *gdt_entry(SELECTOR_USER_DATA);
	*second = OTHER_FRAME | PTE_ALL;
	test_map(1, LAYOUT_GDT | PTE_PRESENT | PTE_WRITE);
	write_register(cr4, cr4 | CR4_SMAP);
	asm volatile("lgdt %0" : : "m"(two_pages));
	check("a descriptor in a user page, AC clear", FAULT_READ,
	      attempt("mov %0, %%ds", : : "r"(data) : "memory"));
	check("CR2 of that descriptor", TEST_ADDRESS + data, guest_fault()->cr2);
	stac();
	check("a descriptor in a user page, AC set", FAULT_READ,
	      attempt("mov %0, %%ds", : : "r"(data) : "memory"));
	clac();
	check("a descriptor in a user page, ring 3", FAULT_READ,
	      user_call_alias(user_load_ds, user_data));
	*second &= ~PTE_USER;
	flush_all();
	check("a descriptor in the supervisor's page", NO_FAULT,
	      attempt("mov %0, %%ds", : : "r"(data) : "memory"));
	check("a descriptor in the supervisor's page, ring 3", NO_FAULT,
	      user_call_alias(user_load_ds, user_data));
	asm volatile("lgdt %0" : : "m"(usual));
	*second = 0;
	write_register(cr4, cr4);
}

void payload(void)
{
	u64 cr4 = read_register(cr4);

	if (cpu_has(FEATURE_SMEP))
		smep(cr4);
	else
		check_skip("SMEP", "the CPU has none");
	if (!cpu_has(FEATURE_SMAP)) {
		check_skip("SMAP", "the CPU has none");
		return;
	}
	smap_access(cr4);
	ring_3(cr4);
	implicit(cr4);
}
