// SPDX-License-Identifier: GPL-2.0-only
#include "guest_command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define USER_MAX	32	/* useradd(8) */

void guest_command_cut(struct guest_command *command, int *argc, char **argv)
{
	int i;

	*command = (struct guest_command){ .argv = argv + *argc };
	for (i = 1; i < *argc; i++) {
		if (!strcmp(argv[i], "--")) {
			command->argv = argv + i + 1;
			argv[i] = NULL;
			*argc = i;
			return;
		}
	}
}

/* What comes before '=' is a shell's idea of a name, so that env(1) takes it for no option. */
int guest_command_add_env(struct guest_command *command, const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	if (p == text || isdigit((unsigned char)*text) || *p != '=')
		return fail("--env: '%s' is not KEY=VALUE, whose KEY has letters, digits and '_'",
			    text);
	if (command->env_count == GUEST_ENV_MAX)
		return fail("--env: more than %u variables; set them in the guest", GUEST_ENV_MAX);
	command->env[command->env_count++] = text;
	return 0;
}

int guest_command_set_user(struct guest_command *command, const char *name)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || (*p && strchr("-_.", *p)))
		p++;
	if (*p || p == name || *name == '-' || p - name > USER_MAX)
		return fail("--user: '%s' is not a user's name", name);
	command->user = name;
	return 0;
}

const char **guest_command_make(const struct guest_command *command)
{
	unsigned int i, used = 0, count = command->env_count + 6;
	const char **argv;

	for (i = 0; command->argv[i]; i++)
		count++;
	/* env(1) would take it for another variable. */
	if (command->env_count && strchr(command->argv[0], '=')) {
		fail("--env: a command with '=' in its name can't have variables; run it by sh -c");
		return NULL;
	}
	argv = calloc(count, sizeof(*argv));
	if (!argv) {
		fail("out of memory");
		return NULL;
	}
	if (command->user) {
		argv[used++] = "runuser";
		argv[used++] = "-u";
		argv[used++] = command->user;
		argv[used++] = "--";
	}
	if (command->env_count)
		argv[used++] = "env";
	for (i = 0; i < command->env_count; i++)
		argv[used++] = command->env[i];
	for (i = 0; command->argv[i]; i++)
		argv[used++] = command->argv[i];
	return argv;
}

/* Between single quotes only these mean something to a shell. */
static char *quote(char *to, const char *text)
{
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'') {
			memcpy(to, "'\\''", 4);
			to += 4;
		} else {
			*to++ = *text;
		}
	}
	*to++ = '\'';
	return to;
}

char *guest_command_quote(const char * const *argv)
{
	size_t size = 1;
	char *text, *to;
	unsigned int i;

	for (i = 0; argv[i]; i++)
		size += 4 * strlen(argv[i]) + 3;
	text = malloc(size);
	if (!text) {
		fail("out of memory");
		return NULL;
	}
	to = text;
	for (i = 0; argv[i]; i++) {
		if (i)
			*to++ = ' ';
		to = quote(to, argv[i]);
	}
	*to = '\0';
	return text;
}
