// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"
#include "test.h"

#define ESC "\x1d"

static struct console c;

static int type(const char *text)
{
	return console_filter(&c, (const u8 *)text, strlen(text));
}

static void expect_input(const char *text)
{
	EXPECT_EQ(c.input_used, strlen(text));
	EXPECT(!memcmp(c.input, text, strlen(text)));
	console_consume(&c, c.input_used);
}

static void escapes(void)
{
	memset(&c, 0, sizeof(c));
	EXPECT_EQ(type("ls -l\n"), 0);
	expect_input("ls -l\n");
	EXPECT_EQ(type("q"), 0);
	expect_input("q");
	EXPECT_EQ(type(ESC), 0);
	EXPECT_EQ(c.input_used, 0);
	EXPECT_EQ(type("q"), -1);
	EXPECT_EQ(type("a" ESC "qb"), -1);
	expect_input("a");
	EXPECT_EQ(type(ESC ESC), 0);
	expect_input(ESC);
	EXPECT_EQ(type(ESC "x" "y"), 0);
	expect_input(ESC "xy");
	EXPECT_EQ(type(ESC ESC "q"), 0);
	expect_input(ESC "q");
	EXPECT_EQ(type(ESC "d"), 0);
	expect_input(ESC "d");
	c.detaches = true;
	EXPECT_EQ(type(ESC "d"), -1);
	EXPECT_EQ(type(ESC "q"), -1);
}

/* The guest's terminal learns of the end only if it is to. */
static void end_of_input(void)
{
	unsigned int tells;
	int fds[2];

	for (tells = 0; tells < 2; tells++) {
		memset(&c, 0, sizeof(c));
		c.tells_end = tells;
		EXPECT(!pipe(fds));
		c.in_fd = fds[0];
		EXPECT_EQ(write(fds[1], "x", 1), 1);
		close(fds[1]);
		EXPECT(!console_read(&c));
		expect_input("x");
		EXPECT(!console_read(&c));
		EXPECT_EQ(c.in_fd, -1);
		expect_input(tells ? "\x04\x04" : "");
		close(fds[0]);
	}
}

/* However much is typed, only so much is kept, and quitting works. */
static void overflow(void)
{
	unsigned int i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < CONSOLE_INPUT + 10; i++)
		EXPECT_EQ(type(i % 2 ? "b" : "a"), 0);
	EXPECT_EQ(c.input_used, CONSOLE_INPUT);
	EXPECT_EQ(type(ESC "x"), 0);
	console_consume(&c, 1);
	EXPECT_EQ(c.input[0], 'b');
	EXPECT_EQ(type(ESC "q"), -1);
}

static void output(void)
{
	char path[] = "/tmp/hvctl-console-XXXXXX";
	int fd = mkstemp(path);
	u8 back[8192];
	unsigned int i;

	close(fd);
	EXPECT(!console_open(&c, "--console", path));
	EXPECT(console_put(&c, 'x'));	/* the first wakes */
	EXPECT(!console_put(&c, 'y'));
	EXPECT(console_flush(&c));
	EXPECT(!console_put(&c, 'z'));	/* still expected back */
	EXPECT(console_flush(&c));
	EXPECT(!console_flush(&c));
	EXPECT(console_put(&c, '!'));
	for (i = 0; i < 5000; i++)
		console_put(&c, 'a' + i % 26);
	console_close(&c);

	fd = open(path, O_RDONLY);
	EXPECT_EQ(read(fd, back, sizeof(back)), 5004);
	EXPECT(!memcmp(back, "xyz!abc", 7));
	EXPECT_EQ(back[5003], 'a' + 4999 % 26);
	close(fd);
	unlink(path);
}

/* A reader that never reads can hold up neither the main thread nor the end. */
static void slow_reader(void)
{
	int pipe_fd[2];
	unsigned int i;

	EXPECT(!console_open(&c, "--console", "none"));
	EXPECT(!pipe(pipe_fd));
	fcntl(pipe_fd[1], F_SETPIPE_SZ, 4096);
	c.out_fd = pipe_fd[1];
	for (i = 0; i < CONSOLE_BUFFER; i++)
		console_put(&c, 'a');
	EXPECT(console_flush(&c));
	EXPECT_EQ(c.used, 0);
	for (i = 0; i < CONSOLE_BUFFER; i++)
		console_put(&c, 'b');
	EXPECT(console_flush(&c));
	EXPECT_EQ(c.used, CONSOLE_BUFFER);
	console_set_waiting(&c, false);
	console_put(&c, 'c');
	EXPECT_EQ(c.used, CONSOLE_BUFFER);
	close(pipe_fd[0]);
	console_close(&c);
}

static void places(void)
{
	EXPECT_FAIL(console_open(&c, "--console", "/nonexistent/file"), "--console: cannot write");
	EXPECT(!console_open(&c, "--console", "none"));
	EXPECT(!console_wants_input(&c));
	console_put(&c, 'x');
	console_close(&c);
}

/* On a terminal: what is typed, until Ctrl-] q; "!" ends in a crash. */
static void terminal_child(void)
{
	if (console_open(&c, "--console", "stdio"))
		_exit(1);
	console_put(&c, '>');
	console_flush(&c);
	while (console_wants_input(&c) && !console_read(&c)) {
		if (memchr(c.input, '!', c.input_used))
			raise(SIGABRT);
		if (memchr(c.input, '~', c.input_used)) {
			console_suspend(&c);
			raise(SIGSTOP);
			console_resume(&c);
			console_put(&c, '>');
		}
		while (c.input_used) {
			console_put(&c, c.input[0]);
			console_consume(&c, 1);
		}
		console_flush(&c);
	}
	console_close(&c);
	_exit(0);
}

static bool is_raw(int fd)
{
	struct termios now;

	tcgetattr(fd, &now);
	return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void expect_char(int fd, char want)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char got = 0;

	EXPECT(poll(&pfd, 1, 5000) == 1 && read(fd, &got, 1) == 1);
	EXPECT_EQ(got, want);
}

static pid_t start_terminal(int *fd)
{
	pid_t pid = forkpty(fd, NULL, NULL, NULL);

	EXPECT(pid >= 0);
	if (!pid)
		terminal_child();
	expect_char(*fd, '>');
	EXPECT(is_raw(*fd));
	return pid;
}

static void terminal(void)
{
	int fd, status;
	pid_t pid = start_terminal(&fd);

	/* Ctrl-C is the guest's; nothing is echoed but by the guest. */
	EXPECT_EQ(write(fd, "\3x", 2), 2);
	expect_char(fd, 3);
	expect_char(fd, 'x');
	EXPECT_EQ(write(fd, "~", 1), 1);
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	EXPECT(WIFSTOPPED(status) && !is_raw(fd));
	kill(pid, SIGCONT);
	expect_char(fd, '>');
	expect_char(fd, '~');
	EXPECT(is_raw(fd));
	EXPECT_EQ(write(fd, ESC "q", 2), 2);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT(!is_raw(fd));
	close(fd);
}

static void terminal_crash(void)
{
	int fd, status;
	pid_t pid = start_terminal(&fd);

	EXPECT_EQ(write(fd, "!", 1), 1);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	EXPECT(!is_raw(fd));
	close(fd);
}

static const struct test_case cases[] = {
	TEST_CASE(escapes), TEST_CASE(end_of_input), TEST_CASE(overflow), TEST_CASE(output),
	TEST_CASE(slow_reader), TEST_CASE(places), TEST_CASE(terminal), TEST_CASE(terminal_crash),
};
TEST_SUITE(console_suite, "console", cases);
