// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <errno.h>
#include <signal.h>

#include "error.h"
#include "types.h"

#define STACK_SIZE	KIB(128)

int thread_start(pthread_t *thread, const char *name, int signal, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	sigset_t block, old;
	int ret;

	sigfillset(&block);
	if (signal)
		sigdelset(&block, signal);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	ret = pthread_create(thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		errno = ret;
		return fail_errno("cannot start the thread %s", name);
	}
	pthread_setname_np(*thread, name);
	return 0;
}
