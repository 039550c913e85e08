/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the ports of a machine's guest agent are. */
#ifndef HVCTL_AGENT_FIND_H
#define HVCTL_AGENT_FIND_H

#include <limits.h>

#include "types.h"

struct agent_place {
	char agent[PATH_MAX];	/* the agent's socket */
	bool open;		/* something in the guest has the port open */
	char enter[PATH_MAX];	/* the socket for hvctl enter; "": there is none */
};

/* Ask the machine @name. -1 with a sentence, for instance that it has no port for an agent */
int agent_find(const char *name, struct agent_place *place);

/*
 * The agent of the machine @name didn't answer: make the sentence of it that tells why, by
 * whether its guest has the port open. Returns -1.
 */
int agent_fail_silent(const char *name);

#endif
