// SPDX-License-Identifier: GPL-2.0-only
#include "control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "error.h"
#include "machine_dir.h"
#include "monotonic.h"
#include "nearest.h"

/* A machine that answers later hangs, or its process is stopped. */
#define ANSWER_SECONDS	10
#define ANSWER_MAX	MIB(4)

/* ---- lines ---------------------------------------------------------------------- */

static int read_failed(void)
{
	if (errno == EAGAIN)
		return fail("the machine doesn't answer; its process may be stopped, or busy with something else");
	return fail_errno("the machine's control socket can't be read");
}

/* Replies come one by one: what is there up to the line's end is all there is. */
static int read_line(int fd, struct json_object **object)
{
	size_t used = 0, size = KIB(4);
	char *line = malloc(size);
	int ret = -1;

	while (line) {
		ssize_t n = read(fd, line + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			read_failed();
		else if (!n)
			fail("the machine hung up: it ended, or has too many clients");
		if (n <= 0)
			break;
		used += n;
		if (line[used - 1] == '\n') {
			line[used - 1] = '\0';
			*object = json_tokener_parse(line);
			ret = json_object_is_type(*object, json_type_object) ? 0 :
			      fail("the machine's reply makes no sense");
			break;
		}
		if (used == size) {
			char *larger = size < ANSWER_MAX ? realloc(line, 2 * size) : NULL;

			if (!larger) {
				fail("the machine's reply is too long");
				break;
			}
			line = larger;
			size *= 2;
		}
	}
	free(line);
	return ret;
}

static int write_line(int fd, struct json_object *object)
{
	size_t len;
	const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &len);
	struct iovec iov[] = { { (void *)text, len }, { "\n", 1 } };
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	if (len >= CONTROL_LINE_MAX)
		return fail("a request of %zu characters is too long", len);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)len + 1)
		return fail_errno("the machine's control socket can't be written to");
	return 0;
}

/* ---- connections ---------------------------------------------------------------- */

static int fail_unknown(const char *name)
{
	char **names = machine_dir_list();
	const char *nearest = names ? nearest_name(name, names) : NULL;

	if (nearest)
		fail("there is no machine %s that runs; perhaps %s is meant", name, nearest);
	else
		fail("there is no machine %s that runs; 'hvctl list' tells which do", name);
	free(names);
	return -1;
}

static int connect_to(const char *name)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un address;
	int fd;

	if (machine_dir_control(name, &address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno("cannot create a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		fail_unknown(name);
	else
		fail_errno("cannot connect to the machine %s", name);
	close(fd);
	return -1;
}

static int check_greeting(int fd, const char *name)
{
	struct json_object *greeting = NULL, *version;
	int ret = read_line(fd, &greeting);

	if (!ret && (!json_object_object_get_ex(greeting, "control", &version) ||
		     json_object_get_int(version) < 1))
		ret = fail("what listens for the machine %s is no hvctl", name);
	else if (!ret && json_object_get_int(version) > CONTROL_VERSION)
		ret = fail("the machine %s runs on a later hvctl, which this one doesn't understand; use that",
			   name);
	json_object_put(greeting);
	return ret;
}

int control_connect(const char *name)
{
	int fd;

	if (machine_dir_check_name(name, "NAME"))
		return -1;
	fd = connect_to(name);
	if (fd >= 0 && check_greeting(fd, name)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- requests ------------------------------------------------------------------- */

static int take_reply(struct json_object *reply, struct json_object **result)
{
	struct json_object *value;

	if (json_object_object_get_ex(reply, "error", &value))
		return fail("%s", json_object_get_string(value));
	if (!json_object_object_get_ex(reply, "result", &value) ||
	    !json_object_is_type(value, json_type_object))
		return fail("the machine's reply makes no sense");
	if (result)
		*result = json_object_get(value);
	return 0;
}

int control_call(int connection, const char *command, struct json_object *arguments,
		 struct json_object **result)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int ret;

	json_object_object_add(request, "command", json_object_new_string(command));
	if (arguments)
		json_object_object_add(request, "arguments", arguments);
	ret = write_line(connection, request);
	json_object_put(request);
	if (!ret)
		ret = read_line(connection, &reply);
	if (!ret)
		ret = take_reply(reply, result);
	json_object_put(reply);
	return ret;
}

int control_ask(const char *name, const char *command, struct json_object *arguments,
		struct json_object **result)
{
	int ret, connection = control_connect(name);

	if (connection < 0) {
		json_object_put(arguments);
		return -1;
	}
	ret = control_call(connection, command, arguments, result);
	close(connection);
	return ret;
}

int control_wait_end(int connection, unsigned int seconds)
{
	struct pollfd fd = { .fd = connection, .events = POLLIN };
	u64 end = now_ms() + 1000ULL * seconds;
	char byte;

	for (;;) {
		u64 now = now_ms();

		if (now >= end)
			return -1;
		if (poll(&fd, 1, min_u64(end - now, 60000)) == 1 &&
		    (fd.revents & (POLLHUP | POLLERR) ||
		     recv(connection, &byte, 1, MSG_DONTWAIT) == 0))
			return 0;
	}
}
