// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is sent waits in the socket until the guest has opened its port, so a question that is
 * asked early is answered as soon as the agent is there.
 */
#include "guest_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "machine_dir.h"

#define AGAIN_MS	200	/* when it was hung up on, as the guest was reset */

/* The agent throws away what it had before the byte 0xff, which is no JSON. */
static const char question[] =
	"\xff{\"execute\":\"guest-sync\",\"arguments\":{\"id\":7263}}\n";
static const char reply[] = "7263";

enum answer { ANSWERED, LATE, HUNG_UP };

/* Only who knows the question says its number. */
static enum answer wait_for_answer(int fd, u64 end)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char text[1024];
	size_t used = 0;
	ssize_t n;
	u64 now;

	for (;;) {
		now = clock_ms();
		if (now >= end)
			return LATE;
		if (poll(&pfd, 1, min_u64(end - now, 60000)) <= 0)
			continue;
		n = recv(fd, text + used, sizeof(text) - 1 - used, 0);
		if (n <= 0)
			return HUNG_UP;
		used += n;
		text[used] = '\0';
		if (memmem(text, used, reply, strlen(reply)))
			return ANSWERED;
		if (used > sizeof(text) / 2) {
			memmove(text, text + used - strlen(reply), strlen(reply));
			used = strlen(reply);
		}
	}
}

static enum answer ask(const char *path, u64 end)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum answer answer = HUNG_UP;

	if (fd < 0)
		return HUNG_UP;
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    send(fd, question, strlen(question), MSG_NOSIGNAL) > 0)
		answer = wait_for_answer(fd, end);
	close(fd);
	return answer;
}

int guest_wait(const char *name, const char *path, u64 seconds)
{
	u64 end = clock_ms() + 1000 * seconds;
	enum answer answer;

	while ((answer = ask(path, end)) == HUNG_UP) {
		if (!machine_dir_is_alive(name))
			return fail("the machine %s ended before its guest was up; 'hvctl log %s' may tell why",
				    name, name);
		if (clock_ms() >= end)
			break;
		poll(NULL, 0, AGAIN_MS);
	}
	if (answer == ANSWERED)
		return 0;
	return fail("the machine %s runs, but its guest agent has not answered in %llu seconds",
		    name, (unsigned long long)seconds);
}
