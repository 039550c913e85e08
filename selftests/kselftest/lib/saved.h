/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's whole state, out of one vCPU and into another
 */
#ifndef LHV_TEST_SAVED_H
#define LHV_TEST_SAVED_H

#include "vm.h"

#define SAVED_MSRS	512
#define SAVED_XSAVE	KIB(16)

/* All records. Lengths are in bytes. */
struct saved {
	struct lhv_cpuid_entry cpuid[LHV_MAX_CPUID_ENTRIES];
	u32 cpuid_length;
	struct lhv_sregs sregs;
	struct lhv_tsc tsc;
	struct lhv_lapic_state lapic;
	struct lhv_msr msrs[SAVED_MSRS];
	u32 msrs_length;
	struct lhv_xcrs xcrs;
	u8 xsave[SAVED_XSAVE];
	u32 xsave_length;
	struct lhv_regs regs;
	struct lhv_debugregs debugregs;
	struct lhv_events events;
	struct lhv_mp_state mp;
};

/* A record of fixed length, and where struct saved has it; bytes. */
struct fixed_record {
	u16 type;
	u16 length;
	u32 offset;
};

#define FIXED_RECORDS	8

/* In the order of writing. */
extern const struct fixed_record fixed_records[FIXED_RECORDS];

/* One of them, out of the vCPU and into it. */
void vcpu_save_record(struct vcpu *vcpu, struct saved *saved, u32 i);
void vcpu_restore_record(struct vcpu *vcpu, const struct saved *saved, u32 i);

/* The vCPU waits for no completion. */
void vcpu_save(struct vcpu *vcpu, struct saved *saved);
/* In the order that docs/uapi.md gives. */
void vcpu_restore(struct vcpu *vcpu, struct saved *saved);

#endif /* LHV_TEST_SAVED_H */
