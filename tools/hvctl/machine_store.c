// SPDX-License-Identifier: GPL-2.0-only
#include "machine_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "name_list.h"

#define CONFIG_MAX	MIB(1)
#define NEW_FILE	".config.new"
#define PASSING		".passing-"	/* folders that come or go */
#define PASSING_LENGTH	(sizeof(PASSING) - 1 + 16)

const char *machine_store_base;

/* ---- where ---------------------------------------------------------------------- */

static int base_folder(char path[static PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len;

	if (machine_store_base || !geteuid())
		len = snprintf(path, PATH_MAX, "%s",
			       machine_store_base ? machine_store_base : STORE_DIR);
	else if (state && *state == '/')
		len = snprintf(path, PATH_MAX, "%s/lhv", state);
	else if (home && *home == '/')
		len = snprintf(path, PATH_MAX, "%s/.local/state/lhv", home);
	else
		return fail("there is no folder for this user's machines; set HOME, or XDG_STATE_HOME to a folder of your own");
	if (len >= PATH_MAX - NAME_MAX_LENGTH - 32)
		return fail("the name of the folder for this user's machines is too long");
	return 0;
}

int machine_store_path(const char *name, const char *file, char path[static PATH_MAX])
{
	size_t len;

	if (base_folder(path))
		return -1;
	len = strlen(path);
	snprintf(path + len, PATH_MAX - len, "/%s%s%s", name, *file ? "/" : "", file);
	return 0;
}

bool machine_store_has(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return !machine_store_path(name, "", path) && !lstat(path, &st);
}

/* With the folders above it, which other programs may want too. */
static int make_base(char path[static PATH_MAX])
{
	char *slash;

	if (base_folder(path))
		return -1;
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST && errno != EROFS && errno != EACCES)
			return fail_errno("cannot make the folder %s", path);
		*slash = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return fail_errno("cannot make the folder %s for machines", path);
	return 0;
}

/* ---- files ---------------------------------------------------------------------- */

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= n;
	}
	return 0;
}

/* A file is there as a whole, whatever happens, or not. */
static int replace_config(int dir_fd, const char *path, const char *text)
{
	int fd = openat(dir_fd, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return fail_errno("cannot write to the folder %s", path);
	if (write_all(fd, text) || write_all(fd, "\n") || fsync(fd)) {
		fail_errno("cannot write the config in %s", path);
		close(fd);
		unlinkat(dir_fd, NEW_FILE, 0);
		return -1;
	}
	close(fd);
	if (renameat(dir_fd, NEW_FILE, dir_fd, STORE_CONFIG) || fsync(dir_fd)) {
		fail_errno("cannot write the config in %s", path);
		unlinkat(dir_fd, NEW_FILE, 0);
		return -1;
	}
	return 0;
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int machine_store_write(const char *name, const char *text)
{
	char path[PATH_MAX];
	int ret, dir_fd;

	if (machine_store_path(name, "", path))
		return -1;
	dir_fd = open_folder(path);
	if (dir_fd < 0)
		return fail_errno("cannot open the folder %s", path);
	ret = replace_config(dir_fd, path, text);
	close(dir_fd);
	return ret;
}

char *machine_store_read(const char *name, size_t *len)
{
	char path[PATH_MAX], *text = NULL;
	ssize_t n = -1;
	struct stat st;
	int fd;

	if (machine_store_path(name, STORE_CONFIG, path))
		return NULL;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		fail_errno("cannot read the config %s", path);
	} else if (!S_ISREG(st.st_mode) || (u64)st.st_size > CONFIG_MAX) {
		fail("%s is no config of a machine", path);
	} else {
		text = malloc(st.st_size + 1);
		n = text ? read(fd, text, st.st_size) : -1;
		if (n < 0)
			fail_errno("cannot read the config %s", path);
	}
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = n;
	return text;
}

/* ---- folders that come and go --------------------------------------------------- */

static void passing_name(const char *base, char path[static PATH_MAX])
{
	u64 number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		number = getpid();
	snprintf(path, PATH_MAX, "%s/" PASSING "%016llx", base, (unsigned long long)number);
}

static bool is_same(const char *path, int fd)
{
	struct stat there, here;

	return !lstat(path, &there) && !fstat(fd, &here) && there.st_dev == here.st_dev &&
	       there.st_ino == here.st_ino;
}

/*
 * Have the folder for this process, while it comes or goes: returns an fd, or -1 if another
 * one has it, or has removed it.
 */
static int take_passing(const char *path)
{
	int fd = open_folder(path);

	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && is_same(path, fd))
		return fd;
	close(fd);
	return -1;
}

/* Files only: machines have no folders in theirs. */
static int empty_folder(int dir_fd)
{
	int fd = dup(dir_fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int ret = 0;

	if (!dir) {
		close(fd);
		return -1;
	}
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret |= unlinkat(dir_fd, entry->d_name, 0);
	}
	closedir(dir);
	return ret;
}

/* Takes @dir_fd, the folder's, which is this process's alone. */
static int remove_passing(const char *path, int dir_fd)
{
	int ret = empty_folder(dir_fd) || rmdir(path) ? -1 : 0;

	close(dir_fd);
	return ret;
}

/* An empty folder that is this process's alone. */
static int make_passing(const char *base, char path[static PATH_MAX])
{
	int fd;

	do {
		passing_name(base, path);
		if (mkdir(path, 0700))
			return fail_errno("cannot make a folder in %s", base);
		/* A list may be faster, and take it for one that was left behind. */
		fd = take_passing(path);
	} while (fd < 0);
	return fd;
}

static void sync_folder(const char *path)
{
	int fd = open_folder(path);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

int machine_store_create(const char *name, const char *text)
{
	char base[PATH_MAX], passing[PATH_MAX], path[PATH_MAX];
	int dir_fd;

	if (make_base(base) || machine_store_path(name, "", path))
		return -1;
	dir_fd = make_passing(base, passing);
	if (dir_fd < 0)
		return -1;
	if (!replace_config(dir_fd, path, text)) {
		/* One that isn't empty is never replaced. */
		if (!rename(passing, path)) {
			close(dir_fd);
			sync_folder(base);
			return 0;
		}
		if (errno == EEXIST || errno == ENOTEMPTY)
			fail("there is a machine %s already; destroy it, or choose another name",
			     name);
		else
			fail_errno("cannot make the folder %s", path);
	}
	remove_passing(passing, dir_fd);
	return -1;
}

int machine_store_remove(const char *name)
{
	char base[PATH_MAX], passing[PATH_MAX], path[PATH_MAX];
	int dir_fd;

	if (base_folder(base) || machine_store_path(name, "", path))
		return -1;
	dir_fd = open_folder(path);
	if (dir_fd < 0)
		return fail_errno("cannot open the folder %s", path);
	flock(dir_fd, LOCK_EX);
	passing_name(base, passing);
	if (rename(path, passing)) {
		fail_errno("cannot remove the folder %s", path);
		close(dir_fd);
		return -1;
	}
	sync_folder(base);
	if (remove_passing(passing, dir_fd))
		return fail_errno("the machine is gone, but not all of its folder, which is %s now; remove that",
				  passing);
	return 0;
}

/* ---- listing -------------------------------------------------------------------- */

static void remove_left_behind(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX + NAME_MAX + 2];
		int fd;

		if (strncmp(entry->d_name, PASSING, strlen(PASSING)) ||
		    strlen(entry->d_name) != PASSING_LENGTH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
		fd = take_passing(path);
		if (fd >= 0)
			remove_passing(path, fd);
	}
	if (dir)
		closedir(dir);
}

char **machine_store_list(void)
{
	char base[PATH_MAX];

	if (base_folder(base))
		return NULL;
	remove_left_behind(base);
	return name_list_read(base, NULL);
}
