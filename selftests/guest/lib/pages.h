/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mapping to play with: the pages from TEST_ADDRESS, beyond what maps memory
 * one to one
 */
#ifndef LHV_PAYLOAD_PAGES_H
#define LHV_PAYLOAD_PAGES_H

#include "payload.h"

#define TEST_ADDRESS	0x8000000000ULL
/* Two frames to map there, which the one-to-one mapping has too. */
#define TEST_FRAME	((u64)LAYOUT_FREE + MIB(2))
#define OTHER_FRAME	(TEST_FRAME + GUEST_PAGE)

#define PTE_ALL		(PTE_PRESENT | PTE_WRITE | PTE_USER)
#define PTE_GLOBAL	BIT(8)

/* The entry of this level (4: of the PML4, 1: of the page table) for TEST_ADDRESS. */
u64 *test_entry(int level);

/*
 * Maps TEST_ADDRESS: the entry of this level is @leaf, those above allow all.
 * Nothing of what was there stays in the TLB.
 */
void test_map(int level, u64 leaf);

/* Flushes what is global, too. */
void flush_all(void);

static inline u64 page_read(u64 address)
{
	return attempt("mov (%0), %%rax", : : "r"(address) : "rax", "memory");
}

static inline u64 page_write(u64 address)
{
	return attempt("movb $1, 8(%0)", : : "r"(address) : "memory");
}

/* What is there must be a RET. */
static inline u64 page_call(u64 address)
{
	return attempt("mov %%rsp, %%rbx; call *%0; 9: mov %%rbx, %%rsp"
		       , : : "r"(address) : "rbx", "memory");
}

#endif /* LHV_PAYLOAD_PAGES_H */
