// SPDX-License-Identifier: GPL-2.0-only
/* Commands of agents, and CPUs: what is asked of them, and what is made of their answers. */
#include "agent_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent_vcpus.h"
#include "fake_agent.h"
#include "test.h"

#define LONG	60	/* seconds that nobody waits */

static struct fake_agent fake;
static struct agent agent;

static void start(void)
{
	fake_agent_start(&fake);
	agent = (struct agent)AGENT(fake.path);
	EXPECT(!agent_open(&agent, LONG));
}

static void end(void)
{
	agent_close(&agent);
	fake_agent_stop(&fake);
}

/* ---- commands ------------------------------------------------------------------- */

static void starts(void)
{
	static const char * const argv[] = { "printf", "%s", "a \"b\"", NULL };
	static const char * const alone[] = { "true", NULL };
	s64 pid = 0;

	fake = (struct fake_agent){
		.reply = { "{\"return\": {\"pid\": 4294967296}}\n", "{\"return\": {\"pid\": 1}}\n",
			   "{\"return\": {\"pid\": \"1\"}}\n", "{\"return\": 7}\n",
			   "{\"error\": {\"desc\": \"no such file\"}}\n" },
	};
	start();
	EXPECT(!agent_exec_start(&agent, argv, "in\0put", 6, true, &pid));
	EXPECT_EQ(pid, 4294967296);
	EXPECT(!agent_exec_start(&agent, alone, NULL, 0, false, &pid));
	EXPECT_EQ(pid, 1);
	EXPECT_FAIL(agent_exec_start(&agent, alone, NULL, 0, false, &pid), "which process");
	EXPECT_FAIL(agent_exec_start(&agent, alone, NULL, 0, false, &pid), "which process");
	EXPECT_FAIL(agent_exec_start(&agent, alone, NULL, 0, false, &pid),
		    "refuses guest-exec: no such file");
	end();
	EXPECT_HAS(fake.heard,
		   "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"printf\",\"arg\":[\"%s\",\"a \\\"b\\\"\"],\"capture-output\":true,\"input-data\":\"aW4AcHV0\"}}\n");
	EXPECT_HAS(fake.heard,
		   "{\"path\":\"true\",\"arg\":[],\"capture-output\":false}}\n");
}

/* How it ended, by what the agent says of it; and the sentence if that is nothing. */
static int poll_once(const char *status, struct agent_outcome *outcome)
{
	char reply[1024];
	int ret;

	snprintf(reply, sizeof(reply), "{\"return\": %s}\n", status);
	fake = (struct fake_agent){ .reply = { reply } };
	start();
	ret = agent_exec_poll(&agent, 7, outcome);
	end();
	EXPECT(!strcmp(fake.heard,
		       "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":7}}\n"));
	return ret;
}

static void outcomes(void)
{
	struct agent_outcome o;

	EXPECT_EQ(poll_once("{\"exited\": false}", &o), 0);
	EXPECT_EQ(poll_once("{\"exited\": true, \"exitcode\": 0}", &o), 1);
	EXPECT_EQ(o.status, 0);
	EXPECT(!o.out.size && !o.err.size && !o.out.truncated && !o.err.truncated);
	agent_exec_free(&o);
	EXPECT_EQ(poll_once("{\"exited\": true, \"exitcode\": 255}", &o), 1);
	EXPECT_EQ(o.status, 255);
	EXPECT_EQ(poll_once("{\"exited\": true, \"signal\": 9}", &o), 1);
	EXPECT_EQ(o.status, 137);
	EXPECT_EQ(poll_once("{\"exited\": true, \"exitcode\": 3, \"out-data\": \"YQBi\", \"err-data\": \"ZQ==\", \"err-truncated\": true, \"out-truncated\": false}", &o), 1);
	EXPECT_EQ(o.status, 3);
	EXPECT_EQ(o.out.size, 3);
	EXPECT(!memcmp(o.out.data, "a\0b", 3));
	EXPECT_EQ(o.err.size, 1);
	EXPECT_EQ(o.err.data[0], 'e');
	EXPECT(!o.out.truncated && o.err.truncated);
	agent_exec_free(&o);
	EXPECT(!o.out.data && !o.err.data);
}

static void bad_outcomes(void)
{
	static const char * const bad[] = {
		"7", "{}", "[]", "null", "{\"exited\": 1}",
		"{\"exited\": true}",
		"{\"exited\": true, \"exitcode\": 256}",
		"{\"exited\": true, \"exitcode\": -1}",
		"{\"exited\": true, \"signal\": 0}",
		"{\"exited\": true, \"signal\": 128}",
		"{\"exited\": true, \"exitcode\": \"0\"}",
		"{\"exited\": true, \"exitcode\": 0, \"out-data\": 7}",
		"{\"exited\": true, \"exitcode\": 0, \"out-data\": \"Y\"}",
		"{\"exited\": true, \"exitcode\": 0, \"out-data\": \"YWE=YWE=\"}",
		"{\"exited\": true, \"exitcode\": 0, \"out-data\": \"YW\\u0000E\"}",
		"{\"exited\": true, \"exitcode\": 0, \"out-data\": \"YWFh\", \"err-data\": \"?\"}",
	};
	struct agent_outcome o;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_FAIL(poll_once(bad[i], &o), "doesn't say what became of the command");
		EXPECT(!o.out.data && !o.err.data);
	}
}

/* Agents before QEMU 10.1 say so by a flag that is there, whatever its value. */
static void truncated(void)
{
	static const char head[] = "{\"return\": {\"exited\": true, \"exitcode\": 0, \"out-data\": \"";
	static const char tail[] = "\", \"out-truncated\": false}}\n";
	const size_t len = (AGENT_OUTPUT_MAX + 2) / 3 * 4;
	char *reply = malloc(sizeof(head) + len + sizeof(tail));
	struct agent_outcome o;

	strcpy(reply, head);
	memset(reply + strlen(head), 'A', len - 2);
	strcpy(reply + strlen(head) + len - 2, "==");
	strcat(reply + len, tail);
	fake = (struct fake_agent){ .reply = { reply, reply } };
	start();
	EXPECT_EQ(agent_exec_poll(&agent, 7, &o), 1);
	EXPECT_EQ(o.out.size, AGENT_OUTPUT_MAX);
	EXPECT(o.out.truncated);
	agent_exec_free(&o);
	end();
	free(reply);
}

static void waits(void)
{
	struct agent_outcome o;

	fake = (struct fake_agent){
		.reply = {
			"{\"return\": {\"exited\": false}}\n",
			"{\"return\": {\"exited\": false}}\n",
			"{\"return\": {\"exited\": true, \"exitcode\": 4}}\n",
			"{\"return\": {\"exited\": false}}\n",
			"{\"error\": {\"desc\": \"Invalid parameter 'pid'\"}}\n",
			NULL,
		},
	};
	start();
	EXPECT_EQ(agent_exec_wait(&agent, 7, 0, &o), 1);
	EXPECT_EQ(o.status, 4);
	EXPECT_EQ(agent.fd, -1);
	EXPECT_FAIL(agent_exec_wait(&agent, 7, LONG, &o), "doesn't know the command any more");
	EXPECT_FAIL(agent_exec_wait(&agent, 7, LONG, &o), "the machine has ended");
	end();
}

/* It runs for longer than anybody waits; others have the agent meanwhile. */
static void runs_on(void)
{
	struct agent_outcome o;
	unsigned int i;

	fake = (struct fake_agent){ 0 };
	for (i = 0; i < FAKE_REPLIES; i++)
		fake.reply[i] = "{\"return\": {\"exited\": false}}\n";
	start();
	EXPECT_EQ(agent_exec_wait(&agent, 7, 2, &o), 0);
	end();
	EXPECT(fake.clients > 1);
	EXPECT(fake.replied > 3 && fake.replied < FAKE_REPLIES);
}

/* ---- CPUs ----------------------------------------------------------------------- */

#define VCPU(id, online)	"{\"logical-id\": " #id ", \"online\": " #online ", \"can-offline\": true}"

static int online_vcpus(unsigned int cpus)
{
	int ret;

	fake_agent_start(&fake);
	ret = agent_online_vcpus(fake.path, cpus, LONG);
	fake_agent_stop(&fake);
	return ret;
}

static void vcpus(void)
{
	fake = (struct fake_agent){
		.reply = {
			"{\"return\": [" VCPU(0, true) "]}\n",
			"{\"return\": [" VCPU(0, true) ", " VCPU(2, false) ", " VCPU(5, false) "]}\n",
			"{\"return\": 2}\n",
			"{\"return\": [" VCPU(0, true) ", " VCPU(2, true) ", " VCPU(5, true) "]}\n",
		},
	};
	EXPECT(!online_vcpus(3));
	EXPECT_EQ(fake.replied, 4);
	EXPECT_HAS(fake.heard, "{\"execute\":\"guest-set-vcpus\",\"arguments\":{\"vcpus\":[{\"logical-id\":2,\"online\":true},{\"logical-id\":5,\"online\":true}]}}\n");
	/* More than are wanted, for instance after some went */
	fake.replied = 3;
	EXPECT(!online_vcpus(1));
	EXPECT_EQ(fake.replied, 4);
}

static void bad_vcpus(void)
{
	static const char * const bad[] = {
		"{\"return\": {}}\n", "{\"return\": [7]}\n",
		"{\"return\": [{\"logical-id\": 0}]}\n",
		"{\"return\": [{\"logical-id\": -1, \"online\": true}]}\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fake = (struct fake_agent){ .reply = { bad[i] } };
		EXPECT_FAIL(online_vcpus(1), "doesn't say which CPUs");
	}
	fake = (struct fake_agent){
		.reply = { "{\"return\": [" VCPU(1, false) "]}\n",
			   "{\"error\": {\"desc\": \"Operation not permitted\"}}\n" },
	};
	EXPECT_FAIL(online_vcpus(1), "refuses guest-set-vcpus: Operation not permitted");
	/* Too few are found. */
	fake = (struct fake_agent){ 0 };
	for (i = 0; i < FAKE_REPLIES; i++)
		fake.reply[i] = "{\"return\": [" VCPU(0, true) "]}\n";
	fake_agent_start(&fake);
	EXPECT_FAIL(agent_online_vcpus(fake.path, 2, 1), "only 1 are online, of 2");
	fake_agent_stop(&fake);
}

static const struct test_case cases[] = {
	TEST_CASE(starts),
	TEST_CASE(outcomes),
	TEST_CASE(bad_outcomes),
	TEST_CASE(truncated),
	TEST_CASE(waits),
	TEST_CASE(runs_on),
	TEST_CASE(vcpus),
	TEST_CASE(bad_vcpus),
};

TEST_SUITE(agent_exec_suite, "agent_exec", cases);
