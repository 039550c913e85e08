/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads of hvctl's. */
#ifndef HVCTL_THREAD_H
#define HVCTL_THREAD_H

#include <pthread.h>

/*
 * Start a thread called @name (15 characters at most) that calls @run with @arg. Signals
 * are the main thread's; only @signal, if it isn't 0, reaches the new one too. Returns -1
 * with a sentence if the host has no more threads.
 */
int thread_start(pthread_t *thread, const char *name, int signal, void *(*run)(void *), void *arg);

#endif
