// SPDX-License-Identifier: GPL-2.0-only
/* Conversations with agents, of which some are none. */
#include "agent_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_agent.h"
#include "test.h"

#define LONG	60	/* seconds that nobody waits */

static struct fake_agent fake;
static struct agent agent;

static void start(void)
{
	fake_agent_start(&fake);
	agent = (struct agent)AGENT(fake.path);
}

static void end(void)
{
	agent_close(&agent);
	fake_agent_stop(&fake);
}

static void talks(void)
{
	struct json_object *arguments = json_tokener_parse("{\"a\": \"b\\nc\"}"), *result;

	fake = (struct fake_agent){
		.reply = { "{\"return\": {}}\n", "{\"return\": {\"x\": 7}}\r\n",
			   "{\"return\": []}\n" },
	};
	start();
	EXPECT(!agent_ping(fake.path, LONG));
	EXPECT(!agent_open(&agent, LONG));
	EXPECT(!agent_call(&agent, "one", arguments, AGENT_REPLY_MAX, LONG, &result));
	EXPECT(!strcmp(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN),
		       "{\"x\":7}"));
	json_object_put(result);
	EXPECT(!agent_call(&agent, "two", NULL, AGENT_REPLY_MAX, LONG, NULL));
	end();
	EXPECT(!strcmp(fake.heard, "{\"execute\":\"guest-ping\"}\n"
				   "{\"execute\":\"one\",\"arguments\":{\"a\":\"b\\nc\"}}\n"
				   "{\"execute\":\"two\"}\n"));
	EXPECT_EQ(fake.clients, 2);
}

/* What was for others, whole or in part, is no reply to the first request. */
static void stale(void)
{
	static const char * const before[] = {
		"{\"return\": 1}\n{\"error\": {}}\n",
		"\xff{\"return\": 1}\n\xff{\"return\": {}}\n\xff\xff\n\n",
		"\xff{\"ret",
		"\x01\x02garbage \xff",
	};
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(before); i++) {
		fake = (struct fake_agent){
			.before = before[i / 2], .bytewise = i % 2,
			.reply = { "{\"return\": {}}\n" },
		};
		start();
		EXPECT(!agent_ping(fake.path, LONG));
		end();
	}
}

/* Ones of any length, with and without lines' ends */
static void long_stale(void)
{
	static char before[KIB(200) + 1];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		size_t len = sizeof(before) - 1 - 1000 * i;

		memset(before, 'x', len);
		before[len] = '\0';
		if (i & 1)
			before[0] = '\xff';
		if (i & 2)
			before[KIB(100)] = '\n';
		if (i & 4)
			before[len - 1] = '\n';
		fake = (struct fake_agent){
			.before = before, .reply = { "{\"return\": {}}\n" },
		};
		start();
		EXPECT(!agent_ping(fake.path, LONG));
		end();
	}
}

static void refused(void)
{
	fake = (struct fake_agent){
		.reply = {
			"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\\u001b[31m \\u0085way\\u007f\"}}\n",
			"{\"error\": {}}\n", "{\"error\": {\"desc\": []}}\n",
			"{\"return\": {}}\n",
		},
	};
	start();
	EXPECT(!agent_open(&agent, LONG));
	EXPECT_FAIL(agent_call(&agent, "guest-x", NULL, AGENT_REPLY_MAX, LONG, NULL),
		    "the guest's agent refuses guest-x: no?[31m ?way?");
	EXPECT(agent.refused && !agent.timed_out);
	EXPECT_FAIL(agent_call(&agent, "x", NULL, AGENT_REPLY_MAX, LONG, NULL),
		    "refuses x: it doesn't say why");
	EXPECT_FAIL(agent_call(&agent, "x", NULL, AGENT_REPLY_MAX, LONG, NULL),
		    "refuses x: it doesn't say why");
	/* The conversation goes on. */
	EXPECT(!agent_call(&agent, "x", NULL, AGENT_REPLY_MAX, LONG, NULL));
	EXPECT(!agent.refused);
	end();
}

static void nonsense(void)
{
	static const char * const replies[] = {
		"\n", "x\n", "[]\n", "null\n", "{}\n", "{\"return\"}\n", "{\"return\": 1} x\n",
		"{\"return\": \"\xc0\"}\n", "{\"error\": 7}\n",
		"{\"return\": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}\n", "\xff{\"return\": 1}\n",
		"{\"return\": 1\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replies); i++) {
		fake = (struct fake_agent){ .reply = { replies[i] } };
		start();
		EXPECT_FAIL(agent_ping(fake.path, LONG), "makes no sense");
		end();
	}
}

static void too_long(void)
{
	static char reply[KIB(80)];

	memset(reply, ' ', sizeof(reply) - 1);
	memcpy(reply, "{\"return\": {}}", 14);
	fake = (struct fake_agent){ .reply = { reply, reply } };
	start();
	EXPECT_FAIL(agent_ping(fake.path, LONG), "is too long; 65536 bytes are allowed");
	/* The longest that is none */
	reply[AGENT_REPLY_MAX - 1] = '\n';
	reply[AGENT_REPLY_MAX] = '\0';
	EXPECT(!agent_ping(fake.path, LONG));
	end();
}

static void hangs_up(void)
{
	fake = (struct fake_agent){ .reply = { NULL } };
	start();
	EXPECT_FAIL(agent_ping(fake.path, LONG), "the machine has ended");
	EXPECT(!agent.timed_out);
	end();
}

static void silent(void)
{
	fake = (struct fake_agent){ .reply = { "", "{\"retu", "{\"return\": {}}\n" } };
	start();
	EXPECT(!agent_open(&agent, LONG));
	EXPECT_FAIL(agent_call(&agent, "x", NULL, AGENT_REPLY_MAX, 1, NULL),
		    "doesn't answer within 1 seconds");
	EXPECT(agent.timed_out);
	EXPECT_EQ(agent.fd, -1);
	EXPECT(!agent_open(&agent, LONG));
	EXPECT(!agent.timed_out);
	EXPECT_EQ(agent_call(&agent, "x", NULL, AGENT_REPLY_MAX, 1, NULL), -1);
	EXPECT(agent.timed_out);
	EXPECT(!agent_ping(fake.path, LONG));
	fake.never_syncs = true;
	EXPECT_FAIL(agent_open(&agent, 1), "doesn't answer within 1 seconds");
	EXPECT(agent.timed_out);
	end();
}

/* Who waits for his turn gives up when nobody wants it any more. */
static void cancelled(void)
{
	fake = (struct fake_agent){ .never_syncs = true };
	start();
	agent.cancel_fd = eventfd(1, EFD_CLOEXEC);
	EXPECT_FAIL(agent_open(&agent, LONG), "nobody waits");
	EXPECT(!agent.timed_out);
	close(agent.cancel_fd);
	end();
}

static void *ping(void *opaque)
{
	return agent_ping(opaque, LONG) ? opaque : NULL;
}

/* Others wait until it is theirs, also where more do than fit into the backlog. */
static void in_turn(void)
{
	pthread_t thread[12];
	unsigned int i;
	void *failed;

	fake = (struct fake_agent){ 0 };
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		fake.reply[i] = "{\"return\": {}}\n";
	start();
	EXPECT(!agent_open(&agent, LONG));
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT(!pthread_create(&thread[i], NULL, ping, fake.path));
	agent_close(&agent);
	for (i = 0; i < ARRAY_SIZE(thread); i++) {
		pthread_join(thread[i], &failed);
		EXPECT(!failed);
	}
	end();
	EXPECT_EQ(fake.clients, ARRAY_SIZE(thread) + 1);
}

static void nobody(void)
{
	char path[300] = "/tmp/", longer[sizeof(path)];

	EXPECT_FAIL(agent_ping("/nonexistent/agent", LONG),
		    "nobody is at the socket /nonexistent/agent any more");
	memset(path + 5, 'x', 200);
	EXPECT_FAIL(agent_ping(path, LONG), "cannot connect to the socket /tmp/xxx");
	/* A long one that is there */
	fake = (struct fake_agent){ .reply = { "{\"return\": {}}\n" } };
	start();
	strcpy(longer, path);
	EXPECT(!mkdir(longer, 0700));
	strcat(longer, "/agent");
	EXPECT(!symlink(fake.path, longer));
	EXPECT(!agent_ping(longer, LONG));
	unlink(longer);
	rmdir(path);
	end();
}

static void texts(void)
{
	char clean[8];
	struct json_object *object = json_tokener_parse("{\"a\": 5, \"b\": \"5\", \"c\": -1}");
	s64 number;

	EXPECT(!strcmp(agent_clean("a\tb\x7f", clean, sizeof(clean)), "a?b?"));
	EXPECT(!strcmp(agent_clean("\xc2\x9b\xc2\xa0", clean, sizeof(clean)), "?\xc2\xa0"));
	EXPECT(!strcmp(agent_clean("1234567", clean, sizeof(clean)), "1234567"));
	EXPECT(!strcmp(agent_clean("12345678", clean, sizeof(clean)), "1234567"));
	EXPECT(!strcmp(agent_clean("12345\xe2\x80\x9c", clean, sizeof(clean)), "12345"));
	EXPECT(!strcmp(agent_clean("", clean, sizeof(clean)), ""));
	EXPECT(!agent_number(object, "a", 5, 5, &number));
	EXPECT_EQ(number, 5);
	EXPECT_EQ(agent_number(object, "a", 6, 9, &number), -1);
	EXPECT_EQ(agent_number(object, "b", 0, 9, &number), -1);
	EXPECT_EQ(agent_number(object, "c", 0, 9, &number), -1);
	EXPECT_EQ(agent_number(object, "d", 0, 9, &number), -1);
	EXPECT_EQ(agent_number(NULL, "a", 0, 9, &number), -1);
	json_object_put(object);
}

static const struct test_case cases[] = {
	TEST_CASE(talks),
	TEST_CASE(stale),
	TEST_CASE(long_stale),
	TEST_CASE(refused),
	TEST_CASE(nonsense),
	TEST_CASE(too_long),
	TEST_CASE(hangs_up),
	TEST_CASE(silent),
	TEST_CASE(cancelled),
	TEST_CASE(in_turn),
	TEST_CASE(nobody),
	TEST_CASE(texts),
};

TEST_SUITE(agent_client_suite, "agent_client", cases);
