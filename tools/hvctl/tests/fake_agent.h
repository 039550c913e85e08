/* SPDX-License-Identifier: GPL-2.0-only */
/* What says it is a guest's agent, at a socket, in a thread: as the test wants it. */
#ifndef HVCTL_FAKE_AGENT_H
#define HVCTL_FAKE_AGENT_H

#include <pthread.h>
#include <sys/un.h>

#include "test.h"

#define FAKE_REPLIES	16

struct fake_agent {
	/* Set by the test before the start */
	const char *before;	/* what it says before it answers guest-sync-delimited */
	bool never_syncs;	/* it reads, and says nothing */
	bool bytewise;		/* it says everything in single bytes */
	/*
	 * To all other requests, one after the other, whoever's: "": nothing; NULL: it hangs
	 * up, and is ready for the next client.
	 */
	const char *reply[FAKE_REPLIES];

	/* For the test to look at, when it has stopped or answered */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char heard[KIB(64)];	/* those requests, each with its line's end */
	unsigned int replied;
	unsigned int clients;

	/* Its own */
	pthread_t thread;
	int listen_fd, stop_fd;
	char line[KIB(64)];
	size_t used;
};

/*
 * In two steps for a test that forks in between: a child of a process with threads may find
 * malloc()'s locks held for ever. After the first, clients may connect, and wait.
 */
void fake_agent_listen(struct fake_agent *fake);
void fake_agent_serve(struct fake_agent *fake);

void fake_agent_start(struct fake_agent *fake);
void fake_agent_stop(struct fake_agent *fake);

#endif
