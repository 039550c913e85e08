// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hvctl enter has a guest do, done here, on a terminal that stands for the port; and the
 * marks by which it tells of itself.
 */
#include "enter_script.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "enter_filter.h"
#include "test.h"

#define TOKEN	"0123456789abcdef0123456789abcdef"
#define MARK(text)	"\036" TOKEN ":" text "\036"

static struct enter_filter filter;
static char shown[KIB(64)];
static size_t shown_count;

static void start_filter(void)
{
	enter_filter_init(&filter, TOKEN);
	shown_count = 0;
}

static void feed(const char *text, size_t len)
{
	char out[4096 + ENTER_HELD_MAX];
	size_t n = enter_filter_pass(&filter, text, len, out);

	EXPECT(n <= len + ENTER_HELD_MAX);
	n = min_u64(n, sizeof(shown) - 1 - shown_count);
	memcpy(shown + shown_count, out, n);
	shown_count += n;
	shown[shown_count] = '\0';
}

/* ---- marks ---------------------------------------------------------------------- */

/* The same, wherever it is cut in two, and in single bytes. */
static void marks(void)
{
	static const char text[] = "old" MARK("end 4") MARK("tty /dev/pts/12") "\036a\036\036"
				   "\036" TOKEN "x" MARK("other") "b" MARK("end 42") "late";
	static const char expected[] = "\036a\036\036\036" TOKEN "xb";
	size_t len = strlen(text), cut, i;

	for (cut = 0; cut <= len; cut++) {
		start_filter();
		feed(text, cut);
		feed(text + cut, len - cut);
		EXPECT(filter.started && filter.ended);
		EXPECT(!strcmp(filter.tty, "/dev/pts/12"));
		EXPECT_EQ(filter.status, 42);
		EXPECT(!strcmp(shown, expected));
	}
	start_filter();
	for (i = 0; i < len; i++)
		feed(text + i, 1);
	EXPECT(!strcmp(shown, expected));
	EXPECT_EQ(filter.status, 42);
}

static void odd_marks(void)
{
	static const char * const bad_tty[] = {
		MARK("tty"), MARK("tty "), MARK("tty not a tty"), MARK("tty /etc/passwd"),
		MARK("tty /dev/../x"), MARK("ttyx/dev/pts/0"),
	};
	static const char * const bad_status[] = {
		MARK("end"), MARK("end "), MARK("end x"), MARK("end 256"), MARK("end -1"),
		MARK("end 1x"),
	};
	char longer[256];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_tty); i++) {
		start_filter();
		feed(bad_tty[i], strlen(bad_tty[i]));
		EXPECT(filter.started && !*filter.tty);
		feed(bad_status[i], strlen(bad_status[i]));
		EXPECT(filter.ended);
		EXPECT_EQ(filter.status, -1);
		EXPECT_EQ(shown_count, 0);
	}
	/* As long as may be, and longer */
	for (i = 60; i < 70; i++) {
		start_filter();
		feed(MARK("tty"), strlen(MARK("tty")));
		snprintf(longer, sizeof(longer), "\036" TOKEN ":%0*u\036", i, 0U);
		feed(longer, strlen(longer));
		feed("x", 1);
		feed(MARK("end 0"), strlen(MARK("end 0")));
		EXPECT(filter.ended);
		EXPECT_EQ(shown_count, i < ENTER_TEXT_MAX ? 1 : strlen(longer) + 1);
	}
}

/* ---- the script ----------------------------------------------------------------- */

static struct enter_command command;
static char port[64];
static int master_fd, port_fd;
static pid_t child;

/* What script(1) complains of is nobody's business. */
static int spawn(const char **argv, char **environment)
{
	posix_spawn_file_actions_t actions;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	ret = posix_spawnp(&child, argv[0], &actions, NULL, (char **)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* false: there is no such thing here */
static bool run_script(const char * const *argv, char **environment)
{
	const char *wanted[ENTER_ARGV_MAX];
	struct termios raw;
	char *text;
	int ret;

	start_filter();
	master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(master_fd >= 0 && !grantpt(master_fd) && !unlockpt(master_fd));
	snprintf(port, sizeof(port), "%s", ptsname(master_fd));
	port_fd = open(port, O_RDWR | O_NOCTTY | O_CLOEXEC);
	EXPECT(!tcgetattr(port_fd, &raw));
	cfmakeraw(&raw);
	EXPECT(!tcsetattr(port_fd, TCSANOW, &raw));
	command = (struct enter_command){
		.port = port, .token = TOKEN, .rows = 33, .columns = 99, .terminal = "xterm",
		.argv = argv,
	};
	EXPECT(!enter_script_make(&command, wanted, &text));
	ret = spawn(wanted, environment);
	free(text);
	if (!ret)
		return true;
	test_skip("this host has no setsid(1)");
	close(port_fd);
	close(master_fd);
	return false;
}

/* Show what comes, until the filter has found *@what. */
static void show_until(const bool *what)
{
	struct pollfd fd = { .fd = master_fd, .events = POLLIN };
	char buf[4096];

	while (!*what && poll(&fd, 1, 60000) > 0) {
		ssize_t n = read(master_fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		feed(buf, n);
	}
	EXPECT(*what);
}

static void end_script(void)
{
	int status;

	close(port_fd);
	close(master_fd);
	EXPECT_EQ(waitpid(child, &status, 0), child);
}

static void script(void)
{
	static const char * const argv[] = {
		"sh", "-c", "stty size; echo $TERM; read -r x; echo \"<$x>\"; exit $1", "it's",
		"7", NULL,
	};

	if (access("/usr/bin/script", X_OK)) {
		test_skip("this host has no script(1)");
		return;
	}
	if (!run_script(argv, environ))
		return;
	show_until(&filter.started);
	EXPECT(!strncmp(filter.tty, "/dev/pts/", 9));
	EXPECT_EQ(write(master_fd, "typed\r", 6), 6);
	show_until(&filter.ended);
	EXPECT_HAS(shown, "33 99\r\n");
	EXPECT_HAS(shown, "xterm\r\n");
	EXPECT_HAS(shown, "<typed>\r\n");
	EXPECT_EQ(filter.status, 7);
	end_script();
}

/* Whoever inherits it may not have waited for it yet. */
static bool is_running(pid_t pid)
{
	char path[32], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	EXPECT_EQ(fscanf(file, "%*d %*s %c", &state), 1);
	fclose(file);
	return state != 'Z';
}

/* Whoever leaves hangs up on what runs, however busy that is. */
static void hung_up(void)
{
	static const char * const argv[] = { "sh", "-c", "echo $$; exec yes", NULL };
	char *end;
	pid_t pid;

	if (access("/usr/bin/script", X_OK)) {
		test_skip("this host has no script(1)");
		return;
	}
	if (!run_script(argv, environ))
		return;
	show_until(&filter.started);
	while (!strchr(shown, '\n')) {
		char c;

		EXPECT_EQ(read(master_fd, &c, 1), 1);
		feed(&c, 1);
	}
	pid = strtol(shown, &end, 10);
	EXPECT(pid > 0 && is_running(pid));
	end_script();
	while (is_running(pid))
		poll(NULL, 0, 10);
}

/* A guest without script(1) has a shell all the same. */
static void plain(void)
{
	static const char * const needed[] = { "sh", "cat", "tty", "sleep" };
	static const char * const argv[] = { "sh", "-c", "read -r x; echo \"<$x>\"; exit 3", NULL };
	char folder[] = "/tmp/hvctl-bin-XXXXXX", path[64], link[64], variable[64];
	char *environment[] = { variable, NULL };
	unsigned int i;

	EXPECT(mkdtemp(folder));
	snprintf(variable, sizeof(variable), "PATH=%s", folder);
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		snprintf(path, sizeof(path), "/bin/%s", needed[i]);
		if (access(path, X_OK))
			snprintf(path, sizeof(path), "/usr/bin/%s", needed[i]);
		snprintf(link, sizeof(link), "%s/%s", folder, needed[i]);
		EXPECT(!symlink(path, link));
	}
	if (run_script(argv, environment)) {
		show_until(&filter.started);
		EXPECT(!*filter.tty);
		EXPECT_EQ(write(master_fd, "typed\n", 6), 6);
		show_until(&filter.ended);
		EXPECT_HAS(shown, "<typed>\n");
		EXPECT_EQ(filter.status, 3);
		end_script();
	}
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		snprintf(link, sizeof(link), "%s/%s", folder, needed[i]);
		unlink(link);
	}
	EXPECT(!rmdir(folder));
}

static int status_at(const char *where)
{
	const char *script_argv[ENTER_ARGV_MAX];
	char *text;
	int status;

	command = (struct enter_command){ .port = where, .token = TOKEN };
	EXPECT(!enter_script_make(&command, script_argv, &text));
	EXPECT(!spawn(script_argv, environ));
	free(text);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void no_port(void)
{
	EXPECT_EQ(status_at("org.example.none"), ENTER_NO_PORT);
	EXPECT_EQ(status_at("/nonexistent"), ENTER_NO_PORT);
	/* A device that can't be opened: there is no such controlling terminal. */
	EXPECT_EQ(status_at("/dev/tty"), ENTER_PORT_BUSY);
}

static void texts(void)
{
	static const char * const bad[] = { NULL, "", "x;y", "$(id)", "a b" };
	const char *argv[ENTER_ARGV_MAX];
	unsigned int i;
	char *text;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		command = (struct enter_command){
			.port = "p", .token = TOKEN, .terminal = bad[i], .user = "me",
		};
		EXPECT(!enter_script_make(&command, argv, &text));
		EXPECT_HAS(text, "TERM=dumb ");
		EXPECT_HAS(text, "stty sane  2");
		EXPECT_HAS(text, "su -l me\n");
		free(text);
	}
	command.terminal = "screen-256color";
	command.user = NULL;
	command.rows = 25;
	command.columns = 80;
	EXPECT(!enter_script_make(&command, argv, &text));
	EXPECT_HAS(text, "TERM=screen-256color ");
	EXPECT_HAS(text, "stty sane rows 25 cols 80 ");
	EXPECT_HAS(text, "su -l root\n");
	EXPECT(!strcmp(argv[5], "p") && !strcmp(argv[6], TOKEN) && argv[7] == text && !argv[8]);
	free(text);
}

static const struct test_case cases[] = {
	TEST_CASE(marks),
	TEST_CASE(odd_marks),
	TEST_CASE(script),
	TEST_CASE(hung_up),
	TEST_CASE(plain),
	TEST_CASE(no_port),
	TEST_CASE(texts),
};

TEST_SUITE(enter_suite, "enter", cases);
