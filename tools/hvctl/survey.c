// SPDX-License-Identifier: GPL-2.0-only
#include "survey.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "error.h"
#include "json_members.h"
#include "machine_dir.h"

#define ANSWER_MAX	MIB(4)
#define EVENTS_MAX	64
#define PATIENCE_MS	2000	/* of survey_all() */

struct asked {
	char name[NAME_MAX_LENGTH + 1];
	int fd;			/* -1: not connected */
	bool greeted;
	bool owes;		/* an answer */
	bool waited_for;	/* that answer is this round's */
	bool fresh;
	struct json_object *result;
	char error[160];
	char *data;		/* what came of a line so far */
	size_t used, room;
};

struct survey {
	int epoll_fd;
	char request[128];	/* with its new line */
	struct asked **asked;	/* in the order of names */
	size_t count;
};

/* ---- one machine ---------------------------------------------------------------- */

static void hang_up(struct asked *a)
{
	close(a->fd);
	free(a->data);
	a->fd = -1;
	a->data = NULL;
	a->used = 0;
	a->room = 0;
	a->owes = false;
	a->waited_for = false;
}

/* What fail() keeps */
static void set_error(struct asked *a)
{
	snprintf(a->error, sizeof(a->error), "%s", fail_text());
}

static void free_asked(struct asked *a)
{
	if (a->fd >= 0)
		close(a->fd);
	json_object_put(a->result);
	free(a->data);
	free(a);
}

/* Between processes of one host it is there at once, or never. */
static int connect_to(struct survey *s, struct asked *a)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = a };
	struct sockaddr_un address;

	if (machine_dir_control(a->name, &address))
		return -1;
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return fail_errno("cannot create a socket");
	if (connect(a->fd, (struct sockaddr *)&address, sizeof(address)))
		return fail_errno("cannot connect to it");
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, a->fd, &event))
		return fail_errno("cannot wait for it");
	a->greeted = false;
	return 0;
}

static int send_request(struct survey *s, struct asked *a)
{
	ssize_t len = strlen(s->request);

	if (a->fd < 0 && connect_to(s, a))
		return -1;
	if (send(a->fd, s->request, len, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
		return fail_errno("it can't be asked");
	return 0;
}

/* Where one ended since the last round, there may be another of its name now. */
static void ask(struct survey *s, struct asked *a)
{
	unsigned int tries = 1 + (a->fd >= 0);

	a->fresh = false;
	a->waited_for = false;
	while (!a->owes && tries--) {
		if (!send_request(s, a)) {
			a->owes = true;
			a->waited_for = true;
			fail("it doesn't answer");
		} else if (a->fd >= 0) {
			hang_up(a);
		}
		set_error(a);
	}
}

/* ---- what it says --------------------------------------------------------------- */

static int take_greeting(struct asked *a, struct json_object *line)
{
	struct json_object *version;

	if (!json_object_object_get_ex(line, "control", &version) ||
	    json_object_get_int(version) < 1)
		return fail("it is no hvctl");
	if (json_object_get_int(version) > CONTROL_VERSION)
		return fail("it runs on a later hvctl, which this one doesn't understand");
	a->greeted = true;
	return 0;
}

static int take_reply(struct asked *a, struct json_object *line)
{
	struct json_object *value;

	if (!a->owes)
		return fail("it says what it wasn't asked");
	a->owes = false;
	a->waited_for = false;
	if (json_object_object_get_ex(line, "error", &value)) {
		snprintf(a->error, sizeof(a->error), "%s", json_object_get_string(value));
		return 0;
	}
	if (!json_object_object_get_ex(line, "result", &value) ||
	    !json_object_is_type(value, json_type_object))
		return fail("its reply makes no sense");
	json_object_put(a->result);
	a->result = json_object_get(value);
	a->fresh = true;
	*a->error = '\0';
	return 0;
}

/* @text ends with 0. */
static int take_line(struct asked *a, const char *text)
{
	struct json_object *line = json_tokener_parse(text);
	int ret;

	if (!json_object_is_type(line, json_type_object))
		ret = fail("its reply makes no sense");
	else
		ret = a->greeted ? take_reply(a, line) : take_greeting(a, line);
	json_object_put(line);
	return ret;
}

static int take_lines(struct asked *a)
{
	size_t start = 0;
	char *end;

	while ((end = memchr(a->data + start, '\n', a->used - start))) {
		*end = '\0';
		if (take_line(a, a->data + start))
			return -1;
		start = end + 1 - a->data;
	}
	a->used -= start;
	memmove(a->data, a->data + start, a->used);
	return 0;
}

static int make_room(struct asked *a)
{
	size_t room = a->room ? 2 * a->room : KIB(16);
	char *data;

	if (a->used < a->room)
		return 0;
	data = room <= ANSWER_MAX ? realloc(a->data, room) : NULL;
	if (!data)
		return fail("its reply is too long");
	a->data = data;
	a->room = room;
	return 0;
}

/* What is there; -1 with a sentence if there is nothing more to come. */
static int listen_to(struct asked *a)
{
	ssize_t n;

	if (make_room(a))
		return -1;
	n = recv(a->fd, a->data + a->used, a->room - a->used, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return fail("it hung up: it ended, or has too many clients");
	a->used += n;
	return take_lines(a);
}

/* ---- rounds --------------------------------------------------------------------- */

static struct asked *new_asked(const char *name)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a) {
		fail("out of memory");
		return NULL;
	}
	a->fd = -1;
	snprintf(a->name, sizeof(a->name), "%s", name);
	return a;
}

/* Both are in order: those that are in @names alone are new, and those that aren't have ended. */
static int merge(struct survey *s, char **names)
{
	size_t count = 0, i = 0, used = 0;
	struct asked **asked;

	while (names[count])
		count++;
	asked = calloc(count + 1, sizeof(asked[0]));
	if (!asked)
		return fail("out of memory");
	for (; *names; names++) {
		while (i < s->count && strcmp(s->asked[i]->name, *names) < 0)
			free_asked(s->asked[i++]);
		if (i < s->count && !strcmp(s->asked[i]->name, *names))
			asked[used] = s->asked[i++];
		else
			asked[used] = new_asked(*names);
		used += !!asked[used];
	}
	while (i < s->count)
		free_asked(s->asked[i++]);
	free(s->asked);
	s->asked = asked;
	s->count = used;
	return 0;
}

int survey_begin(struct survey *s)
{
	char **names = machine_dir_list();
	int ret;
	size_t i;

	if (!names)
		return -1;
	ret = merge(s, names);
	free(names);
	for (i = 0; !ret && i < s->count; i++)
		ask(s, s->asked[i]);
	return ret;
}

void survey_serve(struct survey *s)
{
	struct epoll_event event[EVENTS_MAX];
	int i, count = epoll_wait(s->epoll_fd, event, EVENTS_MAX, 0);

	for (i = 0; i < count; i++) {
		struct asked *a = event[i].data.ptr;

		if (listen_to(a)) {
			set_error(a);
			hang_up(a);
		}
	}
}

unsigned int survey_pending(const struct survey *s)
{
	unsigned int pending = 0;
	size_t i;

	for (i = 0; i < s->count; i++)
		pending += s->asked[i]->waited_for;
	return pending;
}

void survey_wait(struct survey *s, unsigned int ms)
{
	struct pollfd fd = { .fd = s->epoll_fd, .events = POLLIN };
	u64 now = clock_ms(), end = now + ms;

	for (; survey_pending(s) && now < end; now = clock_ms()) {
		if (poll(&fd, 1, end - now) > 0)
			survey_serve(s);
	}
}

/* ---- all of them ---------------------------------------------------------------- */

/* Each machine takes one; the usual limit is meant for programs that use select(). */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct survey *survey_create(const char *command)
{
	struct survey *s = calloc(1, sizeof(*s));

	if (!s) {
		fail("out of memory");
		return NULL;
	}
	allow_many_files();
	snprintf(s->request, sizeof(s->request), "{\"command\":\"%s\"}\n", command);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0) {
		fail_errno("cannot create an epoll");
		free(s);
		return NULL;
	}
	return s;
}

void survey_destroy(struct survey *s)
{
	while (s->count)
		free_asked(s->asked[--s->count]);
	free(s->asked);
	close(s->epoll_fd);
	free(s);
}

int survey_fd(const struct survey *s)
{
	return s->epoll_fd;
}

size_t survey_count(const struct survey *s)
{
	return s->count;
}

struct surveyed survey_get(const struct survey *s, size_t i)
{
	const struct asked *a = s->asked[i];

	return (struct surveyed){
		.name = a->name, .result = a->result, .fresh = a->fresh, .error = a->error,
	};
}

/* ---- all at once ---------------------------------------------------------------- */

static struct json_object *what_was_said(const struct survey *s)
{
	struct json_object *list = json_object_new_array(), *object;
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct asked *a = s->asked[i];

		if (a->fresh) {
			object = json_object_get(a->result);
		} else {
			object = json_object_new_object();
			add_string(object, "name", a->name);
			add_string(object, "state", "unknown");
			add_string(object, "error", a->error);
		}
		json_object_array_add(list, object);
	}
	return list;
}

struct json_object *survey_all(const char *command)
{
	struct survey *s = survey_create(command);
	struct json_object *list = NULL;

	if (!s)
		return NULL;
	if (!survey_begin(s)) {
		survey_wait(s, PATIENCE_MS);
		list = what_was_said(s);
	}
	survey_destroy(s);
	return list;
}
