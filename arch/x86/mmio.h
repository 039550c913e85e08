/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions that reach memory which isn't there, and string I/O: decoded,
 * and carried out together with userspace
 */
#ifndef LHV_MMIO_H
#define LHV_MMIO_H

#include <linux/types.h>

#include "arch/x86/decode.h"
#include "arch/x86/gva.h"
#include "arch/x86/x86.h"
#include "hv/hv.h"

/**
 * struct lhv_mmio_op - an access under way, from its exit to its completion
 * @insn:	the instruction
 * @bytes:	its bytes, or some more
 * @fetched:	how many
 * @gpa:	the access
 * @write:	it is a write: the instruction ends with its completion
 * @value:	what is written
 * @ram:	the operand that is memory: of MOVS the other one, of INS and OUTS
 *		the only one
 * @count:	of INS and OUTS: elements
 */
struct lhv_mmio_op {
	struct lhv_insn insn;
	u8 bytes[LHV_INSN_MAX];
	u8 fetched;
	gpa_t gpa;
	bool write;
	u64 value;
	struct lhv_gva_range ram;
	u32 count;
};

/* With the vCPU. Return: 0 or -ENOMEM. */
int lhv_mmio_init(struct lhv_vcpu *vcpu);
void lhv_mmio_destroy(struct lhv_vcpu *vcpu);

/* ---- mmio.c ---- */

/**
 * lhv_mmio_access - the guest accessed memory that no slot has
 * @vcpu: the vCPU, loaded
 * @gpa: the address
 * @access: LHV_MEMORY_FAULT_*
 *
 * Does what reaches the local APIC itself, and asks userspace for the rest.
 * Context: right after the exit, interrupts on, may sleep.
 * Return: LHV_GUEST; or LHV_USER, either with LHV_EXIT_MMIO and
 * vcpu->arch.completion set, or LHV_EXIT_UNDECODED, or what the APIC wants.
 */
enum lhv_fate lhv_mmio_access(struct lhv_vcpu *vcpu, gpa_t gpa, u32 access);

/**
 * lhv_mmio_complete - userspace did the access
 * @vcpu: the vCPU, loaded
 *
 * Return: LHV_GUEST, or LHV_USER if there is another part to do.
 */
int lhv_mmio_complete(struct lhv_vcpu *vcpu);

/* run->undecoded, with the instruction's bytes as fetched. Return: LHV_USER. */
enum lhv_fate lhv_undecoded(struct lhv_vcpu *vcpu, gpa_t gpa);

/*
 * The same for an exit that tells the instruction's length, and no bytes fetched
 * yet. Return: LHV_GUEST if fetching faults, which is injected; else LHV_USER.
 */
enum lhv_fate lhv_fetch_undecoded(struct lhv_vcpu *vcpu, gpa_t gpa);

/* run->memory_fault: what was memory some moments ago can't be written now. */
enum lhv_fate lhv_memory_lost(struct lhv_vcpu *vcpu, gpa_t gpa);

/* Adds @delta to the part of a register that addresses of @size bytes use. */
void lhv_add_to_address(struct lhv_vcpu *vcpu, enum lhv_reg reg, u8 size, s64 delta);

/* ---- string_io.c ---- */

/**
 * lhv_string_io - INS or OUTS
 * @vcpu: the vCPU, loaded
 * @qualification: of the exit
 *
 * Context: right after the exit, interrupts on, may sleep.
 * Return: LHV_GUEST if it faulted or had nothing to do; LHV_USER.
 */
enum lhv_fate lhv_string_io(struct lhv_vcpu *vcpu, u64 qualification);

/* Userspace did it. Return: LHV_GUEST, or LHV_USER if memory failed. */
int lhv_string_io_complete(struct lhv_vcpu *vcpu);

#endif /* LHV_MMIO_H */
