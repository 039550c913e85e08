// SPDX-License-Identifier: GPL-2.0-only
#include "pages.h"

static u64 table[3][512] __attribute__((aligned(4096)));	/* PDPT, PD, page table */

u64 *test_entry(int level)
{
	return level == 4 ? (u64 *)LAYOUT_PML4 + TEST_ADDRESS / (512 * GIB(1)) : table[3 - level];
}

void flush_all(void)
{
	u64 cr4 = read_register(cr4);

	write_register(cr4, cr4 ^ CR4_PGE);
	write_register(cr4, cr4);
	flush_tlb();
}

void test_map(int level, u64 leaf)
{
	int i;

	for (i = 4; i > level; i--)
		*test_entry(i) = (u64)table[4 - i] | PTE_ALL;
	*test_entry(level) = leaf;
	flush_all();
}
