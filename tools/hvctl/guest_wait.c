// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is sent waits in the socket until the guest has opened its port, so a question that is
 * asked early is answered as soon as the agent is there.
 */
#include "guest_wait.h"

#include <poll.h>

#include "agent_client.h"
#include "agent_find.h"
#include "clock.h"
#include "error.h"
#include "machine_dir.h"

#define AGAIN_MS	200	/* when it was hung up on, as the guest was reset */

int guest_wait(const char *name, u64 seconds)
{
	u64 now = clock_ms(), end = now + 1000 * seconds;
	struct agent_place place;

	if (agent_find(name, &place))
		return -1;
	while (agent_ping(place.agent, (end - now + 999) / 1000)) {
		if (!machine_dir_is_alive(name))
			return fail("the machine %s ended before its guest was up; 'hvctl log %s' may tell why",
				    name, name);
		poll(NULL, 0, AGAIN_MS);
		now = clock_ms();
		if (now >= end)
			return fail("the machine %s runs, but its guest agent has not answered in %llu seconds",
				    name, (unsigned long long)seconds);
	}
	return 0;
}
