/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the emulator share. */
#ifndef HVCTL_EMULATE_IMPL_H
#define HVCTL_EMULATE_IMPL_H

#include "emulate.h"
#include "emulate_insn.h"
#include "x86_bits.h"

#define OPERAND_MAX	32

/* ---- emulate_access.c: registers and memory ---- */

static inline u64 size_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << 8 * size) - 1;
}

/* struct lhv_regs has them in the order of their numbers. */
static inline __u64 *gpr(struct emulate *e, unsigned int n)
{
	return &e->regs.rax + n;
}

/* Writing 32 bits clears the upper half; 8 or 16 leave the rest (SDM 1 3.4.1.1). */
void gpr_set(struct emulate *e, unsigned int n, unsigned int size, u64 value);

struct lhv_segment *segment(struct emulate *e, unsigned int seg);

unsigned int code_bits(const struct emulate *e);
unsigned int cpl(const struct emulate *e);
bool is_protected(const struct emulate *e);	/* not real or virtual-8086 mode */
bool is_canonical(const struct emulate *e, u64 linear);

/* An operand in memory, checked and translated: from here on nothing can fail. */
struct operand {
	u64 linear;
	unsigned int size;
	struct operand_part {
		u64 gpa;
		unsigned int size;
		u8 *ram;	/* NULL: MMIO */
	} part[2];
};

/* Returns EMULATE_DONE, or why not. */
enum emulate_result operand_prepare(struct emulate *e, struct operand *o, unsigned int seg,
				    u64 offset, unsigned int size, u8 access);

/* The processor's own accesses to descriptor tables: at CPL 0 and without segment. */
enum emulate_result operand_prepare_system(struct emulate *e, struct operand *o, u64 linear,
					   unsigned int size, u8 access);
void operand_read(struct emulate *e, const struct operand *o, void *data);
void operand_write(struct emulate *e, const struct operand *o, const void *data);
u64 operand_value(struct emulate *e, const struct operand *o);

/* The instruction's operand in memory: insn->size bytes, insn->access */
u64 effective_address(struct emulate *e, const struct insn *insn);
enum emulate_result prepare_memory(struct emulate *e, const struct insn *insn,
				   struct operand *o);

/* Read up to @size bytes of code behind the first @have. */
enum emulate_result fetch_code(struct emulate *e, u8 *bytes, unsigned int *have,
			       unsigned int size);

/* ---- faults: all return EMULATE_FAULT ---- */

enum emulate_result fault(struct emulate *e, u8 vector);
enum emulate_result fault_error(struct emulate *e, u8 vector, u32 error);

/* ---- the kinds of instructions, each in its file ---- */

enum emulate_result emulate_native(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_bit(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_string(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_push(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_pop(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_branch(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_frame(struct emulate *e, const struct insn *insn);
enum emulate_result emulate_system(struct emulate *e, const struct insn *insn);

/* A selector into a segment register, as MOV and POP do it. */
enum emulate_result load_segment(struct emulate *e, unsigned int seg, u16 selector);

/* May RIP become @rip in @cs? Returns EMULATE_DONE or a fault. */
enum emulate_result check_rip(struct emulate *e, const struct lhv_segment *cs, u64 rip);

#endif
