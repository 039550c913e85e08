/* SPDX-License-Identifier: GPL-2.0-only */
/* What a machine's reply to "stats" says (docs/control.md), and how fast it changes. */
#ifndef HVCTL_MACHINE_SAMPLE_H
#define HVCTL_MACHINE_SAMPLE_H

#include <json-c/json.h>

#include "types.h"

/* Why a vCPU left the guest: the members of "reasons", and their names. */
enum exit_reason {
	REASON_INTERRUPT, REASON_IO, REASON_MMIO, REASON_MSR, REASON_CPUID, REASON_HLT, REASON_CR,
	REASON_EPT, REASON_WINDOW, REASON_PAUSE, REASON_OTHER,
	REASONS
};

extern const char * const reason_name[REASONS];

struct vcpu_sample {
	u32 id;
	u64 exits;
	u64 reason[REASONS];
};

/* Bytes that came in and went out of the guest */
enum { IO_IN, IO_OUT, IO_WAYS };

#define SAMPLE_DEVICES	32	/* more disks, or more networks, aren't looked at */

struct machine_sample {
	char state[16];
	u64 pid;
	u64 time;		/* ns, of the host's clock */
	u64 uptime;		/* ns */
	u64 cpu, guest;		/* ns of CPU time; what of it was the guest's */
	u64 memory, resident;	/* bytes */
	unsigned int vcpu_count;
	struct vcpu_sample *vcpu;
	unsigned int disks, nets;
	u64 disk[SAMPLE_DEVICES][IO_WAYS];
	u64 net[SAMPLE_DEVICES][IO_WAYS];
};

/*
 * What is missing is 0, as with another version's. Returns -1 with a sentence if there is no
 * memory.
 */
int machine_sample_take(struct machine_sample *sample, struct json_object *stats);
void machine_sample_free(struct machine_sample *sample);

/* All zeros is a sample, too. Sums of what it counted: */
u64 machine_sample_exits(const struct machine_sample *sample);
u64 machine_sample_disk(const struct machine_sample *sample);
u64 machine_sample_net(const struct machine_sample *sample);

/* Each second, but for the shares */
struct machine_rates {
	double cpu, guest;	/* percent of a host's CPU */
	double exits;
	double reason[REASONS];
	double disk, net;	/* bytes, both ways */
};

/*
 * From what happened between two samples of a machine. A counter that is less than before began
 * anew, as the guest was reset, or its vCPU came again. Returns false, and zeros, if they are of
 * different machines, or no time passed.
 */
bool machine_rates_between(const struct machine_sample *before, const struct machine_sample *now,
			   struct machine_rates *rates);

#endif
