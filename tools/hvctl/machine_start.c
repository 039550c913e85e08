// SPDX-License-Identifier: GPL-2.0-only
#include "machine_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "machine_lock.h"
#include "machine_log.h"
#include "machine_names.h"
#include "machine_process.h"
#include "machine_store.h"
#include "saved_config.h"

/* The machine's process has these, and no other fds of its parent's. */
enum { FD_LOCK = STDERR_FILENO + 1, FD_NEWS, FD_LOG, FD_FIRST };

struct starting {
	struct machine_background background;
	struct machine_log log;
	int news_fd;		/* to who waits for the start; -1: was told */
};

/* ---- the machine's process ------------------------------------------------------ */

/* One character, 1 for a success, and the sentence. Who waited may be gone. */
static void tell(struct machine_background *background, bool ok)
{
	struct starting *s = (struct starting *)background;
	char text[600];
	int len;

	if (s->news_fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%c%s", ok ? '1' : '0', ok ? "" : fail_text());
	if (write(s->news_fd, text, len) < 0)
		say("who started the machine is gone");
	close(s->news_fd);
	s->news_fd = -1;
}

/* Each end gets the number that it is to have; others aren't passed on. */
static void keep_files(struct starting *s)
{
	int from[] = { s->background.lock, s->news_fd, s->log.fd };
	unsigned int i;

	/* Out of the way of each other. */
	for (i = 0; i < ARRAY_SIZE(from); i++)
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_FIRST);
	for (i = 0; i < ARRAY_SIZE(from); i++)
		dup3(from[i], FD_LOCK + i, O_CLOEXEC);
	close_range(FD_FIRST, ~0U, 0);
	s->background.lock = FD_LOCK;
	s->news_fd = FD_NEWS;
	s->log.fd = FD_LOG;
}

static void leave_terminal(struct starting *s)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	signal(SIGPIPE, SIG_IGN);
	dup2(null, STDIN_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	machine_log_redirect(&s->log);
	if (chdir("/"))
		say("cannot leave the current directory");
}

static void note_start(void)
{
	char text[40] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	say("starts at %s as process %d", text, (int)getpid());
}

static void __attribute__((noreturn)) be_machine(struct starting *s,
						 struct run_options *options)
{
	keep_files(s);
	leave_terminal(s);
	note_start();
	s->background.log = &s->log;
	s->background.started = tell;
	exit(machine_process(options, &s->background));
}

/* ---- who starts it -------------------------------------------------------------- */

/* What the process has to say; @name is in the sentence for one that is silent. */
static int wait_for_news(int fd, const char *name)
{
	char text[600];
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, text + used, sizeof(text) - 1 - used);
		if (n > 0)
			used += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text[used] = '\0';
	if (*text == '1')
		return 0;
	if (*text == '0')
		return fail("%s", text + 1);
	return fail("the machine %s ended while it was being started; 'hvctl log %s' may tell why",
		    name, name);
}

static int start_process(struct starting *s, struct saved_machine *machine, const char *name)
{
	int ret, news[2];
	pid_t child;

	if (pipe2(news, O_CLOEXEC))
		return fail_errno("cannot create a pipe");
	s->news_fd = news[1];
	fflush(NULL);
	child = fork();
	if (!child)
		be_machine(s, &machine->options);
	close(news[1]);
	ret = child < 0 ? fail_errno("cannot start a process") : wait_for_news(news[0], name);
	close(news[0]);
	/* That it is gone is part of having failed. */
	if (ret && child > 0)
		waitpid(child, NULL, 0);
	return ret;
}

static int start(struct starting *s, const char *name)
{
	static struct saved_machine machine;
	int ret;

	if (machine_dir_is_alive(name))
		return fail("the machine %s runs already", name);
	if (!machine_store_has(name))
		return fail_no_machine(name);
	if (saved_machine_open(&machine, name))
		return -1;
	ret = machine_log_open(&s->log, name);
	if (!ret) {
		ret = start_process(s, &machine, name);
		machine_log_close(&s->log);
	}
	saved_machine_close(&machine);
	return ret;
}

int machine_start(const char *name)
{
	struct starting starting = { .background.lock = machine_lock(name) };
	int ret;

	if (starting.background.lock < 0)
		return -1;
	ret = start(&starting, name);
	close(starting.background.lock);
	return ret;
}
