// SPDX-License-Identifier: GPL-2.0-only
/* Signals that a file descriptor tells of. */
#include <sys/signalfd.h>
#include <unistd.h>

#include "signals.h"
#include "test.h"

static const int taken[] = { SIGHUP, SIGINT, SIGUSR1 };

/* What it tells of next; 0: nothing */
static int next(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

static void is_blocked(int number, bool expected)
{
	sigset_t now;

	EXPECT(!pthread_sigmask(SIG_BLOCK, NULL, &now));
	EXPECT_EQ(sigismember(&now, number), expected);
}

static void told(void)
{
	sighandler_t hangup = signal(SIGHUP, SIG_DFL), interrupt = signal(SIGINT, SIG_DFL);
	sigset_t old;
	int fd = signals_open(taken, ARRAY_SIZE(taken), &old);
	unsigned int i;

	EXPECT(fd >= 0);
	EXPECT_EQ(next(fd), 0);
	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		is_blocked(taken[i], true);
		raise(taken[i]);
		EXPECT_EQ(next(fd), taken[i]);
	}
	EXPECT_EQ(next(fd), 0);
	close(fd);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	is_blocked(SIGUSR1, false);
	signal(SIGINT, interrupt);
	signal(SIGHUP, hangup);
}

static void ignored(int number)
{
	sighandler_t before = signal(number, SIG_IGN);
	sigset_t old;
	int fd;

	pthread_sigmask(SIG_BLOCK, NULL, &old);
	fd = signals_open(taken, ARRAY_SIZE(taken), NULL);
	EXPECT(fd >= 0);
	is_blocked(number, false);
	raise(number);
	raise(SIGUSR1);
	EXPECT_EQ(next(fd), SIGUSR1);
	EXPECT_EQ(next(fd), 0);
	close(fd);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	signal(number, before);
}

/* As by nohup */
static void ignored_hangup(void)
{
	ignored(SIGHUP);
}

/* As in the background of a script */
static void ignored_interrupt(void)
{
	ignored(SIGINT);
}

static const struct test_case cases[] = {
	TEST_CASE(told),
	TEST_CASE(ignored_hangup),
	TEST_CASE(ignored_interrupt),
};

TEST_SUITE(signals_suite, "signals", cases);
