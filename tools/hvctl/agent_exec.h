/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that a guest's agent runs: guest-exec, and what becomes of them. */
#ifndef HVCTL_AGENT_EXEC_H
#define HVCTL_AGENT_EXEC_H

#include "agent_client.h"

/* qemu-guest-agent keeps as much of each output, and drops the rest. */
#define AGENT_OUTPUT_MAX	MIB(16)

/* What goes into a command at its start, in one message */
#define AGENT_INPUT_MAX		MIB(16)

struct agent_output {
	u8 *data;
	size_t size;
	bool truncated;		/* there was more */
};

struct agent_outcome {
	int status;		/* as a shell's: its own, or 128 and the signal's number */
	struct agent_output out, err;
};

/*
 * In a conversation: start @argv, which ends with NULL; its program is looked for in the
 * agent's PATH. Its input is what @input has, and ends then. Its outputs are kept if
 * @capture. Returns -1 with a sentence, or 0 and the process' number in the guest, by which
 * the agent knows it.
 */
int agent_exec_start(struct agent *agent, const char * const *argv, const void *input,
		     size_t input_size, bool capture, s64 *pid);

/*
 * In a conversation: has @pid ended? Returns 1 and its @outcome, of which the agent keeps
 * nothing, and agent_exec_free() frees what it has; 0 if it runs; or -1 with a sentence.
 */
int agent_exec_poll(struct agent *agent, s64 pid, struct agent_outcome *outcome);

/*
 * The same until it has ended, up to @seconds, 0: as long as it takes. Returns 0 then if it
 * runs on. The agent, whose conversation is over afterwards, is had only for moments, so
 * that others have it, too; and may fall silent, for instance as the machine is paused, for a
 * minute at a time.
 */
int agent_exec_wait(struct agent *agent, s64 pid, u64 seconds, struct agent_outcome *outcome);

void agent_exec_free(struct agent_outcome *outcome);

#endif
