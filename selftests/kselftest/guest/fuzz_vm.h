/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of fuzz_guest.c: a VM with slots of all kinds, what is done to it
 * while it runs, and what its vCPUs' exits must be like
 */
#ifndef LHV_TEST_FUZZ_VM_H
#define LHV_TEST_FUZZ_VM_H

#include "fuzz_guest.h"

/* Counted over all rounds, in memory that their processes share. */
struct fuzz_totals {
	u64 exits[LHV_EXIT_MEMORY_FAULT + 1];
	u64 interrupted;
	u64 programs;
	u64 ends;	/* programs that got to their end */
	u64 traps;
	u64 kicks;
	u64 noises;
};

struct fuzz_vm;

struct fuzz_vcpu {
	struct fuzz_vm *fvm;
	struct vcpu *vcpu;
	struct random random;
	pthread_t thread;
	struct fuzz_code code;
	u32 next;		/* operation */
	u64 deadline;		/* of the program, ns */
	u32 exits;		/* of the program */
	/* As after vcpu_create() */
	struct lhv_lapic_state lapic;
	u64 apic_base;
};

struct fuzz_vm {
	struct vm *vm;
	struct fuzz_totals *totals;
	struct random random;	/* the noise's */
	u32 vcpus;
	u32 programs;		/* for each vCPU to run */
	u32 done;		/* vCPUs */
	bool moved;		/* the slot is at FUZZ_MOVED */
	bool logs;		/* slot 0's writes */
	u8 *arena;		/* the small slots, with canaries between them */
	struct fuzz_vcpu vcpu[FUZZ_MAX_VCPUS];
};

#define fuzz_count(counter)	__atomic_fetch_add(&(counter), 1, __ATOMIC_RELAXED)

struct fuzz_vm *fuzz_vm_create(struct random *random, u32 vcpus, struct fuzz_totals *totals);
/* Checks the canaries, too. */
void fuzz_vm_close(struct fuzz_vm *fvm);

/* A vCPU's thread; the argument is struct fuzz_vcpu. */
void *fuzz_vcpu_thread(void *arg);

/* One thing that a VMM or its host may do at any time. */
void fuzz_noise(struct fuzz_vm *fvm);
void fuzz_kick(struct fuzz_vm *fvm, u32 vcpu);

#endif /* LHV_TEST_FUZZ_VM_H */
