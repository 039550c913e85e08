// SPDX-License-Identifier: GPL-2.0-only
/*
 * port_client SOCKET BYTES: connects to the unix stream socket, sends it stdin, and prints
 * what comes, both at once; ends when stdin has ended and BYTES have come, or the other
 * side hangs up.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char block[65536];
static size_t used;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(path);
	return fd;
}

/* Returns false at the end of stdin. */
static int fetch(void)
{
	ssize_t n = read(STDIN_FILENO, block, sizeof(block));

	used = n > 0 ? n : 0;
	return n > 0;
}

static void push(int fd)
{
	ssize_t n = send(fd, block, used, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		fail("send");
	used -= n;
	memmove(block, block + n, used);
}

/* Returns how many bytes came, 0 at the end. */
static size_t print(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0)
		fail("recv");
	if (write(STDOUT_FILENO, buf, n) != n)
		fail("write");
	return n;
}

int main(int argc, char **argv)
{
	size_t want, got = 0, n;
	int fd, more = 1;

	if (argc != 3)
		return 2;
	fd = dial(argv[1]);
	want = strtoul(argv[2], NULL, 0);
	while (more || used || got < want) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (!used && more)
			more = fetch();
		if (used)
			pfd.events |= POLLOUT;
		else if (got >= want)
			continue;
		if (poll(&pfd, 1, -1) < 0)
			fail("poll");
		if (pfd.revents & POLLOUT)
			push(fd);
		if (!(pfd.revents & (POLLIN | POLLHUP)))
			continue;
		n = print(fd);
		if (!n)
			return 1;
		got += n;
	}
	return 0;
}
