// SPDX-License-Identifier: GPL-2.0-only
#include "port_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define BACKLOG	16

struct port_socket {
	struct port port;
	struct sockaddr_un address;
	int listen_fd;
	dev_t dev;		/* the socket's file is this one */
	ino_t ino;

	/* The receiving thread changes it; held for that, and where others use it. */
	pthread_mutex_t lock;
	int client_fd;		/* -1: there is none */

	/* The receiving thread's: of the client, as is @port.ended. */
	bool readable;		/* perhaps */
	bool gone;		/* neither sends nor reads any more */
};

/* ---- clients -------------------------------------------------------------------- */

static void set_client(struct port_socket *s, int fd)
{
	pthread_mutex_lock(&s->lock);
	if (s->client_fd >= 0)
		close(s->client_fd);
	s->client_fd = fd;
	pthread_mutex_unlock(&s->lock);
	s->readable = false;
	s->port.ended = false;
	s->gone = false;
}

static void take_client(struct port_socket *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (port_watch(s->port.receive_fd, fd, EPOLLIN | EPOLLRDHUP) ||
	    port_watch(s->port.transmit_fd, fd, EPOLLOUT)) {
		close(fd);
		return;
	}
	set_client(s, fd);
}

/* Of the listening socket nothing has to be kept: who has no client tries to accept. */
static void take_events(struct port_socket *s)
{
	struct epoll_event events[2];
	int i, count = epoll_wait(s->port.receive_fd, events, ARRAY_SIZE(events), 0);

	for (i = 0; i < count; i++) {
		if (events[i].data.fd != s->client_fd)
			continue;
		s->readable = true;
		if (events[i].events & (EPOLLHUP | EPOLLERR))
			s->gone = true;
	}
}

static bool attend(struct port *port, bool wanted, bool next)
{
	struct port_socket *s = (struct port_socket *)port;

	take_events(s);
	if (s->client_fd >= 0 && s->gone && (s->port.ended || !wanted))
		set_client(s, -1);
	else if (s->client_fd < 0 && next)
		take_client(s);
	return s->client_fd >= 0;
}

/* ---- data ----------------------------------------------------------------------- */

static size_t read_client(struct port *port, const struct iovec *iov, unsigned int count)
{
	struct port_socket *s = (struct port_socket *)port;
	ssize_t n;

	if (!s->readable || s->port.ended)
		return 0;
	n = readv(s->client_fd, iov, count);
	if (n > 0)
		return n;
	s->readable = false;
	if (!n || errno != EAGAIN)
		s->port.ended = true;
	if (n < 0 && errno != EAGAIN)
		s->gone = true;
	return 0;
}

/* Who doesn't read any more takes everything; attend() hears that he is gone. */
static size_t write_client(struct port *port, const struct iovec *iov, unsigned int count,
			   size_t len)
{
	struct port_socket *s = (struct port_socket *)port;
	const struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	size_t taken = len;

	pthread_mutex_lock(&s->lock);
	if (s->client_fd >= 0) {
		ssize_t n = sendmsg(s->client_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			taken = n;
		else if (errno == EAGAIN)
			taken = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static const struct port_ops socket_ops = {
	.attend = attend,
	.read = read_client,
	.write = write_client,
};

/* ---- the socket ----------------------------------------------------------------- */

/* Is what is there a socket that its hvctl has left behind? */
static bool is_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	bool refused;

	if (fd < 0)
		return false;
	refused = !lstat(address->sun_path, &st) && S_ISSOCK(st.st_mode) &&
		  connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int bind_socket(const struct port_socket *s)
{
	const char *path = s->address.sun_path;

	/* Linux makes the file with the socket's mode. */
	if (fchmod(s->listen_fd, 0600))
		return fail_errno("--port: cannot set the mode of a socket");
	if (!bind(s->listen_fd, (const struct sockaddr *)&s->address, sizeof(s->address)))
		return 0;
	if (errno == EADDRINUSE) {
		if (!is_stale(&s->address))
			return fail("--port: %s is there already, and no socket that was left behind; remove it, or choose another path",
				    path);
		unlink(path);
		if (!bind(s->listen_fd, (const struct sockaddr *)&s->address, sizeof(s->address)))
			return 0;
	}
	return fail_errno("--port: cannot create the socket %s", path);
}

static int listen_at(struct port_socket *s)
{
	const char *path = s->address.sun_path;
	struct stat st;

	if (bind_socket(s))
		return -1;
	if (lstat(path, &st) || listen(s->listen_fd, BACKLOG)) {
		fail_errno("--port: cannot listen at %s", path);
		unlink(path);
		return -1;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

/* Somebody may have put his own in its place. */
static void remove_file(const struct port_socket *s)
{
	struct stat st;

	if (!lstat(s->address.sun_path, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->address.sun_path);
}

struct port *port_socket_create(const char *path)
{
	struct port_socket *s = calloc(1, sizeof(*s));

	if (!s) {
		fail("out of memory");
		return NULL;
	}
	s->client_fd = -1;
	s->address.sun_family = AF_UNIX;
	strncpy(s->address.sun_path, path, sizeof(s->address.sun_path) - 1);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0) {
		fail_errno("--port: cannot create a socket");
		goto err_free;
	}
	if (port_init(&s->port, &socket_ops))
		goto err_socket;
	if (port_watch(s->port.receive_fd, s->listen_fd, EPOLLIN) || listen_at(s))
		goto err_port;
	pthread_mutex_init(&s->lock, NULL);
	return &s->port;

err_port:
	port_destroy(&s->port);
err_socket:
	close(s->listen_fd);
err_free:
	free(s);
	return NULL;
}

void port_socket_destroy(struct port *port)
{
	struct port_socket *s = (struct port_socket *)port;

	remove_file(s);
	set_client(s, -1);
	close(s->listen_fd);
	pthread_mutex_destroy(&s->lock);
	port_destroy(port);
	free(s);
}
