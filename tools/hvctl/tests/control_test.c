// SPDX-License-Identifier: GPL-2.0-only
/* The control socket: requests, and what is none. */
#include "control.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_client.h"
#include "machine_dir.h"
#include "machine_store.h"
#include "test.h"

static char folder[] = "/tmp/hvctl-run-XXXXXX";
static struct sockaddr_un address;
static struct machine_dir dir;
static struct control *control;
static pthread_t thread;
static int stop_fd;
static control_ticket ticket;
static bool reply_now;

/* "echo" gives its arguments back; "later" waits for the next "now"; others are refused. */
static int handle(void *opaque, const char *command, struct json_object *arguments,
		  struct json_object **result)
{
	EXPECT(opaque == &control);
	if (!strcmp(command, "later")) {
		ticket = control_current(control);
		return CONTROL_LATER;
	}
	if (!strcmp(command, "now")) {
		reply_now = true;
		return 0;
	}
	if (strcmp(command, "echo"))
		return fail("no \"%s\" here", command);
	*result = json_object_get(arguments);
	return 0;
}

static void *serve(void *arg)
{
	struct pollfd fds[] = {
		{ .fd = control_fd(control), .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		control_serve(control);
		if (reply_now) {
			reply_now = false;
			control_reply(control, ticket, fail("not today"), NULL);
			/* Once only. */
			control_reply(control, ticket, 0, NULL);
		}
	}
	return arg;
}

static void start(void)
{
	struct stat st;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	machine_store_base = "/none";
	EXPECT(!machine_dir_claim(&dir, "web"));
	EXPECT(!machine_dir_control("web", &address));
	control = control_create(&address, "web", handle, &control);
	EXPECT(control);
	EXPECT(!stat(address.sun_path, &st));
	EXPECT_EQ(st.st_mode, S_IFSOCK | 0600);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	EXPECT(!pthread_create(&thread, NULL, serve, NULL));
}

static void stop(void)
{
	eventfd_write(stop_fd, 1);
	pthread_join(thread, NULL);
	control_destroy(control);
}

static void end(void)
{
	stop();
	close(stop_fd);
	machine_dir_release(&dir);
	machine_dir_base = NULL;
	machine_store_base = NULL;
	EXPECT(!rmdir(folder));
}

static void calls(void)
{
	struct json_object *arguments = json_tokener_parse("{\"n\": [1, \"a\\nb\"]}"), *result;
	int connection;

	start();
	connection = control_connect("web");
	EXPECT(connection >= 0);
	EXPECT(!control_call(connection, "echo", json_object_get(arguments), &result));
	EXPECT(json_object_equal(arguments, result));
	json_object_put(result);
	EXPECT(!control_call(connection, "echo", NULL, &result));
	EXPECT_EQ(json_object_object_length(result), 0);
	json_object_put(result);
	EXPECT_FAIL(control_call(connection, "dance", NULL, NULL), "no \"dance\" here");
	EXPECT(!control_call(connection, "echo", NULL, NULL));
	close(connection);
	EXPECT(!control_ask("web", "echo", arguments, NULL));
	EXPECT_FAIL(control_ask("db", "echo", NULL, NULL),
		    "there is no machine db; 'hvctl list'");
	EXPECT_FAIL(control_connect("wbe"), "there is no machine wbe; 'hvctl list'");
	EXPECT_FAIL(control_connect("webb"), "there is no machine webb; perhaps web is");
	EXPECT_FAIL(control_connect("../web"), "is not a name");
	end();
}

/* What the server says to @text, of @len bytes, up to @lines lines' ends. */
static const char *talk(const char *text, size_t len, unsigned int lines)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char answer[8192];
	size_t used = 0;

	EXPECT(!connect(fd, (struct sockaddr *)&address, sizeof(address)));
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		lines = UINT32_MAX;	/* it hung up before it had read all */
	while (lines && used < sizeof(answer) - 1) {
		ssize_t n = read(fd, answer + used, 1);

		if (n <= 0)
			break;
		lines -= answer[used++] == '\n';
	}
	answer[used] = '\0';
	close(fd);
	return answer;
}

#define SAYS(text, lines, part)	EXPECT_HAS(talk(text, strlen(text), lines), part)

static void lines(void)
{
	start();
	SAYS("", 1, "{\"control\":1,\"hvctl\":");
	SAYS("", 1, "\"name\":\"web\"}\n");
	SAYS("{\"command\":\"echo\",\"id\":[7]}\n", 2, "\n{\"id\":[7],\"result\":{}}\n");
	SAYS(" {\"command\":\"echo\",\"arguments\":{\"a\":1}}\r\n{\"command\":\"x\"}\n", 3,
	     "\n{\"result\":{\"a\":1}}\n{\"error\":\"no \\\"x\\\" here\"}\n");
	SAYS("{\"id\":1}\n", 2, "{\"id\":1,\"error\":\"the request's command is no string\"}\n");
	SAYS("{\"command\":\"echo\",\"more\":1}\n", 2, "has no 'more'");
	SAYS("{\"command\":\"echo\",\"arguments\":[]}\n", 2, "arguments are no object");
	SAYS("{\"command\":7}\n", 2, "command is no string");
	SAYS("null\n", 2, "a request is an object");
	SAYS("7\n", 2, "a request is an object");
	SAYS("\n", 2, "a request is one line of JSON");
	SAYS("{\"command\":\n\"echo\"}\n", 3, "a request is one line of JSON");
	SAYS("{\"command\":\"echo\"} x\n", 2, "a request is one line of JSON");
	SAYS("{'command':'echo'}\n", 2, "a request is one line of JSON");
	SAYS("{\"command\":\"echo\",\"id\":[[[[[[[[1]]]]]]]]}\n", 2, "a request is one line of JSON");
	SAYS("{\"command\":\"\xff\"}\n", 2, "a request is one line of JSON");
	EXPECT_HAS(talk("{\"command\":\"echo\0\"}\n", 20, 2), "a request is one line of JSON");
	end();
}

static void too_long(void)
{
	static char line[CONTROL_LINE_MAX + 16];
	unsigned int i;

	start();
	memset(line, ' ', sizeof(line));
	/* The longest that is one, and a character more, which is none. */
	memcpy(line + CONTROL_LINE_MAX - 20, "{\"command\":\"echo\"}\n", 19);
	EXPECT_HAS(talk(line, CONTROL_LINE_MAX - 1, 2), "\"result\"");
	memset(line, ' ', sizeof(line));
	talk(line, sizeof(line), UINT32_MAX);
	/* Nobody else is harmed. */
	for (i = 0; i < 40; i++)
		SAYS("{\"command\":\"echo\"}\n", 2, "\"result\"");
	end();
}

static int send_lines(const char *text)
{
	int connection = control_connect("web");

	EXPECT(connection >= 0);
	EXPECT_EQ(send(connection, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	return connection;
}

/* Replies that come later: others don't wait for them, the same client's next ones do. */
static void later(void)
{
	static const char expected[] = "{\"id\":1,\"error\":\"not today\"}\n{\"id\":2,\"result\":{}}\n";
	char answer[sizeof(expected)] = "";
	int first, gone;

	start();
	first = send_lines("{\"command\":\"later\",\"id\":1}\n{\"command\":\"echo\",\"id\":2}\n");
	EXPECT(!control_ask("web", "echo", NULL, NULL));
	EXPECT_EQ(recv(first, answer, 1, MSG_DONTWAIT), -1);
	EXPECT(!control_ask("web", "now", NULL, NULL));
	EXPECT_EQ(recv(first, answer, strlen(expected), MSG_WAITALL), (ssize_t)strlen(expected));
	EXPECT(!strcmp(answer, expected));
	EXPECT_FAIL(control_call(first, "dance", NULL, NULL), "no \"dance\" here");

	/* A client that doesn't wait, whose place the next one has. */
	gone = send_lines("{\"command\":\"later\"}\n");
	EXPECT(!control_ask("web", "echo", NULL, NULL));
	close(gone);
	EXPECT(!control_ask("web", "now", NULL, NULL));
	EXPECT(!control_call(first, "echo", NULL, NULL));
	/* One that still waits when the machine ends */
	gone = send_lines("{\"command\":\"later\"}\n");
	EXPECT(!control_call(first, "echo", NULL, NULL));
	close(first);
	end();
	close(gone);
}

/* Those for whom there is no room are told by an end; when others leave there is. */
static void crowd(void)
{
	int connection[16], i;

	start();
	for (i = 0; i < 16; i++) {
		connection[i] = control_connect("web");
		EXPECT(connection[i] >= 0);
	}
	EXPECT_FAIL(control_connect("web"), "has too many clients");
	for (i = 0; i < 16; i++)
		EXPECT(!control_call(connection[i], "echo", NULL, NULL));
	for (i = 0; i < 16; i++)
		close(connection[i]);
	/* The server hears of it in its own time. */
	do {
		connection[0] = control_connect("web");
	} while (connection[0] < 0);
	EXPECT(!control_call(connection[0], "echo", NULL, NULL));
	close(connection[0]);
	end();
}

static void machines_end(void)
{
	int connection;

	start();
	connection = control_connect("web");
	stop();
	EXPECT_EQ(control_call(connection, "echo", NULL, NULL), -1);
	close(connection);
	EXPECT_FAIL(control_connect("web"), "the machine web starts or ends just now");
	close(stop_fd);
	machine_dir_release(&dir);
	EXPECT_FAIL(control_connect("web"), "there is no machine web;");
	machine_dir_base = NULL;
	machine_store_base = NULL;
	EXPECT(!rmdir(folder));
}

static const struct test_case cases[] = {
	TEST_CASE(calls),
	TEST_CASE(lines),
	TEST_CASE(too_long),
	TEST_CASE(later),
	TEST_CASE(crowd),
	TEST_CASE(machines_end),
};

TEST_SUITE(control_suite, "control", cases);
