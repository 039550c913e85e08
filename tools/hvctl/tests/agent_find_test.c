// SPDX-License-Identifier: GPL-2.0-only
/* Where a machine's agent is, by what the machine says; and what it says. */
#include "agent_find.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent_vcpus.h"
#include "control.h"
#include "fake_agent.h"
#include "machine.h"
#include "machine_control.h"
#include "machine_dir.h"
#include "test.h"
#include "virtio_console.h"

static char folder[] = "/tmp/hvctl-run-XXXXXX";
static struct machine_dir dir;
static struct control *control;
static pthread_t thread;
static int stop_fd;
static char status[512];	/* JSON */

static int handle(void *opaque, const char *command, struct json_object *arguments,
		  struct json_object **result)
{
	(void)opaque;
	(void)arguments;
	EXPECT(!strcmp(command, "status"));
	*result = json_tokener_parse(status);
	return 0;
}

static void *serve(void *arg)
{
	struct pollfd fds[] = {
		{ .fd = control_fd(control), .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) > 0 && !fds[1].revents)
		control_serve(control);
	return arg;
}

static void start(void)
{
	struct sockaddr_un address;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	EXPECT(!machine_dir_claim(&dir, "web"));
	EXPECT(!machine_dir_control("web", &address));
	control = control_create(&address, "web", handle, NULL);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	EXPECT(!pthread_create(&thread, NULL, serve, NULL));
}

static void end(void)
{
	eventfd_write(stop_fd, 1);
	pthread_join(thread, NULL);
	control_destroy(control);
	close(stop_fd);
	machine_dir_release(&dir);
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
}

static void finds(void)
{
	struct agent_place place;

	start();
	strcpy(status, "{\"agent\": \"/a\", \"agent-open\": true, \"enter\": \"/e\"}");
	EXPECT(!agent_find("web", &place));
	EXPECT(!strcmp(place.agent, "/a") && !strcmp(place.enter, "/e") && place.open);
	EXPECT_FAIL(agent_fail_silent("web"), "keeps the socket /a");
	strcpy(status, "{\"agent\": \"/a\", \"agent-open\": false}");
	EXPECT(!agent_find("web", &place));
	EXPECT(!*place.enter && !place.open);
	EXPECT_FAIL(agent_fail_silent("web"), "no agent runs in the guest of the machine web");
	strcpy(status, "{\"agent\": 7, \"enter\": []}");
	EXPECT_FAIL(agent_find("web", &place), "web has no port for a guest agent; run it with --agent auto");
	EXPECT_FAIL(agent_fail_silent("web"), "no port for a guest agent");
	EXPECT_FAIL(agent_find("db", &place), "no machine db");
	end();
}

/* What is said to the user is that it failed, and only where there is an agent. */
static void takes_vcpus(void)
{
	static struct fake_agent fake;
	unsigned int before;

	fake = (struct fake_agent){
		.reply = { "{\"return\": [{\"logical-id\": 0, \"online\": true}]}\n",
			   "{\"error\": {\"desc\": \"no\"}}\n" },
	};
	start();
	fake_agent_start(&fake);
	before = said;
	snprintf(status, sizeof(status), "{\"agent\": \"%s\", \"agent-open\": true}", fake.path);
	agent_take_vcpus("web", 1);
	EXPECT_EQ(said, before);
	agent_take_vcpus("web", 1);
	EXPECT_EQ(said, before + 1);
	snprintf(status, sizeof(status), "{\"agent\": \"%s\", \"agent-open\": false}", fake.path);
	agent_take_vcpus("web", 1);
	strcpy(status, "{}");
	agent_take_vcpus("web", 1);
	EXPECT_EQ(said, before + 1);
	EXPECT_EQ(fake.replied, 2);
	fake_agent_stop(&fake);
	end();
}

/* One machine has it at a time. */
static void entered_once(void)
{
	int fd;

	start();
	fd = machine_dir_lock_enter("web");
	EXPECT(fd >= 0);
	EXPECT_FAIL(machine_dir_lock_enter("web"), "has entered the machine web already");
	close(fd);
	fd = machine_dir_lock_enter("web");
	EXPECT(fd >= 0);
	close(fd);
	EXPECT_FAIL(machine_dir_lock_enter("db"), "cannot open the machine's lock");
	end();
}

/* What a machine with these ports says of itself. */
static void tells(void)
{
	static struct machine_config config;
	static struct machine machine;
	struct port_options *ports = &config.devices.ports;
	struct json_object *result = NULL, *member;
	struct guest_memory memory;
	char expected[128];

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	config = (struct machine_config){ .name = "web", .files.kernel = "/dev/null" };
	machine = (struct machine){ .config = &config };
	EXPECT(!memory_create(&memory, MIB(4)));
	EXPECT(!port_options_add_agent(ports, "auto"));
	EXPECT(!port_options_place(ports, folder));
	machine.devices.console = virtio_console_create(ports->port, ports->count, NULL, &memory);
	EXPECT(machine.devices.console);
	EXPECT(!machine_control(&machine, "status", NULL, &result));
	snprintf(expected, sizeof(expected), "%s/agent", folder);
	EXPECT(json_object_object_get_ex(result, "agent", &member));
	EXPECT(!strcmp(json_object_get_string(member), expected));
	snprintf(expected, sizeof(expected), "%s/enter", folder);
	EXPECT(json_object_object_get_ex(result, "enter", &member));
	EXPECT(!strcmp(json_object_get_string(member), expected));
	EXPECT(json_object_object_get_ex(result, "agent-open", &member));
	EXPECT(!json_object_get_boolean(member));
	json_object_put(result);
	machine.devices.console->class->destroy(machine.devices.console);
	memory_destroy(&memory);
	EXPECT(!rmdir(folder));
}

static const struct test_case cases[] = {
	TEST_CASE(finds),
	TEST_CASE(takes_vcpus),
	TEST_CASE(entered_once),
	TEST_CASE(tells),
};

TEST_SUITE(agent_find_suite, "agent_find", cases);
