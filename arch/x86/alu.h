/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integer arithmetic as the processor does it, with its flags
 */
#ifndef LHV_ALU_H
#define LHV_ALU_H

#include <linux/bits.h>
#include <linux/types.h>

/* The bits of an operand of @size bytes, 1 to 8. */
static inline u64 lhv_size_mask(unsigned int size)
{
	return GENMASK_ULL(8 * size - 1, 0);
}

/**
 * lhv_alu - the result of an operation, and its flags
 * @op: LHV_OP_ADD to LHV_OP_BTC
 * @dst: first operand
 * @src: second operand; not used by INC, DEC, NOT and NEG
 * @size: of both, bytes; higher bits are ignored
 * @flags: RFLAGS, in and out. What the SDM leaves undefined becomes 0 or stays
 *
 * Return: what is to be stored in the first operand. CMP, TEST and BT store
 * nothing.
 */
u64 lhv_alu(int op, u64 dst, u64 src, unsigned int size, unsigned long *flags);

#endif /* LHV_ALU_H */
