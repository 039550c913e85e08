// SPDX-License-Identifier: GPL-2.0-only
/* The console of a machine in the background, and who looks at it. */
#include "console_viewers.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "machine_store.h"
#include "test.h"

static char folder[] = "/tmp/hvctl-view-XXXXXX";
static struct sockaddr_un address;
static struct console_viewers *viewers;
static struct console c;

static void start(struct machine_log *log)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/console", folder);
	viewers = console_viewers_create(&address, log);
	EXPECT(viewers);
	console_open_viewers(&c, viewers);
}

static void end(void)
{
	console_close(&c);
	console_viewers_destroy(viewers);
	unlink(address.sun_path);
	EXPECT(!rmdir(folder));
}

static int attach(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	EXPECT(!connect(fd, (struct sockaddr *)&address, sizeof(address)));
	console_serve(&c, true);
	return fd;
}

static void say_all(const char *text)
{
	while (*text)
		console_put(&c, *text++);
	console_serve(&c, console_flush(&c));
}

static void expect_read(int fd, const char *want)
{
	char got[256] = "";
	ssize_t n = read(fd, got, sizeof(got) - 1);

	EXPECT_EQ(n < 0 ? 0 : n, strlen(want));
	EXPECT(!strcmp(got, want));
}

static bool readable(void)
{
	struct pollfd fd = { .fd = console_viewers_poll(&c), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void all_see(void)
{
	struct stat st;
	int one, two;

	start(NULL);
	EXPECT(!stat(address.sun_path, &st));
	EXPECT_EQ(st.st_mode, S_IFSOCK | 0600);
	say_all("before ");
	one = attach();
	expect_read(one, "before ");
	say_all("both ");
	two = attach();
	expect_read(one, "both ");
	expect_read(two, "before both ");
	EXPECT(!readable());
	EXPECT_EQ(write(one, "1", 1), 1);
	EXPECT_EQ(write(two, "2", 1), 1);
	EXPECT(readable());
	console_serve(&c, true);
	EXPECT_EQ(c.input_used, 2);
	EXPECT(!memcmp(c.input, "12", 2));
	console_consume(&c, 2);
	close(one);
	EXPECT(readable());
	console_serve(&c, true);
	EXPECT(!readable());
	say_all("rest");
	expect_read(two, "rest");
	end();
	/* Hung up on */
	EXPECT_EQ(read(two, &(char){ 0 }, 1), 0);
	close(two);
}

/* Who doesn't read misses something; the guest never waits. */
static void slow(void)
{
	static char got[4 * VIEWERS_BUFFER];
	int i, fd, quick;
	ssize_t n, used = 0;

	start(NULL);
	fd = attach();
	quick = attach();
	for (i = 0; i < 400000; i++) {
		console_put(&c, 'a' + i % 26);
		if (i % 4000 == 3999) {
			console_serve(&c, console_flush(&c));
			n = read(quick, got, sizeof(got));
			EXPECT_EQ(n, 4000);
			EXPECT_EQ(got[n - 1], 'a' + i % 26);
		}
	}
	while ((n = read(fd, got + used, sizeof(got) - used)) > 0 || readable()) {
		used += n > 0 ? n : 0;
		console_serve(&c, true);
	}
	/* What the socket took at first, then a gap, and at last all that was kept. */
	EXPECT(used > (ssize_t)VIEWERS_BUFFER && used < 400000);
	for (i = 0; i < (int)VIEWERS_BUFFER; i++)
		EXPECT_EQ(got[used - 1 - i], 'a' + (399999 - i) % 26);
	close(fd);
	fd = attach();
	used = 0;
	while ((n = read(fd, got + used, sizeof(got) - used)) > 0 || readable()) {
		used += n > 0 ? n : 0;
		console_serve(&c, true);
	}
	EXPECT_EQ(used, VIEWERS_BUFFER);
	close(fd);
	close(quick);
	end();
}

/* More than the guest takes waits with the one who sends it, and nobody spins for it. */
static void input(void)
{
	u8 text[3 * CONSOLE_INPUT];
	unsigned int i, n, taken = 0;
	int fd;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 251;
	start(NULL);
	fd = attach();
	EXPECT_EQ(write(fd, text, sizeof(text)), sizeof(text));
	console_serve(&c, true);
	EXPECT_EQ(c.input_used, CONSOLE_INPUT);
	EXPECT(!readable() && !console_has_input_room(&c));
	while (c.input_used) {
		n = min_u64(c.input_used, 100);
		EXPECT(!memcmp(c.input, text + taken, n));
		console_consume(&c, n);
		taken += n;
		EXPECT_EQ(console_has_input_room(&c), taken + c.input_used < sizeof(text) ||
			  c.was_full);
		console_serve(&c, false);
	}
	EXPECT_EQ(taken, sizeof(text));
	EXPECT(!readable());
	EXPECT_EQ(write(fd, "x", 1), 1);
	EXPECT(readable());
	close(fd);
	end();
}

static void crowd(void)
{
	int i, fd[VIEWERS_MAX + 1];

	start(NULL);
	for (i = 0; i <= VIEWERS_MAX; i++)
		fd[i] = attach();
	say_all("x");
	for (i = 0; i < VIEWERS_MAX; i++)
		expect_read(fd[i], "x");
	EXPECT_EQ(read(fd[i], &(char){ 0 }, 1), 0);
	close(fd[3]);
	console_serve(&c, true);
	close(fd[i]);
	fd[3] = attach();
	expect_read(fd[3], "x");
	for (i = 0; i < VIEWERS_MAX; i++)
		close(fd[i]);
	end();
}

static void logged(void)
{
	struct machine_log log;
	char path[PATH_MAX], store[64], text[16] = "";
	int fd;

	strcpy(store, "/tmp/hvctl-store-XXXXXX");
	EXPECT(mkdtemp(store));
	machine_store_base = store;
	EXPECT(!machine_store_create("web", "x") && !machine_log_open(&log, "web"));
	start(&log);
	say_all("some ");
	console_put(&c, '!');
	end();
	EXPECT(!machine_store_path("web", STORE_LOG, path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(read(fd, text, sizeof(text)), 6);
	EXPECT(!memcmp(text, "some !", 6));
	close(fd);
	machine_log_close(&log);
	EXPECT(!machine_store_remove("web"));
	EXPECT(!rmdir(store));
	machine_store_base = NULL;
}

static const struct test_case cases[] = {
	TEST_CASE(all_see), TEST_CASE(slow), TEST_CASE(input), TEST_CASE(crowd), TEST_CASE(logged),
};

TEST_SUITE(console_viewers_suite, "console_viewers", cases);
