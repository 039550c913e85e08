// SPDX-License-Identifier: GPL-2.0-only
/* A guest's terminal on this one: the test is the guest, its agent, and who types. */
#include "enter_session.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fake_agent.h"
#include "test.h"

#define RUNS	"{\"return\": {\"pid\": 7, \"exited\": false}}\n"
#define FAILED	100	/* the child's status */

static struct fake_agent fake;
static struct sockaddr_un address;
static int listen_fd, port_fd, terminal_fd;
static pid_t child;
static char token[ENTER_TOKEN_SIZE];

/* On the terminal: what hvctl enter does, and says. */
static void session(void)
{
	struct enter_command command = { .port = "port" };
	bool silent;
	int ret;

	say_nothing = false;
	ret = enter_session(fake.path, address.sun_path, &command, &silent);
	if (ret < 0) {
		printf("%s\n", fail_text());
		fflush(stdout);
	}
	_exit(ret < 0 ? FAILED : ret);
}

/* The token is the argument after the port. */
static void find_token(void)
{
	const char *at;

	while (!*(volatile unsigned int *)&fake.replied)
		poll(NULL, 0, 10);
	at = strstr(fake.heard, "\"port\",\"");
	EXPECT(at);
	if (at)
		snprintf(token, sizeof(token), "%s", at + 8);
	EXPECT_EQ(strlen(token), ENTER_TOKEN_SIZE - 1);
}

/* @status is what becomes of the script when it is asked for. */
static void start(const char *status)
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };
	unsigned int i;

	fake = (struct fake_agent){ .reply = { "{\"return\": {\"pid\": 7}}\n" } };
	for (i = 1; i < FAKE_REPLIES; i++)
		fake.reply[i] = status;
	fake_agent_listen(&fake);
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s.port", fake.path);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(!bind(listen_fd, (struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(listen_fd, 4));
	child = forkpty(&terminal_fd, NULL, NULL, &size);
	EXPECT(child >= 0);
	if (!child)
		session();
	fake_agent_serve(&fake);
	port_fd = accept(listen_fd, NULL, NULL);
	EXPECT(port_fd >= 0);
	find_token();
}

static bool is_raw(void)
{
	struct termios termios;

	EXPECT(!tcgetattr(terminal_fd, &termios));
	return !(termios.c_lflag & ICANON);
}

static void end(int wanted)
{
	int status;

	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), wanted);
	EXPECT(!is_raw());
	close(terminal_fd);
	close(port_fd);
	close(listen_fd);
	unlink(address.sun_path);
	fake_agent_stop(&fake);
}

static void guest_says(const char *text)
{
	EXPECT_EQ(send(port_fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* At once, as after the last mark there may be nobody who listens. */
static void guest_marks_and_says(const char *text, const char *more)
{
	char mark[128];

	snprintf(mark, sizeof(mark), "\036%s:%s\036%s", token, text, more);
	guest_says(mark);
}

static void guest_marks(const char *text)
{
	guest_marks_and_says(text, "");
}

static void type(const char *keys)
{
	EXPECT_EQ(write(terminal_fd, keys, strlen(keys)), strlen(keys));
}

/* Reads as long as what comes is a beginning of that, and no longer. */
static void expect_from(int fd, const char *text)
{
	char got[256] = "";
	size_t used = 0;

	while (used < strlen(text) && read(fd, got + used, 1) == 1 && got[used] == text[used])
		used++;
	EXPECT_EQ(used, strlen(text));
	EXPECT(!strcmp(got, text));
}

static void shows_and_types(void)
{
	struct winsize size = { .ws_row = 40, .ws_col = 120 };

	start(RUNS);
	guest_says("of somebody else's");
	type("ear");
	guest_marks("tty /dev/pts/9");
	guest_says("$ ");
	expect_from(terminal_fd, "$ ");
	EXPECT(is_raw());
	type("ly\003\r");
	expect_from(port_fd, "early\003\r");
	EXPECT_HAS(fake.heard, "stty sane rows 25 cols 80 ");
	EXPECT(!ioctl(terminal_fd, TIOCSWINSZ, &size));
	while (!strstr(fake.heard, "\"stty\""))
		poll(NULL, 0, 10);
	EXPECT_HAS(fake.heard, "{\"path\":\"stty\",\"arg\":[\"-F\",\"\\/dev\\/pts\\/9\",\"rows\",\"40\",\"cols\",\"120\"]");
	guest_says("bye");
	guest_marks_and_says("end 5", "late");
	expect_from(terminal_fd, "bye");
	end(5);
}

static void leaves(void)
{
	start(RUNS);
	guest_marks("tty /dev/pts/9");
	guest_says("$ ");
	expect_from(terminal_fd, "$ ");
	type("\035\035");
	expect_from(port_fd, "\035");
	type("\035q");
	end(0);
	/* Also before there is a shell */
	start(RUNS);
	type("\035q");
	end(0);
	start(RUNS);
	EXPECT(!kill(child, SIGTERM));
	end(128 + SIGTERM);
}

/* Without a terminal of the guest's, lines are typed. */
static void plain(void)
{
	start(RUNS);
	guest_marks("tty");
	expect_from(terminal_fd, "hvctl: the guest has no script(1)");
	EXPECT(!is_raw());
	type("line\n");
	expect_from(port_fd, "line\n");
	guest_marks("end 0");
	end(0);
}

static void fails(const char *sentence)
{
	expect_from(terminal_fd, sentence);
	end(FAILED);
}

static void ends_otherwise(void)
{
	start(RUNS);
	shutdown(port_fd, SHUT_RDWR);
	fails("the machine has ended");
	start("{\"return\": {\"exited\": true, \"exitcode\": 71}}\n");
	fails("the guest doesn't see its port org.lhv.enter.0");
	start("{\"return\": {\"exited\": true, \"exitcode\": 72}}\n");
	fails("another process in the guest has its port");
	start("{\"return\": {\"exited\": true, \"signal\": 9}}\n");
	fails("the guest's shell has ended without a word");
	start("{\"error\": {\"desc\": \"?\"}}\n");
	fails("the guest's agent doesn't know the command any more");
	start(RUNS);
	guest_marks("tty /dev/pts/9");
	guest_marks("end");
	fails("the guest's shell was ended by something else");
}

static const struct test_case cases[] = {
	TEST_CASE(shows_and_types),
	TEST_CASE(leaves),
	TEST_CASE(plain),
	TEST_CASE(ends_otherwise),
};

TEST_SUITE(enter_session_suite, "enter_session", cases);
