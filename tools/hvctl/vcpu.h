/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU and the thread that runs it. */
#ifndef HVCTL_VCPU_H
#define HVCTL_VCPU_H

#include <lhv.h>
#include <pthread.h>
#include <stdatomic.h>

#include "boot.h"
#include "cpuid.h"
#include "types.h"

struct machine;

struct vcpu {
	struct machine *machine;
	u32 id;
	int fd;			/* -1: there is no such vCPU */
	struct lhv_run *run;
	bool started;		/* there is a thread, though it may have ended */
	pthread_t thread;
	atomic_bool stop;
	atomic_bool ended;
	_Atomic pid_t tid;	/* of the thread; 0: there is none, or it has not begun */
	u64 other_exits;	/* what machine_stats() said last */
};

/* Create vCPU @id with the CPUID of @table, which is changed to fit it. */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, u32 id,
		struct cpuid_table *table);
void vcpu_destroy(struct vcpu *vcpu);

/* Bring a new vCPU to the kernel's entry point. */
int vcpu_set_entry(struct vcpu *vcpu, const struct boot_entry *entry);

/* Once per process: the signal that vcpu_kick() sends. */
int vcpu_init_signals(void);

/* Let it run, in a thread of its own, until its machine or vcpu_stop() says otherwise. */
int vcpu_start(struct vcpu *vcpu);

/* The one whose thread this is; NULL in others. */
struct vcpu *vcpu_current(void);

/* Get the thread out of the guest; it sees then that the machine stops, or is to pause. */
void vcpu_kick(struct vcpu *vcpu);
void vcpu_join(struct vcpu *vcpu);

/*
 * Have just this thread end. It may take as long as a device's register does; the machine is
 * woken then, and vcpu_ended() is true.
 */
void vcpu_stop(struct vcpu *vcpu);

static inline bool vcpu_ended(struct vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->ended, memory_order_acquire);
}

/* Did the guest ever start it? */
bool vcpu_was_run(const struct vcpu *vcpu);

#endif
