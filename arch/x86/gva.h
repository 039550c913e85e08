/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's linear addresses: segmentation and its page tables (SDM 3A
 * chapters 3 and 4), as far as the processor hasn't done them
 */
#ifndef LHV_GVA_H
#define LHV_GVA_H

#include <linux/types.h>
#include <asm/trap_pf.h>

#include "hv/hv.h"

/**
 * struct lhv_paging - what a translation depends on
 * @levels:	of page tables: 4, 3 (PAE), 2 (32-bit), or 0: paging is off
 * @root:	of 4 and 2 levels: address of the top table
 * @pdpte:	of PAE: the four entries of the top level
 * @phys_bits:	width of guest-physical addresses
 * @large_1g:	1 GiB pages exist
 * @pse:	CR4.PSE: 4 MiB pages exist with 2 levels
 * @nx:		the execute-disable bit exists
 * @wp:		CR0.WP: read-only pages are so for the supervisor too
 * @smep:	the supervisor doesn't execute user pages
 * @smap:	the supervisor doesn't access user pages' data, now
 */
struct lhv_paging {
	u8 levels;
	u64 root;
	u64 pdpte[4];
	u8 phys_bits;
	bool large_1g;
	bool pse;
	bool nx;
	bool wp;
	bool smep;
	bool smap;
};

/* The vCPU's paging as it is now. It must be loaded. */
void lhv_paging_get(struct lhv_vcpu *vcpu, struct lhv_paging *paging);

/**
 * lhv_paging_walk - translate a linear address
 * @vm: whose memory holds the tables
 * @paging: the mode
 * @linear: the address
 * @access: X86_PF_WRITE, X86_PF_INSTR, X86_PF_USER
 * @gpa: result
 * @error: on -EFAULT, the page fault's error code
 *
 * Sets accessed and dirty flags as the processor does. Context: may sleep.
 * Return: 0; -EFAULT for a page fault; -ENXIO if a table isn't in memory, or a
 * flag in it can't be set.
 */
int lhv_paging_walk(struct lhv_vm *vm, const struct lhv_paging *paging, u64 linear,
		    u32 access, gpa_t *gpa, u32 *error);

/**
 * struct lhv_gva_range - some guest memory, in one page or two
 * @gpa:	where the pieces are
 * @len:	how long they are, bytes; the second may be 0
 */
struct lhv_gva_range {
	gpa_t gpa[2];
	u32 len[2];
};

/**
 * lhv_gva_translate - translate a range of linear addresses
 * @vcpu: the vCPU, loaded
 * @linear: first address
 * @len: at most PAGE_SIZE bytes
 * @access: X86_PF_WRITE and X86_PF_INSTR; the vCPU's CPL is added
 * @range: result
 *
 * Context: may sleep. Return: 0; -EFAULT, and the page fault is injected;
 * -ENXIO as lhv_paging_walk().
 */
int lhv_gva_translate(struct lhv_vcpu *vcpu, u64 linear, u32 len, u32 access,
		      struct lhv_gva_range *range);

/* Copy a range's memory; errors as lhv_read_guest(). */
int lhv_gva_read(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range, void *data);
int lhv_gva_write(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range,
		  const void *data);

/* Is the range memory that can be written, as of now? */
bool lhv_gva_writable(struct lhv_vcpu *vcpu, const struct lhv_gva_range *range);

/* The code segment's size: 16, 32 or 64. */
int lhv_code_bits(struct lhv_vcpu *vcpu);

/* @offset in segment @index (enum lhv_seg) as linear address. */
u64 lhv_linear(struct lhv_vcpu *vcpu, int index, u64 offset);

/**
 * lhv_segment_ok - may a data access be made through a segment?
 * @vcpu: the vCPU, loaded
 * @index: enum lhv_seg, not CS being written
 * @offset: first byte
 * @len: bytes
 * @write: the access is a write
 *
 * Return: false if it's a #GP, or #SS if @index is LHV_SS, with error code 0.
 */
bool lhv_segment_ok(struct lhv_vcpu *vcpu, int index, u64 offset, u32 len, bool write);

#endif /* LHV_GVA_H */
