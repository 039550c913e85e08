// SPDX-License-Identifier: GPL-2.0-only
#include "exec_options.h"

#include "error.h"
#include "size.h"
#include "verb_options.h"

#define TIMEOUT_MAX	31536000	/* a year */

const char exec_help[] =
"Usage: hvctl exec NAME [OPTION]... -- COMMAND [ARGUMENT]...\n"
"Run a command in a machine, by qemu-guest-agent in its guest, and wait for its end.\n"
"\n"
"  --env KEY=VALUE    a variable of the command's environment; may be repeated\n"
"  --timeout SECONDS  how long to wait (no limit); the command goes on if it takes longer\n"
"  --user NAME        who runs it, by runuser(1) in the guest (root)\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n"
"\n"
"What isn't a terminal is read to its end, 16 MiB at most, and is the command's input. Its\n"
"outputs come when it has ended, 16 MiB of each at most.\n"
"\n"
"Exit status: the command's, or 128 and the number of the signal that ended it; 1 also if\n"
"it could not be run, it took too long, or output is missing; 2 wrong usage.\n";

const char enter_help[] =
"Usage: hvctl enter NAME [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
"Have a shell, or COMMAND, of a machine's guest on this terminal, by qemu-guest-agent there.\n"
"\n"
"  --env KEY=VALUE    a variable of COMMAND's environment; may be repeated\n"
"  --user NAME        whose shell it is, or who runs COMMAND (root)\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n"
"\n"
"Ctrl-] and then q leaves, and hangs up on the shell; Ctrl-] twice sends one Ctrl-].\n"
"\n"
"Exit status: the shell's; 0 if you left; 1 also if it could not be had; 2 wrong usage.\n";

enum { OPT_ENV = OPT_FIRST, OPT_TIMEOUT, OPT_USER };

static const struct option exec_long_options[] = {
	{ "env",	required_argument,	NULL, OPT_ENV },
	OPTION_HELP,
	OPTION_NAME,
	{ "timeout",	required_argument,	NULL, OPT_TIMEOUT },
	{ "user",	required_argument,	NULL, OPT_USER },
	{ 0 }
};

static const struct option enter_long_options[] = {
	{ "env",	required_argument,	NULL, OPT_ENV },
	OPTION_HELP,
	OPTION_NAME,
	{ "user",	required_argument,	NULL, OPT_USER },
	{ 0 }
};

static int parse_option(struct exec_options *options, int option, const char *text)
{
	switch (option) {
	case OPT_ENV:
		return guest_command_add_env(&options->command, text);
	case OPT_TIMEOUT:
		return parse_number(text, "--timeout", 1, TIMEOUT_MAX, &options->timeout);
	case OPT_USER:
		return guest_command_set_user(&options->command, text);
	default:
		return -1;
	}
}

static int parse(struct exec_options *options, int argc, char **argv,
		 const struct option *long_options)
{
	struct verb_options o = { .argv = argv, .letters = ":", .options = long_options };
	int option;

	*options = (struct exec_options){ 0 };
	guest_command_cut(&options->command, &argc, argv);
	o.argc = argc;
	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (parse_option(options, option, optarg))
			return -1;
	}
	options->help = o.help;
	return o.help ? 0 : verb_options_name(&o, &options->name);
}

int exec_options_parse(struct exec_options *options, int argc, char **argv)
{
	if (parse(options, argc, argv, exec_long_options))
		return -1;
	if (!options->help && !*options->command.argv)
		return fail("say what to run: hvctl exec NAME -- COMMAND");
	return 0;
}

int enter_options_parse(struct exec_options *options, int argc, char **argv)
{
	if (parse(options, argc, argv, enter_long_options))
		return -1;
	if (options->command.env_count && !*options->command.argv)
		return fail("--env: a login shell makes its own environment; give a command: hvctl enter NAME --env KEY=VALUE -- COMMAND");
	return 0;
}
