// SPDX-License-Identifier: GPL-2.0-only
#include "port_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char folder[] = "/tmp/hvctl-port-XXXXXX";
static char path[64];
static struct port *port;

static bool start(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	port = port_socket_create(path);
	EXPECT(port);
	return port;
}

static void end(void)
{
	struct stat st;

	port_socket_destroy(port);
	EXPECT(lstat(path, &st));
	EXPECT(!rmdir(folder));
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	EXPECT(!connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static bool is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static bool attend(bool wanted, bool next)
{
	return port->ops->attend(port, wanted, next);
}

static size_t read_port(char *buf, size_t size)
{
	const struct iovec iov[] = { { buf, 1 }, { buf + 1, size - 1 } };

	return port->ops->read(port, iov, 2);
}

static size_t write_port(const char *text)
{
	const struct iovec iov = { (void *)text, strlen(text) };

	return port->ops->write(port, &iov, 1, iov.iov_len);
}

static void expect_text(int fd, const char *text)
{
	char buf[64] = "";

	EXPECT_EQ(read(fd, buf, sizeof(buf) - 1), strlen(text));
	EXPECT(!strcmp(buf, text));
}

static void both_ways(void)
{
	char buf[16] = "";
	int fd;

	if (!start())
		return;
	/* Nobody there: it takes everything. */
	EXPECT(!attend(true, true));
	EXPECT_EQ(write_port("lost"), 4);
	EXPECT_EQ(read_port(buf, sizeof(buf)), 0);
	fd = dial();
	EXPECT(is_ready(port->receive_fd));
	EXPECT(attend(true, true));
	EXPECT_EQ(write(fd, "ask", 3), 3);
	EXPECT(attend(true, true));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 3);
	EXPECT(!strcmp(buf, "ask"));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 0);
	EXPECT(!is_ready(port->receive_fd));
	EXPECT_EQ(write_port("answer"), 6);
	expect_text(fd, "answer");
	/* Not ready for what hasn't come, and ready again for what has */
	port_settle(port);
	EXPECT(!is_ready(port->receive_fd) && !is_ready(port->transmit_fd));
	EXPECT_EQ(write(fd, "more", 4), 4);
	EXPECT(is_ready(port->receive_fd));
	close(fd);
	end();
}

/* The next one waits until the first has left, and what he left is read. */
static void one_at_a_time(void)
{
	char buf[16] = "";
	int first, second;

	if (!start())
		return;
	first = dial();
	second = dial();
	EXPECT(attend(true, true));
	EXPECT_EQ(write(first, "1", 1), 1);
	EXPECT_EQ(write(second, "2", 1), 1);
	close(first);
	EXPECT(attend(true, true));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 1);
	EXPECT_EQ(buf[0], '1');
	EXPECT_EQ(read_port(buf, sizeof(buf)), 0);
	EXPECT(!attend(true, true));
	/* Nobody comes before he may. */
	EXPECT(!attend(true, false));
	EXPECT(attend(true, true));
	EXPECT(attend(true, false));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 1);
	EXPECT_EQ(buf[0], '2');
	EXPECT_EQ(write_port("to 2"), 4);
	expect_text(second, "to 2");
	close(second);
	end();
}

/* With the guest's end closed, who has left leaves nothing. */
static void closed_guest(void)
{
	char buf[16];
	int first, second;

	if (!start())
		return;
	first = dial();
	EXPECT(attend(false, true));
	EXPECT_EQ(write(first, "lost", 4), 4);
	EXPECT(attend(false, true));
	close(first);
	EXPECT(is_ready(port->receive_fd));
	EXPECT(!attend(false, true));
	second = dial();
	EXPECT(attend(false, true));
	EXPECT(attend(true, true));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 0);
	close(second);
	end();
}

/* Who has nothing more to say may still listen. */
static void half_closed(void)
{
	char buf[16];
	int fd;

	if (!start())
		return;
	fd = dial();
	EXPECT(attend(true, true));
	EXPECT_EQ(write(fd, "ask", 3), 3);
	EXPECT(!shutdown(fd, SHUT_WR));
	EXPECT(attend(true, true));
	EXPECT_EQ(read_port(buf, sizeof(buf)), 3);
	EXPECT_EQ(read_port(buf, sizeof(buf)), 0);
	EXPECT(attend(true, true));
	EXPECT(!is_ready(port->receive_fd));
	EXPECT_EQ(write_port("answer"), 6);
	expect_text(fd, "answer");
	close(fd);
	EXPECT(is_ready(port->receive_fd));
	EXPECT(!attend(true, true));
	end();
}

/* Who doesn't read takes only so much; then he is asked again, or leaves. */
static void slow_client(void)
{
	static char big[KIB(64)], buf[KIB(64)];
	size_t n, taken = 0;
	int fd;

	if (!start())
		return;
	fd = dial();
	EXPECT(attend(true, true));
	memset(big, 'x', sizeof(big) - 1);
	port_settle(port);
	while ((n = write_port(big))) {
		taken += n;
		if (taken > MIB(64))
			break;
	}
	EXPECT(taken && taken < MIB(4));
	EXPECT(!is_ready(port->transmit_fd));
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	EXPECT(is_ready(port->transmit_fd));
	port_settle(port);
	EXPECT(!is_ready(port->transmit_fd));
	while (write_port(big))
		;
	close(fd);
	EXPECT(is_ready(port->transmit_fd));
	EXPECT_EQ(write_port("lost"), 4);
	end();
}

static void the_file(void)
{
	struct port *other;
	struct stat st;
	int fd;

	if (!start())
		return;
	EXPECT(!lstat(path, &st));
	EXPECT_EQ(st.st_mode, S_IFSOCK | 0600);
	/* In use */
	fail_say("(none)");
	EXPECT(!port_socket_create(path));
	EXPECT_HAS(fail_text(), "is there already");
	/* Somebody else's in its place stays. */
	EXPECT(!unlink(path));
	other = port_socket_create(path);
	port_socket_destroy(port);
	EXPECT(!lstat(path, &st));
	port_socket_destroy(other);
	EXPECT(lstat(path, &st));
	/* A file */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	EXPECT(!port_socket_create(path));
	EXPECT_HAS(fail_text(), "is there already");
	EXPECT(!unlink(path));
	close(fd);
	fail_say("(none)");
	EXPECT(!port_socket_create("/nonexistent/socket"));
	EXPECT_HAS(fail_text(), "cannot create the socket /nonexistent/socket");
	/* Left behind */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		strcpy(address.sun_path, path);
		EXPECT(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	}
	close(fd);
	port = port_socket_create(path);
	EXPECT(port);
	if (port)
		end();
}

static const struct test_case cases[] = {
	TEST_CASE(both_ways), TEST_CASE(one_at_a_time), TEST_CASE(closed_guest),
	TEST_CASE(half_closed), TEST_CASE(slow_client), TEST_CASE(the_file),
};
TEST_SUITE(port_socket_suite, "port_socket", cases);
