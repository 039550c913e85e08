// SPDX-License-Identifier: GPL-2.0-only
/* "hvctl top" at a terminal, which is as before in the end, whatever ended it. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "machine_dir.h"
#include "test.h"
#include "top.h"

static char folder[] = "/tmp/hvctl-run-XXXXXX";
static char screen[KIB(64)];
static size_t shown;
static int terminal;
static pid_t top;

/* Without a machine there is nothing to show but the lines about all of them. */
static void start(u64 rounds)
{
	const struct top_options options = { .interval_ms = 100, .rounds = rounds };
	const struct winsize size = { .ws_row = 10, .ws_col = 80 };

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	shown = 0;
	fflush(stdout);
	top = forkpty(&terminal, NULL, NULL, &size);
	EXPECT(top >= 0);
	if (!top) {
		/* Who runs the tests by nohup, or in the background, has these ignored. */
		signal(SIGHUP, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		_exit(top_live(&options) ? 1 : 0);
	}
}

/* Reads until the screen has @text, from where the last wait has ended. */
static void until(const char *text)
{
	size_t from = shown;

	while (shown < sizeof(screen) - 1) {
		ssize_t n = read(terminal, screen + shown, sizeof(screen) - 1 - shown);

		/* Its other end is closed. */
		if (n <= 0)
			break;
		shown += n;
		screen[shown] = '\0';
		if (strstr(screen + from, text))
			return;
	}
	EXPECT_HAS(screen + from, text);
}

static bool is_raw(void)
{
	struct termios now;

	EXPECT(!tcgetattr(terminal, &now));
	return !(now.c_lflag & (ICANON | ECHO));
}

static void type(const char *keys)
{
	EXPECT(write(terminal, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

/* With a status, or by a signal */
static void end(int expected)
{
	int status;

	/* What it still writes must not fill the terminal. */
	until("\033[?1049l");
	EXPECT(waitpid(top, &status, 0) == top);
	EXPECT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), expected);
	EXPECT(!is_raw());
	close(terminal);
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
}

static void keys(void)
{
	start(0);
	until("\033[?1049h");
	until("by CPU, every 0.1 s");
	EXPECT(is_raw());
	type("e");
	until("by exits, every");
	type("r");
	until("by exits, reversed, every");
	/* Arrows are no letters. */
	type("\033[A");
	until("by exits, reversed, every");
	type("mr");
	until("by memory, every");
	type("i");
	until("by I/O, every");
	type("n");
	until("by name, every");
	type("xq");
	end(0);
}

static void rounds(void)
{
	start(2);
	end(0);
	start(0);
	until("0 machines");
	type("\003");
	end(0);
}

static void resizes(void)
{
	const struct winsize size = { .ws_row = 3, .ws_col = 30 };

	start(0);
	until("NAME STATE CPUS %CPU %GUEST RSS SIZE EXITS/S DISK/S NET/S REASONS");
	EXPECT(!ioctl(terminal, TIOCSWINSZ, &size));
	until("by CPU, every 0.1 s    c CPU  \033[K\r\n");
	/* Three lines, of which the last doesn't move the others up. */
	until("0.0% CPU,\033[K\r\n\033[K\033[J");
	type("q");
	end(0);
}

static void signals(void)
{
	static const int sent[] = { SIGTERM, SIGHUP, SIGINT, SIGABRT };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		start(0);
		until("by CPU");
		kill(top, sent[i]);
		end(sent[i]);
	}
}

/* Job control: the terminal is its own again in between. */
static void stops(void)
{
	int status;

	start(0);
	until("by CPU");
	type("\032");
	until("\033[?1049l");
	EXPECT(waitpid(top, &status, WUNTRACED) == top && WIFSTOPPED(status));
	EXPECT(!is_raw());
	kill(top, SIGCONT);
	until("\033[?1049h");
	until("by CPU");
	EXPECT(is_raw());
	type("q");
	end(0);
}

static void nowhere(void)
{
	const struct top_options options = { .interval_ms = 100 };
	int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO), fds[2];

	EXPECT(!pipe(fds));
	fflush(stdout);
	dup2(fds[0], STDIN_FILENO);
	dup2(fds[1], STDOUT_FILENO);
	EXPECT_FAIL(top_live(&options), "no terminal");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close(in);
	close(out);
	close(fds[0]);
	close(fds[1]);
}

static const struct test_case cases[] = {
	TEST_CASE(keys),
	TEST_CASE(rounds),
	TEST_CASE(resizes),
	TEST_CASE(signals),
	TEST_CASE(stops),
	TEST_CASE(nowhere),
};

TEST_SUITE(top_live_suite, "top_live", cases);
