/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of a machine that take its guest's help, and so go on after the request that began
 * them (the command "set", docs/control.md), which is replied to when the last of its parts
 * has ended. For the thread in machine_run() alone.
 */
#ifndef HVCTL_MACHINE_CHANGE_H
#define HVCTL_MACHINE_CHANGE_H

#include "control.h"
#include "types.h"

/* What can be under way at a time, each once. */
enum change_part {
	CHANGE_CPUS,
	CHANGE_MEMORY,
	CHANGE_PARTS,
};

/* A request, as long as parts of it are under way. */
struct change_request {
	control_ticket ticket;
	u32 pending;		/* a bit for each part; 0: there is no such request */
	char error[512];	/* what failed so far; "" */
};

struct machine_change {
	struct change_request request[CHANGE_PARTS];
};

/* Is @part under way? -1 with a sentence, as another change of it has to wait. */
int machine_change_check(const struct machine_change *change, enum change_part part);

/*
 * The parts of @parts (a bit for each), which are not under way, begin for the request
 * @ticket. Each ends with machine_change_end().
 */
void machine_change_begin(struct machine_change *change, u32 parts, control_ticket ticket);

/*
 * @part, which is under way, has ended; if @ret is below 0 it failed for the reason that
 * fail() keeps. Not from within a control_handler.
 */
void machine_change_end(struct machine_change *change, struct control *control,
			enum change_part part, int ret);

#endif
