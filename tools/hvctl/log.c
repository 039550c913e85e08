// SPDX-License-Identifier: GPL-2.0-only
/* hvctl log */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "machine_names.h"
#include "machine_store.h"
#include "types.h"
#include "verb.h"
#include "verb_options.h"

static const char help[] =
"Usage: hvctl log NAME [OPTION]...\n"
"Print what a machine that was created has written to its console in the background, and what\n"
"its hvctl has said, as far as that is kept: the last 1 to 2 MiB.\n"
"\n"
"  -f                 go on with what comes, until the machine is destroyed\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

/* ---- files ---------------------------------------------------------------------- */

static int open_log(const char *name, const char *file)
{
	char path[PATH_MAX];

	if (machine_store_path(name, file, path))
		return -1;
	return open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* All that is there. -1 with a sentence: who reads is gone */
static int copy(int fd)
{
	char text[4096];
	ssize_t n, done;

	while ((n = read(fd, text, sizeof(text))) > 0) {
		for (done = 0; done < n; ) {
			ssize_t m = write(STDOUT_FILENO, text + done, n - done);

			if (m < 0 && errno != EINTR)
				return fail_errno("cannot write the log");
			done += m > 0 ? m : 0;
		}
	}
	return 0;
}

static int print_old(const char *name)
{
	int ret, fd = open_log(name, STORE_OLD_LOG);

	if (fd < 0)
		return 0;
	ret = copy(fd);
	close(fd);
	return ret;
}

/* ---- what comes ----------------------------------------------------------------- */

static bool was_replaced(const char *name, int fd)
{
	char path[PATH_MAX];
	struct stat now, then;

	return fd < 0 || (!machine_store_path(name, STORE_LOG, path) && !stat(path, &now) &&
			  !fstat(fd, &then) && now.st_ino != then.st_ino);
}

/* false: the machine was destroyed */
static bool wait_for_more(int watch)
{
	char events[4096] __attribute__((aligned(8)));
	ssize_t at, n = read(watch, events, sizeof(events));
	const struct inotify_event *event;

	for (at = 0; at < n; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(events + at);
		if (event->mask & (IN_DELETE_SELF | IN_IGNORED | IN_MOVE_SELF))
			return false;
	}
	return n > 0 || errno == EINTR;
}

/* The log, from where @fd is, and those that come after it. */
static int follow(const char *name, int *fd, int watch)
{
	for (;;) {
		if (*fd >= 0 && copy(*fd))
			return -1;
		if (was_replaced(name, *fd)) {
			/* What came before it was renamed is read by now, or by this. */
			if (*fd >= 0 && copy(*fd))
				return -1;
			if (*fd >= 0)
				close(*fd);
			*fd = open_log(name, STORE_LOG);
			if (*fd >= 0)
				continue;
		}
		if (!wait_for_more(watch))
			return 0;
	}
}

static int watch_folder(const char *name)
{
	char path[PATH_MAX];
	int watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0 || machine_store_path(name, "", path) ||
	    inotify_add_watch(watch, path, IN_CREATE | IN_DELETE_SELF | IN_MODIFY | IN_MOVE_SELF |
			      IN_MOVED_TO) < 0) {
		if (watch >= 0)
			close(watch);
		return fail_errno("cannot watch the folder of the machine %s", name);
	}
	return watch;
}

static int print_log(const char *name, bool follows)
{
	int watch = -1, fd, ret;

	if (!machine_store_has(name))
		return machine_dir_is_alive(name) ?
		       fail("the machine %s was made by 'hvctl run', and has no log", name) :
		       fail_no_machine(name);
	if (follows) {
		watch = watch_folder(name);
		if (watch < 0)
			return -1;
	}
	ret = print_old(name);
	fd = open_log(name, STORE_LOG);
	if (!ret && follows)
		ret = follow(name, &fd, watch);
	else if (!ret && fd >= 0)
		ret = copy(fd);
	if (fd >= 0)
		close(fd);
	if (watch >= 0)
		close(watch);
	return ret;
}

int verb_log(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP, OPTION_NAME, { 0 } };
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":f", .options = options,
	};
	bool follows = false;
	const char *name;
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option != 'f')
			return verb_misused();
		follows = true;
	}
	if (o.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (verb_options_name(&o, &name))
		return verb_misused();
	return print_log(name, follows) ? verb_failed() : STATUS_OK;
}
