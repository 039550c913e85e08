// SPDX-License-Identifier: GPL-2.0-only
/* hvctl enter */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent_find.h"
#include "enter_session.h"
#include "error.h"
#include "exec_options.h"
#include "machine_dir.h"
#include "port_options.h"
#include "verb.h"

static int enter(const char *name, struct enter_command *command)
{
	struct agent_place place;
	int lock_fd, ret;
	bool silent;

	if (agent_find(name, &place))
		return -1;
	if (!*place.enter)
		return fail("the machine %s has no port for a terminal; run it with --agent auto, or use 'hvctl exec'",
			    name);
	lock_fd = machine_dir_lock_enter(name);
	if (lock_fd < 0)
		return -1;
	ret = enter_session(place.agent, place.enter, command, &silent);
	if (ret < 0 && silent)
		agent_fail_silent(name);
	close(lock_fd);
	return ret;
}

int verb_enter(int argc, char **argv)
{
	struct exec_options options;
	struct enter_command command = { .port = ENTER_PORT };
	const char **guest_argv = NULL;
	int status;

	if (enter_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(enter_help, stdout);
		return STATUS_OK;
	}
	if (*options.command.argv) {
		guest_argv = guest_command_make(&options.command);
		if (!guest_argv)
			return verb_misused();
	}
	command.argv = guest_argv;
	command.user = options.command.user;
	status = enter(options.name, &command);
	free(guest_argv);
	return status < 0 ? verb_failed() : status;
}
