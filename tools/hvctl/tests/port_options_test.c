// SPDX-License-Identifier: GPL-2.0-only
#include "port_options.h"

#include <stdio.h>

#include "test.h"

static struct port_options options;

static void start(void)
{
	memset(&options, 0, sizeof(options));
}

static void ports(void)
{
	start();
	EXPECT(!port_options_add(&options, "name=org.example.A_b-0,socket=/tmp/a b=c"));
	EXPECT(!port_options_add(&options, "socket=s,name=0"));
	EXPECT(!port_options_add_agent(&options, "agent.sock"));
	EXPECT_EQ(options.count, 3);
	EXPECT(!strcmp(options.port[0].name, "org.example.A_b-0"));
	EXPECT(!strcmp(options.port[0].socket, "/tmp/a b=c"));
	EXPECT(!strcmp(options.port[1].name, "0"));
	EXPECT(!strcmp(options.port[1].socket, "s"));
	EXPECT(!strcmp(options.port[2].name, "org.qemu.guest_agent.0"));
	EXPECT(!strcmp(options.port[2].socket, "agent.sock"));
}

static void refusals(void)
{
	static const struct { const char *text, *sentence; } bad[] = {
		{ "", "name=NAME,socket=PATH" },
		{ "name=a", "name=NAME,socket=PATH" },
		{ "socket=a", "name=NAME,socket=PATH" },
		{ "name=,socket=a", "name needs a value: name=NAME" },
		{ "name=a,socket", "socket needs a value: socket=PATH" },
		{ "name=a,name=b,socket=a", "name is given twice" },
		{ "a", "'a' is none of name and socket; a port is given as" },
		{ "name=a,socket=b,c", "'c' is none of name and socket" },
		{ "name=a/b,socket=a", "'a/b' is not a name" },
		{ "name=.a,socket=a", "'.a' is not a name" },
		{ "name=a b,socket=a", "'a b' is not a name" },
		{ "name=first,socket=a", "there is a port first already" },
		{ "name=a,socket=first.sock", "first.sock is another port's already" },
	};
	unsigned int i;

	start();
	EXPECT(!port_options_add(&options, "name=first,socket=first.sock"));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_FAIL(port_options_add(&options, bad[i].text), bad[i].sentence);
		EXPECT(!strncmp(fail_text(), "--port: ", 8));
	}
	EXPECT_EQ(options.count, 1);
	EXPECT_FAIL(port_options_add_agent(&options, ""), "--agent: say where");
	EXPECT(!port_options_add_agent(&options, "a"));
	EXPECT_FAIL(port_options_add_agent(&options, "b"),
		    "--agent: there is a port org.qemu.guest_agent.0 already");
}

/* Sockets in the machine's folder, which is known later */
static void in_the_folder(void)
{
	char longest[PORT_SOCKET_MAX];

	start();
	EXPECT(!port_options_add(&options, "name=a,socket=agent"));
	EXPECT(!port_options_add_agent(&options, "auto"));
	EXPECT_EQ(options.count, 3);
	EXPECT_EQ(port_options_find(&options, "org.qemu.guest_agent.0"), 2);
	EXPECT_EQ(port_options_find(&options, "org.lhv.enter.0"), 3);
	EXPECT_EQ(port_options_find(&options, "b"), 0);
	EXPECT_FAIL(port_options_add_agent(&options, "auto"), "--agent: there is a port org.qemu");
	EXPECT_FAIL(port_options_place(&options, ""), "--agent: there is no folder");
	EXPECT(!port_options_place(&options, "/run/lhv/web"));
	EXPECT(!strcmp(options.port[0].socket, "agent"));
	EXPECT(!strcmp(options.port[1].socket, "/run/lhv/web/agent"));
	EXPECT(!strcmp(options.port[2].socket, "/run/lhv/web/enter"));
	/* Once */
	EXPECT(!port_options_place(&options, ""));

	start();
	EXPECT(!port_options_add_agent(&options, "auto"));
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 6] = 0;
	EXPECT_FAIL(port_options_place(&options, longest), "too long for a socket");
	longest[sizeof(longest) - 7] = 0;
	EXPECT(!port_options_place(&options, longest));
	start();
	EXPECT(!port_options_place(&options, ""));
}

static void limits(void)
{
	char name[6 + PORT_NAME_MAX + 1 + 10], path[PORT_SOCKET_MAX + 1], text[300];
	unsigned int i;

	start();
	memset(path, 'p', sizeof(path));
	path[PORT_SOCKET_MAX] = 0;
	EXPECT_FAIL(port_options_add_agent(&options, path), "--agent: a name of 108 bytes");
	path[PORT_SOCKET_MAX - 1] = 0;
	EXPECT(!port_options_add_agent(&options, path));
	EXPECT_EQ(strlen(options.port[0].socket), 107);
	snprintf(text, sizeof(text), "name=a,socket=p%s", path);
	EXPECT_FAIL(port_options_add(&options, text), "--port: socket: a name of 108 bytes");
	memset(name, 'n', PORT_NAME_MAX + 1);
	name[PORT_NAME_MAX + 1] = 0;
	snprintf(text, sizeof(text), "name=%s,socket=a", name);
	EXPECT_FAIL(port_options_add(&options, text), "is not a name; use up to 63");
	snprintf(text, sizeof(text), "name=%s,socket=a", name + 1);
	EXPECT(!port_options_add(&options, text));
	EXPECT_EQ(strlen(options.port[1].name), 63);
	for (i = 2; i < PORTS_MAX; i++) {
		snprintf(text, sizeof(text), "name=%u,socket=%u", i, i);
		EXPECT(!port_options_add(&options, text));
	}
	EXPECT_FAIL(port_options_add(&options, "name=x,socket=x"), "more than 15 ports");
	EXPECT_EQ(options.count, PORTS_MAX);
}

static const struct test_case cases[] = {
	TEST_CASE(ports), TEST_CASE(refusals), TEST_CASE(in_the_folder), TEST_CASE(limits),
};
TEST_SUITE(port_options_suite, "port_options", cases);
