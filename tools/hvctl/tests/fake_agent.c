// SPDX-License-Identifier: GPL-2.0-only
#include "fake_agent.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[] = "/tmp/hvctl-agent-XXXXXX";

/* false: the test stops it */
static bool await(struct fake_agent *fake, int fd, short events)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = fake->stop_fd, .events = POLLIN },
	};

	poll(fds, 2, -1);
	return !fds[1].revents;
}

/* A client that is gone takes everything. */
static void say_text(struct fake_agent *fake, int fd, const char *text)
{
	size_t left = strlen(text);

	while (left && await(fake, fd, POLLOUT)) {
		ssize_t n = send(fd, text, fake->bytewise ? 1 : left,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return;
		text += n;
		left -= n;
	}
}

/* false: it hangs up */
static bool answer(struct fake_agent *fake, int fd, const char *line)
{
	const char *sync = strstr(line, "\"guest-sync-delimited\"");
	char text[64];
	const char *reply;
	size_t used;

	if (sync) {
		if (fake->never_syncs)
			return true;
		say_text(fake, fd, fake->before ? fake->before : "");
		snprintf(text, sizeof(text), "\xff{\"return\": %s}\n",
			 strtok(strstr(sync, "\"id\":") + 5, "}"));
		say_text(fake, fd, text);
		return true;
	}
	used = strlen(fake->heard);
	snprintf(fake->heard + used, sizeof(fake->heard) - used, "%s", line);
	reply = fake->replied < FAKE_REPLIES ? fake->reply[fake->replied++] : NULL;
	if (reply)
		say_text(fake, fd, reply);
	return reply;
}

static bool take_lines(struct fake_agent *fake, int fd)
{
	char *end;

	fake->line[fake->used] = '\0';
	while ((end = strchr(fake->line, '\n'))) {
		char line[sizeof(fake->line)];
		size_t len = end + 1 - fake->line;

		memcpy(line, fake->line, len);
		line[len] = '\0';
		fake->used -= len;
		memmove(fake->line, end + 1, fake->used + 1);
		if (!answer(fake, fd, line))
			return false;
	}
	return true;
}

static void serve(struct fake_agent *fake, int fd)
{
	fake->used = 0;
	fake->clients++;
	while (await(fake, fd, POLLIN)) {
		ssize_t n = recv(fd, fake->line + fake->used,
				 sizeof(fake->line) - 1 - fake->used, 0);

		if (n <= 0)
			return;
		fake->used += n;
		if (!take_lines(fake, fd))
			return;
	}
}

static void *run(void *opaque)
{
	struct fake_agent *fake = opaque;

	while (await(fake, fake->listen_fd, POLLIN)) {
		int fd = accept(fake->listen_fd, NULL, NULL);

		serve(fake, fd);
		close(fd);
	}
	return NULL;
}

void fake_agent_listen(struct fake_agent *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	snprintf(fake->path, sizeof(fake->path), "%s/agent", folder);
	strcpy(address.sun_path, fake->path);
	fake->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(!bind(fake->listen_fd, (struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(fake->listen_fd, 4));
}

void fake_agent_serve(struct fake_agent *fake)
{
	fake->stop_fd = eventfd(0, EFD_CLOEXEC);
	EXPECT(!pthread_create(&fake->thread, NULL, run, fake));
}

void fake_agent_start(struct fake_agent *fake)
{
	fake_agent_listen(fake);
	fake_agent_serve(fake);
}

void fake_agent_stop(struct fake_agent *fake)
{
	eventfd_write(fake->stop_fd, 1);
	pthread_join(fake->thread, NULL);
	close(fake->stop_fd);
	close(fake->listen_fd);
	EXPECT(!unlink(fake->path));
	EXPECT(!rmdir(folder));
}
