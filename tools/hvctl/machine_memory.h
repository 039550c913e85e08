/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory a machine has, and changes of that while it runs (CHANGE_MEMORY): down to
 * what it began with, and up, by the virtio-mem device; below, by the balloon. Both take the
 * guest's help. For the thread in machine_run() alone.
 */
#ifndef HVCTL_MACHINE_MEMORY_H
#define HVCTL_MACHINE_MEMORY_H

#include "types.h"

struct machine;

/* All zeros: nothing is under way, and nothing was. */
struct machine_memory {
	bool under_way;
	bool balloon;		/* what it holds is counted: it was filled to have less memory */
	u64 from;		/* bytes at the beginning */
	u64 wanted;		/* bytes that it is to have */
	u64 missing;		/* bytes from there, when it was nearest */
	u64 deadline;		/* when the guest has had enough time to get nearer; ms */
};

/* The bytes that the guest has, and those that it may have at most. */
u64 machine_memory_size(struct machine *m);
u64 machine_memory_max(const struct machine *m);

/*
 * Can it be made @size bytes? If it grows, the host has to have that much, unless memory may
 * be overcommitted. -1 with a sentence.
 */
int machine_memory_check(struct machine *m, u64 size, bool overcommit);

/* Make it @size bytes, which was checked. It ends with machine_change_end(). */
void machine_memory_begin(struct machine *m, u64 size);

/*
 * Look how far a change has come, which ends it if it has arrived, or if the guest has got no
 * nearer for long: then it has what it has. Returns in how many ms to look again; -1: nothing
 * is under way. Not from within a control_handler.
 */
int machine_memory_serve(struct machine *m);

/* The machine was reset: what's under way is its next driver's to do, and has no reply. */
void machine_memory_reset(struct machine *m);

#endif
