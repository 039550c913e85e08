// SPDX-License-Identifier: GPL-2.0-only
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "json_parse.h"
#include "listen.h"
#include "version.h"

#define BACKLOG		16
#define CLIENTS_MAX	16
#define REPLY_ROOM	(1 << 20)
#define DEPTH_MAX	8	/* of JSON texts */

struct client {
	int fd;			/* -1: there is none */
	u32 serial;		/* of those who had this place, one after the other */
	size_t used;		/* of @line */
	char *line;		/* what came of a request so far */
	struct json_object *later;	/* the reply that it waits for, as yet without a result */
};

struct control {
	int listen_fd;
	int epoll_fd;
	const char *name;
	control_handler handler;
	void *opaque;
	struct client *current;	/* whose request is handled */
	struct client client[CLIENTS_MAX];
};

/* ---- clients -------------------------------------------------------------------- */

static void hang_up(struct client *client)
{
	close(client->fd);
	free(client->line);
	json_object_put(client->later);
	client->fd = -1;
	client->later = NULL;
}

/* Takes @object. Who doesn't read has no use for more; what waits for him would be ours. */
static int reply(struct client *client, struct json_object *object)
{
	size_t len;
	const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &len);
	struct iovec iov[] = { { (void *)text, len }, { "\n", 1 } };
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	ssize_t sent = text ? sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;

	json_object_put(object);
	return sent == (ssize_t)len + 1 ? 0 : -1;
}

static int greet(struct client *client, const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "control", json_object_new_int(CONTROL_VERSION));
	json_object_object_add(object, "hvctl", json_object_new_string(HVCTL_VERSION));
	json_object_object_add(object, "name", json_object_new_string(name));
	return reply(client, object);
}

static int watch(struct control *c, int fd, u32 number)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Whether it is read from; that it hangs up is seen all the same. */
static int listen_to(struct control *c, struct client *client, bool on)
{
	struct epoll_event event = {
		.events = on ? EPOLLIN : 0, .data.u32 = client - c->client,
	};

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

/*
 * Replies are never waited for, so there must be room for one as a whole: some hundred bytes for
 * each vCPU. Root may have more than the host's limit for others.
 */
static void make_room(int fd)
{
	int room = REPLY_ROOM;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

/* The listening socket's number is CLIENTS_MAX. Those for whom there is no room see the end. */
static void take_client(struct control *c)
{
	struct client *client = c->client, *end = c->client + CLIENTS_MAX;
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	while (client < end && client->fd >= 0)
		client++;
	if (client == end) {
		close(fd);
		return;
	}
	make_room(fd);
	*client = (struct client){
		.fd = fd, .serial = client->serial + 1, .line = malloc(CONTROL_LINE_MAX),
	};
	if (!client->line || watch(c, fd, client - c->client) || greet(client, c->name))
		hang_up(client);
}

/* ---- requests ------------------------------------------------------------------- */

/* A request has no keys but these, so that others can mean something later. */
static int check_request(struct json_object *request)
{
	struct json_object *value;

	if (!json_object_is_type(request, json_type_object))
		return fail("a request is an object: {\"command\": …, \"arguments\": {…}, \"id\": …}");
	json_object_object_foreach(request, key, member) {
		(void)member;
		if (strcmp(key, "command") && strcmp(key, "arguments") && strcmp(key, "id"))
			return fail("a request has no '%.40s'; it has command, arguments and id", key);
	}
	if (!json_object_object_get_ex(request, "command", &value) ||
	    !json_object_is_type(value, json_type_string))
		return fail("the request's command is no string");
	if (json_object_object_get_ex(request, "arguments", &value) &&
	    !json_object_is_type(value, json_type_object))
		return fail("the request's arguments are no object");
	return 0;
}

static int carry_out(struct control *c, struct json_object *request, struct json_object **result)
{
	struct json_object *command, *arguments = NULL;

	if (check_request(request))
		return -1;
	json_object_object_get_ex(request, "command", &command);
	json_object_object_get_ex(request, "arguments", &arguments);
	return c->handler(c->opaque, json_object_get_string(command), arguments, result);
}

/* Takes @object, the reply without its result, and @result. */
static int conclude(struct client *client, struct json_object *object, int ret,
		    struct json_object *result)
{
	if (ret < 0)
		json_object_object_add(object, "error", json_object_new_string(fail_text()));
	else
		json_object_object_add(object, "result",
				       result ? result : json_object_new_object());
	return reply(client, object);
}

/* @line has @len characters, of which the last is its end. -1: the client takes no reply. */
static int handle_line(struct control *c, struct client *client, const char *line, size_t len)
{
	struct json_object *object = json_object_new_object(), *request = NULL, *result = NULL;
	struct json_object *id;
	int ret = json_parse(line, len, DEPTH_MAX, "a request is one line of JSON", &request);

	c->current = client;
	if (!ret)
		ret = carry_out(c, request, &result);
	if (json_object_is_type(request, json_type_object) &&
	    json_object_object_get_ex(request, "id", &id))
		json_object_object_add(object, "id", json_object_get(id));
	json_object_put(request);
	if (ret != CONTROL_LATER)
		return conclude(client, object, ret, result);
	client->later = object;
	return listen_to(c, client, false);
}

/*
 * The lines that are complete, up to one whose reply comes later. What follows the last one
 * is kept.
 */
static int handle_lines(struct control *c, struct client *client)
{
	size_t start = 0;
	char *end;

	while (!client->later &&
	       (end = memchr(client->line + start, '\n', client->used - start))) {
		size_t len = end + 1 - (client->line + start);

		if (handle_line(c, client, client->line + start, len))
			return -1;
		start += len;
	}
	client->used -= start;
	memmove(client->line, client->line + start, client->used);
	return client->later || client->used < CONTROL_LINE_MAX ? 0 : -1;
}

static void serve_client(struct control *c, struct client *client)
{
	ssize_t n = read(client->fd, client->line + client->used, CONTROL_LINE_MAX - client->used);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(client);
		return;
	}
	client->used += n;
	if (handle_lines(c, client))
		hang_up(client);
}

void control_serve(struct control *c)
{
	struct epoll_event event[CLIENTS_MAX + 1];
	int i, count = epoll_wait(c->epoll_fd, event, ARRAY_SIZE(event), 0);

	for (i = 0; i < count; i++) {
		if (event[i].data.u32 == CLIENTS_MAX)
			take_client(c);
		else
			serve_client(c, &c->client[event[i].data.u32]);
	}
}

control_ticket control_current(const struct control *c)
{
	return (u64)c->current->serial << 32 | (c->current - c->client);
}

void control_reply(struct control *c, control_ticket ticket, int ret, struct json_object *result)
{
	struct client *client = &c->client[(u32)ticket];
	struct json_object *object = client->later;

	if (client->serial != ticket >> 32 || !object) {
		json_object_put(result);
		return;
	}
	client->later = NULL;
	if (conclude(client, object, ret, result) || listen_to(c, client, true) ||
	    handle_lines(c, client))
		hang_up(client);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

/* ---- the socket ----------------------------------------------------------------- */

struct control *control_create(const struct sockaddr_un *address, const char *name,
			       control_handler handler, void *opaque)
{
	struct control *c = calloc(1, sizeof(*c));
	unsigned int i;

	if (!c) {
		fail("out of memory");
		return NULL;
	}
	c->name = name;
	c->handler = handler;
	c->opaque = opaque;
	for (i = 0; i < CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0) {
		fail_errno("cannot create an epoll");
		goto err_free;
	}
	c->listen_fd = listen_at(address, "control socket", BACKLOG);
	if (c->listen_fd < 0)
		goto err_epoll;
	if (watch(c, c->listen_fd, CLIENTS_MAX)) {
		fail_errno("cannot watch the control socket");
		goto err_listen;
	}
	return c;

err_listen:
	close(c->listen_fd);
err_epoll:
	close(c->epoll_fd);
err_free:
	free(c);
	return NULL;
}

void control_destroy(struct control *c)
{
	unsigned int i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		if (c->client[i].fd >= 0)
			hang_up(&c->client[i]);
	}
	close(c->listen_fd);
	close(c->epoll_fd);
	free(c);
}
