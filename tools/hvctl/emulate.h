/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions whose operands are not all in memory, and that the module's small
 * decoder leaves to userspace. The vCPU is struct emulate: nothing here calls
 * the module, so that tests and fuzzing can use it as it is. emulate_vcpu.h is
 * the way from an exit to here and back.
 *
 * A guest is not trusted: whoever can change its code while it runs can have
 * any bytes emulated, in any state. So privileges are checked here as by the
 * processor, though it has done so before the exit.
 */
#ifndef HVCTL_EMULATE_H
#define HVCTL_EMULATE_H

#include <lhv.h>

#include "bus.h"
#include "memory.h"
#include "types.h"

enum emulate_result {
	EMULATE_DONE,		/* @regs and so on are as behind the instruction */
	EMULATE_FAULT,		/* @exception is to be delivered, RIP is as before */
	EMULATE_UNKNOWN,	/* it can't be emulated; no register has changed */
};

struct emulate_exception {
	u8 vector;
	bool has_error;
	u32 error;
	u64 payload;		/* the address of a page fault */
};

struct emulate {
	/* The machine */
	const struct guest_memory *memory;
	const struct bus *mmio;
	const struct bus *ports;
	unsigned int phys_bits;

	/* The vCPU */
	struct lhv_regs regs;
	struct lhv_sregs sregs;

	/*
	 * Has @fpu point to an XSAVE area in standard format, aligned to 64 bytes,
	 * and @fpu_features say which of its components the vCPU uses. Called if an
	 * instruction needs it. Returns false if there is none.
	 */
	bool (*load_fpu)(struct emulate *e);
	void *fpu;
	u64 fpu_features;
	void *opaque;		/* the caller's */

	/* What came of it, beside @regs */
	bool sregs_changed;
	bool fpu_changed;	/* of faults, too */
	bool step;		/* single-stepping: a debug trap is due */
	bool branched;
	u8 shadow;		/* LHV_SHADOW_* behind it */
	struct emulate_exception exception;

	u64 next_rip;		/* in the making */
};

/* Emulate the instruction at RIP; @bytes are its first @length bytes, or more. */
enum emulate_result emulate(struct emulate *e, const u8 *bytes, unsigned int length);

#endif
