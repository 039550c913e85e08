// SPDX-License-Identifier: GPL-2.0-only
#include "signals.h"

#include <stdbool.h>
#include <sys/signalfd.h>

#include "error.h"

/* What nohup(1), and a shell without job control for what it runs in the background, ignore */
static bool stays_ignored(int number)
{
	struct sigaction action;

	if (number != SIGHUP && number != SIGINT)
		return false;
	return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

int signals_open(const int *numbers, unsigned int count, sigset_t *old)
{
	sigset_t set;
	unsigned int i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < count; i++) {
		if (!stays_ignored(numbers[i]))
			sigaddset(&set, numbers[i]);
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail_errno("cannot set up signals");
	pthread_sigmask(SIG_BLOCK, &set, old);
	return fd;
}
