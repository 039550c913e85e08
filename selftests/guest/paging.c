// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging in 64-bit mode: access rights, error codes, accessed and dirty flags,
 * reserved bits, page sizes, the TLB, control registers (SDM 3A chapter 4)
 */
#include "pages.h"
#include "rings.h"

#define RET	0xc3

/* ---- rights: all that W, U and XD of two levels can be ------------------------ */

enum access { READ, WRITE, FETCH };

static u64 rights_of(int bits)
{
	return (bits & 1 ? PTE_WRITE : 0) | (bits & 2 ? PTE_USER : 0) | (bits & 4 ? PTE_NX : 0);
}

/* SDM 3A 4.6.1, without SMEP, SMAP and keys */
static u64 expected(u64 upper, u64 lower, enum access access, bool user, bool wp)
{
	u64 both = upper & lower;
	bool fault = false;

	if (user && !(both & PTE_USER))
		fault = true;
	if (access == WRITE && !(both & PTE_WRITE) && (user || wp))
		fault = true;
	if (access == FETCH && (upper | lower) & PTE_NX)
		fault = true;
	if (!fault)
		return NO_FAULT;
	return FAULT_PF(PF_PRESENT | (access == WRITE ? PF_WRITE : 0) |
			(access == FETCH ? PF_FETCH : 0) | (user ? PF_USER : 0));
}

static u64 do_access(u64 access)
{
	switch (access) {
	case READ:
		return page_read(TEST_ADDRESS);
	case WRITE:
		return page_write(TEST_ADDRESS);
	default:
		return page_call(TEST_ADDRESS);
	}
}

/* Returns how many of the 64 combinations behave otherwise. */
static u32 count_wrong(int level, enum access access, bool user)
{
	bool wp = read_register(cr0) & CR0_WP;
	u32 wrong = 0;
	u64 seen;
	int i;

	for (i = 0; i < 64; i++) {
		u64 upper = rights_of(i & 7), lower = rights_of(i >> 3);

		test_map(level, TEST_FRAME | lower | PTE_PRESENT | (level > 1 ? PTE_LARGE : 0));
		*test_entry(level + 1) &= ~(PTE_WRITE | PTE_USER);
		*test_entry(level + 1) |= upper;
		flush_all();
		seen = user ? user_call(do_access, access) : do_access(access);
		wrong += seen != expected(upper, lower, access, user, wp);
	}
	return wrong;
}

static void set_wp(bool on)
{
	u64 cr0 = read_register(cr0);

	write_register(cr0, on ? cr0 | CR0_WP : cr0 & ~CR0_WP);
}

static void rights(void)
{
	*(u8 *)TEST_FRAME = RET;
	user_memory(true);
	check("rights, ring 0 reads, PTE and PDE", 0, count_wrong(1, READ, false));
	check("rights, ring 0 writes, PTE and PDE", 0, count_wrong(1, WRITE, false));
	check("rights, ring 0 fetches, PTE and PDE", 0, count_wrong(1, FETCH, false));
	check("rights, ring 3 reads, PTE and PDE", 0, count_wrong(1, READ, true));
	check("rights, ring 3 writes, PTE and PDE", 0, count_wrong(1, WRITE, true));
	check("rights, ring 3 fetches, PTE and PDE", 0, count_wrong(1, FETCH, true));
	check("rights, ring 0 writes, 2 MiB", 0, count_wrong(2, WRITE, false));
	check("rights, ring 3 writes, 2 MiB", 0, count_wrong(2, WRITE, true));
	set_wp(false);
	check("rights, ring 0 writes, no WP", 0, count_wrong(1, WRITE, false));
	check("rights, ring 3 writes, no WP", 0, count_wrong(1, WRITE, true));
	set_wp(true);
	user_memory(false);
}

/* ---- accessed and dirty -------------------------------------------------------- */

static u64 flags_of(int level)
{
	return *test_entry(level) & (PTE_ACCESSED | PTE_DIRTY);
}

static void accessed_and_dirty(void)
{
	int level;

	test_map(1, TEST_FRAME | PTE_ALL);
	page_read(TEST_ADDRESS);
	for (level = 4; level > 1; level--)
		if (flags_of(level) != PTE_ACCESSED)
			break;
	check("a read sets A on the way", 1, level);
	check("a read sets A, not D", PTE_ACCESSED, flags_of(1));
	page_write(TEST_ADDRESS);
	check("a write sets D", PTE_ACCESSED | PTE_DIRTY, flags_of(1));
	check("a write sets D in the PTE only", PTE_ACCESSED, flags_of(2));

	test_map(2, TEST_FRAME | PTE_ALL | PTE_LARGE);
	page_write(TEST_ADDRESS);
	check("a write sets D of 2 MiB", PTE_ACCESSED | PTE_DIRTY, flags_of(2));

	test_map(1, TEST_FRAME | PTE_PRESENT);
	check("a write that isn't allowed", FAULT_PF(PF_PRESENT | PF_WRITE),
	      page_write(TEST_ADDRESS));
	check("it doesn't set D", 0, flags_of(1) & PTE_DIRTY);
	test_map(1, TEST_FRAME | PTE_ALL);
	asm volatile("prefetcht0 (%0)" : : "r"(TEST_ADDRESS + 64));
	check("LOCK CMPXCHG that fails still writes", NO_FAULT,
	      attempt("lock cmpxchg %%rcx, 16(%0)", : : "r"(TEST_ADDRESS), "a"(1), "c"(2)
		      : "memory"));
	check("and so it sets D", PTE_DIRTY, flags_of(1) & PTE_DIRTY);
}

/* ---- what is reserved, what isn't there ---------------------------------------- */

static u64 read_with(int leaf_level, u64 leaf, int level, u64 bits)
{
	test_map(leaf_level, leaf);
	*test_entry(level) |= bits;
	flush_all();
	return page_read(TEST_ADDRESS);
}

static void reserved(void)
{
	const u64 small = TEST_FRAME | PTE_ALL, wrong = FAULT_PF(PF_PRESENT | PF_RESERVED);
	bool gb = cpu_has(FEATURE_GB_PAGES);
	u64 efer = rdmsr(MSR_EFER);

	check("bit 51 of the PTE", wrong, read_with(1, small, 1, BIT(51)));
	check("CR2 of that", TEST_ADDRESS, guest_fault()->cr2);
	check("bit 51 of the PDE", wrong, read_with(1, small, 2, BIT(51)));
	check("bit 51 of the PDPTE", wrong, read_with(1, small, 3, BIT(51)));
	check("bit 51 of the PML4E", wrong, read_with(1, small, 4, BIT(51)));
	check("PS of the PML4E", wrong, read_with(1, small, 4, PTE_LARGE));
	check("bit 13 of a PDE for 2 MiB", wrong,
	      read_with(2, TEST_FRAME | PTE_ALL | PTE_LARGE, 2, BIT(13)));
	check("a 2 MiB page's PAT flag isn't", NO_FAULT,
	      read_with(2, TEST_FRAME | PTE_ALL | PTE_LARGE, 2, BIT(12)));
	if (gb) {
		check("1 GiB page", NO_FAULT, read_with(3, PTE_ALL | PTE_LARGE, 3, 0));
		check("bit 13 of a PDPTE for 1 GiB", wrong,
		      read_with(3, PTE_ALL | PTE_LARGE, 3, BIT(13)));
	} else {
		check_skip("1 GiB page", "no 1 GiB pages");
		check_skip("bit 13 of a PDPTE for 1 GiB", "no 1 GiB pages");
	}
	check("ignored bits are ignored", NO_FAULT,
	      read_with(1, small, 1, BIT(9) | BIT(10) | BIT(11) | BIT(52) | BIT(58)));
	wrmsr(MSR_EFER, efer & ~EFER_NX);
	check("XD without NXE", wrong, read_with(1, small, 1, PTE_NX));
	wrmsr(MSR_EFER, efer);
	check("XD with NXE", NO_FAULT, read_with(1, small, 1, PTE_NX));
}

static void absent(void)
{
	int level;

	for (level = 1; level <= 4; level++) {
		static const char * const names[] = {
			"no PTE", "no PDE", "no PDPTE", "no PML4E",
		};

		/* Reserved bits mean nothing in an entry that isn't present. */
		test_map(1, TEST_FRAME | PTE_ALL);
		*test_entry(level) = (*test_entry(level) & ~PTE_PRESENT) | BIT(51);
		flush_all();
		check(names[level - 1], FAULT_PF(PF_WRITE), page_write(TEST_ADDRESS));
	}
	test_map(1, TEST_FRAME | PTE_ALL);
	check("a write across two pages", FAULT_PF(PF_WRITE),
	      attempt("movq $0, (%0)", : : "r"(TEST_ADDRESS + 0xffc) : "memory"));
	check("CR2 is the second one's", TEST_ADDRESS + 0x1000, guest_fault()->cr2);
	write_register(cr2, 0x123456789abcdef0);
	check("CR2 holds 64 bits", 0x123456789abcdef0, read_register(cr2));
}

/* ---- the TLB -------------------------------------------------------------------- */

static u64 value_there(void)
{
	return *(volatile u64 *)TEST_ADDRESS;
}

/* The page is read, then mapped elsewhere; what must flush comes after it. */
static void remap(u64 flags)
{
	test_map(1, TEST_FRAME | PTE_ALL | flags);
	value_there();
	*test_entry(1) = OTHER_FRAME | PTE_ALL | flags;
}

static void translation_lookaside(void)
{
	u64 cr4 = read_register(cr4);

	*(u64 *)TEST_FRAME = 1;
	*(u64 *)OTHER_FRAME = 2;
	write_register(cr4, cr4 | CR4_PGE);
	remap(0);
	invlpg((void *)TEST_ADDRESS);
	check("INVLPG flushes", 2, value_there());
	remap(PTE_GLOBAL);
	invlpg((void *)(TEST_ADDRESS + 0x7ff));
	check("INVLPG flushes a global page", 2, value_there());
	remap(0);
	flush_tlb();
	check("MOV to CR3 flushes", 2, value_there());
	remap(PTE_GLOBAL);
	write_register(cr4, cr4 & ~CR4_PGE);
	write_register(cr4, cr4 | CR4_PGE);
	check("changing PGE flushes a global page", 2, value_there());
	remap(0);
	*test_entry(1) = 0;
	check("INVLPG of what isn't canonical does nothing", NO_FAULT,
	      attempt("invlpg (%0)", : : "r"(BIT(63)) : "memory"));
	invlpg((void *)TEST_ADDRESS);
	check("unmapped and flushed", FAULT_PF(0), page_read(TEST_ADDRESS));
	/* What wasn't present isn't kept. */
	*test_entry(1) = TEST_FRAME | PTE_ALL;
	check("mapped again without a flush", NO_FAULT, page_read(TEST_ADDRESS));
	write_register(cr4, cr4);
}

/* ---- control registers ----------------------------------------------------------- */

static void control_registers(void)
{
	u64 cr0 = read_register(cr0), cr3 = read_register(cr3), cr4 = read_register(cr4);
	u64 word;

	check("CR0.PE clear with PG", FAULT_GP, attempt_write_register(cr0, cr0 & ~CR0_PE));
	check("CR0.PG clear in 64-bit mode", FAULT_GP,
	      attempt_write_register(cr0, cr0 & ~CR0_PG));
	check("CR0.NW without CD", FAULT_GP,
	      attempt_write_register(cr0, (cr0 | CR0_NW) & ~CR0_CD));
	check("CR0's high half", FAULT_GP, attempt_write_register(cr0, cr0 | BIT(32)));
	check("CR0.ET stays 1", NO_FAULT, attempt_write_register(cr0, cr0 & ~CR0_ET));
	check("CR0 reads as before", cr0, read_register(cr0));
	check("CR0.CD", NO_FAULT, attempt_write_register(cr0, cr0 | CR0_CD));
	check("CR0.CD reads back", cr0 | CR0_CD, read_register(cr0));
	write_register(cr0, cr0);
	check("CR3's bit 52", FAULT_GP, attempt_write_register(cr3, cr3 | BIT(52)));
	write_register(cr3, cr3 | 0x18);
	check("CR3's PWT and PCD read back", cr3 | 0x18, read_register(cr3));
	write_register(cr3, cr3);
	check("CR4.PAE clear in 64-bit mode", FAULT_GP,
	      attempt_write_register(cr4, cr4 & ~CR4_PAE));
	check("CR4's bit 31", FAULT_GP, attempt_write_register(cr4, cr4 | BIT(31)));
	check("CR4's high half", FAULT_GP, attempt_write_register(cr4, cr4 | BIT(32)));
	check("CR4 is as before", cr4, read_register(cr4));
	check("CR8's bit 4", FAULT_GP, attempt_write_register(cr8, 0x10));
	check("EFER.LME clear with PG", FAULT_GP,
	      attempt_wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_LME));
	attempt_wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_LMA);
	check("EFER.LMA can't be written", EFER_LMA, rdmsr(MSR_EFER) & EFER_LMA);
	asm volatile("lmsw %0" : : "r"((u16)(cr0 | CR0_TS)));
	check("LMSW sets TS", CR0_TS, read_register(cr0) & CR0_TS);
	asm volatile("lmsw %0" : : "r"((u16)0));
	check("LMSW can't clear PE", CR0_PE, read_register(cr0) & CR0_PE);
	write_register(cr0, cr0);
	asm volatile("smsw %0" : "=r"(word));
	check("SMSW", cr0 & 0xffff, word & 0xffff);
}

void payload(void)
{
	rights();
	accessed_and_dirty();
	reserved();
	absent();
	translation_lookaside();
	control_registers();
}
