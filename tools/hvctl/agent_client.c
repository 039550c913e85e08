// SPDX-License-Identifier: GPL-2.0-only
#include "agent_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"

/* Not in UTF-8: what came before it is of no account. */
#define SENTINEL	((char)0xff)
#define DEPTH_MAX	8	/* of replies; qemu-guest-agent's have less */
#define SYNC_MAX	KIB(4)	/* a reply to guest-sync-delimited has some 30 */
#define CONNECT_MS	50	/* between two tries, where too many wait already */
#define DESCRIPTION_MAX	200	/* characters of the agent's in a sentence */

/* ---- texts ---------------------------------------------------------------------- */

/* Control characters are those below a space, DEL, and U+0080 to U+009F: C2 80 to C2 9F. */
char *agent_clean(const char *text, char *clean, size_t size)
{
	size_t i, used = 0;

	for (i = 0; text[i] && used < size - 1; i++) {
		unsigned char c = text[i], next = text[i + 1];

		if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			i++;
		clean[used++] = c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0) ? '?' : c;
	}
	clean[used] = '\0';
	/* A character that was cut in two goes. */
	if (text[i]) {
		while (used && (clean[used - 1] & 0xc0) == 0x80)
			used--;
		if (used && (clean[used - 1] & 0xc0) == 0xc0)
			used--;
		clean[used] = '\0';
	}
	return clean;
}

int agent_number(struct json_object *object, const char *key, s64 min, s64 max, s64 *number)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return -1;
	*number = json_object_get_int64(value);
	return *number < min || *number > max ? -1 : 0;
}

/* ---- waiting -------------------------------------------------------------------- */

static void begin(struct agent *a, unsigned int seconds)
{
	a->timed_out = false;
	a->refused = false;
	a->patience = 1000ULL * seconds;
	a->deadline = clock_ms() + a->patience;
	a->moved = 0;
}

/* What is long takes its time, but goes on. */
static void count(struct agent *a, size_t bytes)
{
	a->moved += bytes;
	if (a->moved < AGENT_REPLY_MAX)
		return;
	a->moved = 0;
	a->deadline = clock_ms() + a->patience;
}

static int fail_late(struct agent *a)
{
	a->timed_out = true;
	return fail("the guest's agent doesn't answer within %llu seconds; the guest may lack qemu-guest-agent, be stopped or busy, or somebody else keeps the agent's socket",
		    (unsigned long long)a->patience / 1000);
}

/* Wait until the socket is ready for @events, or up to @most_ms, -1: until the deadline. */
static int await(struct agent *a, short events, int most_ms)
{
	struct pollfd fds[] = {
		{ .fd = a->fd, .events = events },
		{ .fd = a->cancel_fd, .events = POLLIN },
	};
	u64 now = clock_ms();

	if (now >= a->deadline)
		return fail_late(a);
	if (poll(fds, ARRAY_SIZE(fds), min_u64(a->deadline - now,
					       most_ms < 0 ? 60000 : most_ms)) < 0 &&
	    errno != EINTR)
		return fail_errno("cannot wait for the guest's agent");
	return fds[1].revents ? fail("nobody waits for the guest's agent any more") : 0;
}

/* ---- bytes ---------------------------------------------------------------------- */

static int fail_gone(const char *path)
{
	return fail("nobody is at the socket %s any more; the machine has ended", path);
}

static int send_all(struct agent *a, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(a->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (await(a, POLLOUT, -1))
				return -1;
		} else if (n < 0 && errno != EINTR) {
			return errno == EPIPE || errno == ECONNRESET ? fail_gone(a->path) :
			       fail_errno("the agent's socket can't be written to");
		} else if (n > 0) {
			count(a, n);
			text += n;
			len -= n;
		}
	}
	return 0;
}

/* Have room for more, but not more than @most in all. */
static int make_room(struct agent *a, size_t most)
{
	size_t size = a->size ? min_u64(2 * a->size, most) : SYNC_MAX;
	char *larger;

	if (a->used < a->size)
		return 0;
	if (a->used >= most)
		return fail("the reply of the guest's agent is too long; %zu bytes are allowed",
			    most);
	larger = realloc(a->text, size);
	if (!larger)
		return fail("out of memory");
	a->text = larger;
	a->size = size;
	return 0;
}

/* Receive some. */
static int receive(struct agent *a, size_t most)
{
	for (;;) {
		ssize_t n;

		if (make_room(a, most))
			return -1;
		n = recv(a->fd, a->text + a->used, a->size - a->used, 0);
		if (n > 0) {
			a->used += n;
			count(a, n);
			return 0;
		}
		if (!n || errno == ECONNRESET)
			return fail_gone(a->path);
		if (errno == EAGAIN) {
			if (await(a, POLLIN, -1))
				return -1;
		} else if (errno != EINTR) {
			return fail_errno("the agent's socket can't be read");
		}
	}
}

static void drop(struct agent *a, size_t len)
{
	a->used -= len;
	memmove(a->text, a->text + len, a->used);
}

/* Receive up to the end of a line, whose length with it is in @len then. */
static int receive_line(struct agent *a, size_t most, size_t *len)
{
	size_t seen = 0;
	const char *end;

	while (!a->used || !(end = memchr(a->text + seen, '\n', a->used - seen))) {
		seen = a->used;
		if (receive(a, most))
			return -1;
	}
	*len = end + 1 - a->text;
	return 0;
}

/* ---- replies -------------------------------------------------------------------- */

/* The object that @len characters are; NULL without a sentence */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *object = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (len < INT32_MAX)
		object = json_tokener_parse_ex(tokener, text, len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

static int fail_error(struct agent *a, struct json_object *error, const char *command)
{
	char clean[DESCRIPTION_MAX + 1];
	struct json_object *description = NULL;

	json_object_object_get_ex(error, "desc", &description);
	a->refused = true;
	return fail("the guest's agent refuses %s: %s", command,
		    agent_clean(json_object_is_type(description, json_type_string) ?
				json_object_get_string(description) : "it doesn't say why",
				clean, sizeof(clean)));
}

/* What @reply, which is given up, returns. */
static int take_reply(struct agent *a, struct json_object *reply, const char *command,
		      struct json_object **result)
{
	struct json_object *value;
	int ret = 0;

	if (json_object_object_get_ex(reply, "error", &value) &&
	    json_object_is_type(value, json_type_object))
		ret = fail_error(a, value, command);
	else if (!json_object_object_get_ex(reply, "return", &value))
		ret = fail("the reply of the guest's agent to %s makes no sense", command);
	else if (result)
		*result = json_object_get(value);
	json_object_put(reply);
	return ret;
}

/* ---- conversations -------------------------------------------------------------- */

/* A path that is too long for an address is reached by its folder. */
static int connect_at(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *slash = strrchr(path, '/');
	char folder[4096];
	int ret, error, folder_fd = -1;

	if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
	} else {
		if (!slash || snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path) >=
			      (int)sizeof(folder))
			return -1;
		folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder_fd < 0)
			return -1;
		if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%s",
			     folder_fd, slash) >= (int)sizeof(address.sun_path)) {
			close(folder_fd);
			errno = ENAMETOOLONG;
			return -1;
		}
	}
	ret = connect(fd, (struct sockaddr *)&address, sizeof(address));
	error = errno;
	if (folder_fd >= 0)
		close(folder_fd);
	errno = error;
	return ret;
}

int agent_dial(const char *path)
{
	int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail_errno("cannot create a socket");
	if (!connect_at(fd, path))
		return fd;
	error = errno;
	if (error == ENOENT || error == ECONNREFUSED)
		fail_gone(path);
	else if (error == EAGAIN)
		fail("too many wait for the socket %s; try again later", path);
	else
		fail_errno("cannot connect to the socket %s", path);
	close(fd);
	errno = error;
	return -1;
}

/* Where as many wait as may, it is tried again. */
static int dial_in_turn(struct agent *a)
{
	do {
		a->fd = agent_dial(a->path);
	} while (a->fd < 0 && (errno == EAGAIN || errno == EINTR) && !await(a, 0, CONNECT_MS));
	return a->fd < 0 ? -1 : 0;
}

/* Is it the reply to guest-sync-delimited with @id? */
static bool is_synchronized(const char *line, size_t len, s64 id)
{
	const char *sentinel = memrchr(line, SENTINEL, len);
	struct json_object *reply;
	bool right;
	s64 number;

	if (!sentinel)
		return false;
	reply = parse(sentinel + 1, line + len - (sentinel + 1));
	right = reply && !agent_number(reply, "return", id, id, &number);
	json_object_put(reply);
	return right;
}

/*
 * Somebody else's replies, or parts of them, may come first, and have any length: what is
 * longer than the right one is dropped.
 */
static int skip_to(struct agent *a, s64 id)
{
	size_t len;

	for (;;) {
		const char *end = a->used ? memchr(a->text, '\n', a->used) : NULL;

		if (end) {
			bool right;

			len = end + 1 - a->text;
			right = is_synchronized(a->text, len, id);
			drop(a, len);
			if (right)
				return 0;
		} else if (a->used >= SYNC_MAX) {
			end = memrchr(a->text + 1, SENTINEL, a->used - 1);
			drop(a, end ? (size_t)(end - a->text) : a->used);
		} else if (receive(a, SYNC_MAX)) {
			return -1;
		}
	}
}

static int synchronize(struct agent *a)
{
	char text[128];
	u32 id;

	/* Random, as who was cut off before may have used any */
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return fail_errno("cannot get a random number");
	snprintf(text, sizeof(text),
		 "%c{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%u}}\n", SENTINEL,
		 id);
	return send_all(a, text, strlen(text)) || skip_to(a, id) ? -1 : 0;
}

int agent_open(struct agent *a, unsigned int seconds)
{
	begin(a, seconds);
	if (!dial_in_turn(a) && !synchronize(a))
		return 0;
	agent_close(a);
	return -1;
}

void agent_close(struct agent *a)
{
	if (a->fd >= 0)
		close(a->fd);
	free(a->text);
	a->fd = -1;
	a->text = NULL;
	a->used = 0;
	a->size = 0;
}

static int send_request(struct agent *a, const char *command, struct json_object *arguments)
{
	struct json_object *request = json_object_new_object();
	const char *text;
	size_t len;
	int ret;

	json_object_object_add(request, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(request, "arguments", arguments);
	text = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &len);
	ret = !text ? fail("out of memory") : send_all(a, text, len) || send_all(a, "\n", 1);
	json_object_put(request);
	return ret ? -1 : 0;
}

static int receive_reply(struct agent *a, size_t most, struct json_object **reply)
{
	size_t len;

	if (receive_line(a, most, &len))
		return -1;
	*reply = parse(a->text, len);
	drop(a, len);
	return *reply ? 0 : fail("what the guest's agent says makes no sense");
}

int agent_call(struct agent *a, const char *command, struct json_object *arguments,
	       size_t most, unsigned int seconds, struct json_object **result)
{
	struct json_object *reply;

	begin(a, seconds);
	if (send_request(a, command, arguments) || receive_reply(a, most, &reply)) {
		agent_close(a);
		return -1;
	}
	return take_reply(a, reply, command, result);
}

int agent_ping(const char *path, unsigned int seconds)
{
	struct agent agent = AGENT(path);
	int ret = agent_open(&agent, seconds);

	if (!ret)
		ret = agent_call(&agent, "guest-ping", NULL, AGENT_REPLY_MAX, seconds, NULL);
	agent_close(&agent);
	return ret;
}
