/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal of the guest's on this one, for as long as its shell lives. */
#ifndef HVCTL_ENTER_SESSION_H
#define HVCTL_ENTER_SESSION_H

#include "enter_script.h"

/*
 * Have the agent at the socket @agent run what is asked for by @command, whose token, size
 * and terminal are made here, on the port at the socket @port. hvctl's input, which is a
 * terminal, and its output are that command's meanwhile. Returns its status, 0 if the user
 * left, or 128 and the number of the signal that ended hvctl; or -1 with a sentence.
 * @silent: it failed because the agent doesn't answer.
 */
int enter_session(const char *agent, const char *port, struct enter_command *command,
		  bool *silent);

#endif
