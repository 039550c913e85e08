// SPDX-License-Identifier: GPL-2.0-only
/* Commands for guests, as they are given and as they are passed on. */
#include "guest_command.h"

#include <stdlib.h>

#include "exec_options.h"
#include "test.h"

#define WORDS(...)	((char *[]){ __VA_ARGS__, NULL })

static struct exec_options options;

static int parse(int (*verb)(struct exec_options *options, int argc, char **argv), char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return verb(&options, argc, argv);
}

/* The command that is made of the options, as a shell would read it. */
static void expect_command(const char *text)
{
	const char **argv = guest_command_make(&options.command);
	char *quoted = argv ? guest_command_quote(argv) : NULL;

	EXPECT(quoted && !strcmp(quoted, text));
	free(quoted);
	free(argv);
}

static void commands(void)
{
	EXPECT(!parse(exec_options_parse, WORDS("exec", "web", "--", "ls", "-l", "--", "it's")));
	EXPECT(!strcmp(options.name, "web"));
	EXPECT_EQ(options.timeout, 0);
	expect_command("'ls' '-l' '--' 'it'\\''s'");
	EXPECT(!parse(exec_options_parse,
		      WORDS("exec", "--env", "A=1", "--timeout", "5", "--name", "web", "--env",
			    "_b2=x y", "--user", "www-data", "--", "id", "")));
	EXPECT(!strcmp(options.name, "web"));
	EXPECT_EQ(options.timeout, 5);
	expect_command("'runuser' '-u' 'www-data' '--' 'env' 'A=1' '_b2=x y' 'id' ''");
	EXPECT(!parse(exec_options_parse, WORDS("exec", "--help")));
	EXPECT(options.help);
	EXPECT(!parse(enter_options_parse, WORDS("enter", "web")));
	EXPECT(!*options.command.argv);
	EXPECT(!parse(enter_options_parse, WORDS("enter", "web", "--user", "me", "--", "top")));
	expect_command("'runuser' '-u' 'me' '--' 'top'");
}

static void refusals(void)
{
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web")), "say what to run");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--")), "say what to run");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "--", "ls")), "say which machine");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "ls", "--", "-l")),
		    "unexpected argument 'ls'");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--timeout", "0", "--", "a")),
		    "--timeout");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--env", "A", "--", "a")),
		    "--env: 'A' is not KEY=VALUE");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--env", "=A", "--", "a")),
		    "--env: '=A' is not KEY=VALUE");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--env", "1=A", "--", "a")),
		    "--env: '1=A' is not KEY=VALUE");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--env", "-u=A", "--", "a")),
		    "--env: '-u=A' is not KEY=VALUE");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--user", "-x", "--", "a")),
		    "--user: '-x' is not a user's name");
	EXPECT_FAIL(parse(exec_options_parse, WORDS("exec", "web", "--user", "a b", "--", "a")),
		    "--user: 'a b' is not a user's name");
	EXPECT_FAIL(parse(enter_options_parse, WORDS("enter", "web", "--env", "A=1")),
		    "--env: a login shell");
	EXPECT_FAIL(parse(enter_options_parse, WORDS("enter", "web", "--timeout", "1")),
		    "unknown or ambiguous option --timeout");
	EXPECT(!parse(exec_options_parse, WORDS("exec", "web", "--env", "A=1", "--", "a=b")));
	fail_say("(none)");
	EXPECT(!guest_command_make(&options.command));
	EXPECT_HAS(fail_text(), "can't have variables");
}

static void many_variables(void)
{
	unsigned int i;

	options = (struct exec_options){ 0 };
	for (i = 0; i < GUEST_ENV_MAX; i++)
		EXPECT(!guest_command_add_env(&options.command, "A=1"));
	EXPECT_FAIL(guest_command_add_env(&options.command, "A=1"), "more than 64 variables");
}

static const struct test_case cases[] = {
	TEST_CASE(commands),
	TEST_CASE(refusals),
	TEST_CASE(many_variables),
};

TEST_SUITE(guest_command_suite, "guest_command", cases);
