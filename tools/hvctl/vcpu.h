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
	int fd;
	struct lhv_run *run;
	pthread_t thread;
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

int vcpu_start(struct vcpu *vcpu);

/* Get the thread out of the guest; it sees then that the machine stops. */
void vcpu_kick(struct vcpu *vcpu);
void vcpu_join(struct vcpu *vcpu);

#endif
