/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands for guests on the command line: VERB NAME [OPTION]... -- COMMAND [ARGUMENT]... */
#ifndef HVCTL_GUEST_COMMAND_H
#define HVCTL_GUEST_COMMAND_H

#include "types.h"

#define GUEST_ENV_MAX	64

struct guest_command {
	char **argv;		/* ends with NULL, and has only that if there is none */
	const char *user;	/* NULL: the agent's, which is root */
	const char *env[GUEST_ENV_MAX];	/* KEY=VALUE */
	unsigned int env_count;
};

/* Cut the command off @argv, which ends where it begins then, and @argc with it. */
void guest_command_cut(struct guest_command *command, int *argc, char **argv);

/* --env KEY=VALUE and --user NAME; -1 with a sentence */
int guest_command_add_env(struct guest_command *command, const char *text);
int guest_command_set_user(struct guest_command *command, const char *name);

/*
 * What the agent is to run: the command, by way of runuser(1) and env(1) where that takes
 * them. It ends with NULL, and free() takes it, but not its texts. NULL with a sentence
 */
const char **guest_command_make(const struct guest_command *command);

/*
 * @argv as a shell reads it, in one text, which free() takes. NULL with a sentence
 */
char *guest_command_quote(const char * const *argv);

#endif
