// SPDX-License-Identifier: GPL-2.0-only
#include "machine_dir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "error.h"
#include "image_copy.h"
#include "name_list.h"
#include "ofd_lock.h"
#include "port_options.h"

#define LOCK_FILE	"lock"
#define CONTROL_SOCKET	"control"
#define CONSOLE_SOCKET	"console"
#define GROUP_LINK	"cgroup"
#define COPIES_FOLDER	".copies"	/* no name of a machine */

/*
 * Bytes of the lock file. The second is held while the folder is made or removed; the third,
 * by who has the machine's port for terminals; the fourth, as long as the machine starts.
 */
enum { LOCK_LIFE, LOCK_FOLDER, LOCK_ENTER, LOCK_START };

const char *machine_dir_base;

/* ---- names ---------------------------------------------------------------------- */

int machine_dir_check_name(const char *text, const char *what)
{
	size_t i, len = strlen(text);

	if (!isalnum((unsigned char)text[0]) || len > NAME_MAX_LENGTH)
		goto bad;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			goto bad;
	}
	return 0;
bad:
	return fail("%s: '%s' is not a name; use up to %u letters, digits, '-', '_' and '.', starting with a letter or digit",
		    what, text, NAME_MAX_LENGTH);
}

/* ---- folders -------------------------------------------------------------------- */

int machine_dir_base_folder(char path[static PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (machine_dir_base || !geteuid()) {
		strcpy(path, machine_dir_base ? machine_dir_base : RUN_DIR);
		return 0;
	}
	if (!runtime || *runtime != '/')
		return fail("there is no folder for this user's machines; log in with a session, or set XDG_RUNTIME_DIR to a folder of your own");
	if (snprintf(path, PATH_MAX, "%s/lhv", runtime) >= PATH_MAX - NAME_MAX_LENGTH - 16)
		return fail("XDG_RUNTIME_DIR is too long");
	return 0;
}

static int machine_folder(const char *name, char path[static PATH_MAX])
{
	size_t len;

	if (machine_dir_base_folder(path))
		return -1;
	len = strlen(path);
	snprintf(path + len, PATH_MAX - len, "/%s", name);
	return 0;
}

int machine_dir_copies(char path[static PATH_MAX])
{
	return machine_folder(COPIES_FOLDER, path);
}

static int socket_address(const char *name, const char *file, struct sockaddr_un *address)
{
	char path[PATH_MAX];

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (machine_folder(name, path))
		return -1;
	if (strlen(path) + strlen("/") + strlen(file) >= sizeof(address->sun_path))
		return fail("the name %s makes a path that is too long for a socket: %s/%s; choose a shorter one",
			    name, path, file);
	strcpy(address->sun_path, path);
	strcat(address->sun_path, "/");
	strcat(address->sun_path, file);
	return 0;
}

int machine_dir_control(const char *name, struct sockaddr_un *address)
{
	return socket_address(name, CONTROL_SOCKET, address);
}

int machine_dir_console(const char *name, struct sockaddr_un *address)
{
	return socket_address(name, CONSOLE_SOCKET, address);
}

/* ---- locks ---------------------------------------------------------------------- */

/* Whoever was there first may have removed it, or another one may be there. */
static bool is_still_there(int dir_fd, int fd)
{
	struct stat there, here;

	return !fstatat(dir_fd, LOCK_FILE, &there, AT_SYMLINK_NOFOLLOW) && !fstat(fd, &here) &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/*
 * Open the folder's lock, with its second byte locked. Returns -1 with errno; ENOENT if
 * the folder isn't there.
 */
static int open_lock(const char *path, int flags)
{
	int error, fd = -1, dir_fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir_fd < 0)
		return -1;
	for (;;) {
		fd = openat(dir_fd, LOCK_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
		if (fd < 0)
			break;
		if (ofd_lock(fd, LOCK_FOLDER)) {
			error = errno;
			close(fd);
			errno = error;
			fd = -1;
			break;
		}
		if (is_still_there(dir_fd, fd))
			break;
		close(fd);
	}
	error = errno;
	close(dir_fd);
	errno = error;
	return fd;
}

/* ---- the cgroup ----------------------------------------------------------------- */

static void group_link(const struct machine_dir *dir, char path[static PATH_MAX + 16])
{
	snprintf(path, PATH_MAX + 16, "%s/" GROUP_LINK, dir->path);
}

int machine_dir_link_group(const struct machine_dir *dir, const char *path)
{
	char link[PATH_MAX + 16];

	if (!*dir->path)
		return 0;
	group_link(dir, link);
	unlink(link);
	return symlink(path, link) ? fail_errno("cannot make the link %s", link) : 0;
}

void machine_dir_unlink_group(const struct machine_dir *dir)
{
	char link[PATH_MAX + 16];

	if (!*dir->path)
		return;
	group_link(dir, link);
	unlink(link);
}

/* Of a process that is no more. */
static void remove_group(const char *folder)
{
	char link[PATH_MAX + 16], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "%s/" GROUP_LINK, folder);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return;
	path[len] = '\0';
	cgroup_remove(path);
	unlink(link);
}

/* ---- removal -------------------------------------------------------------------- */

static void remove_file(const char *path, const char *file)
{
	char full[PATH_MAX + 16];

	snprintf(full, sizeof(full), "%s/%s", path, file);
	unlink(full);
}

static void remove_sockets(const char *path)
{
	static const char * const files[] = {
		CONTROL_SOCKET, CONSOLE_SOCKET, AGENT_SOCKET, ENTER_SOCKET,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		remove_file(path, files[i]);
}

/* Of a folder whose lock's second byte is ours, and whose first one is nobody else's. */
static void remove_folder(const char *path)
{
	remove_group(path);
	remove_sockets(path);
	remove_file(path, LOCK_FILE);
	rmdir(path);
}

/* ---- claiming ------------------------------------------------------------------- */

int machine_dir_make_base(void)
{
	char path[PATH_MAX];

	if (machine_dir_base_folder(path))
		return -1;
	if (mkdir(path, geteuid() ? 0700 : 0755) && errno != EEXIST)
		return fail_errno("cannot make the folder %s for running machines", path);
	return 0;
}

int machine_dir_claim(struct machine_dir *dir, const char *name)
{
	struct sockaddr_un address;

	dir->lock_fd = -1;
	if (machine_dir_control(name, &address) || machine_dir_make_base() ||
	    machine_folder(name, dir->path))
		goto err;
	do {
		if (mkdir(dir->path, 0700) && errno != EEXIST)
			break;
		/* Its last user may remove it before it is locked. */
		dir->lock_fd = open_lock(dir->path, O_CREAT);
	} while (dir->lock_fd < 0 && errno == ENOENT);
	if (dir->lock_fd < 0) {
		fail_errno("cannot make the machine's folder %s", dir->path);
		goto err;
	}
	if (ofd_try_lock(dir->lock_fd, LOCK_LIFE)) {
		fail("there is a machine %s already; stop it, or choose another --name", name);
		goto err_close;
	}
	ofd_try_lock(dir->lock_fd, LOCK_START);
	remove_sockets(dir->path);
	remove_group(dir->path);
	ofd_unlock(dir->lock_fd, LOCK_FOLDER);
	return 0;

err_close:
	close(dir->lock_fd);
err:
	*dir->path = '\0';
	return -1;
}

void machine_dir_started(struct machine_dir *dir)
{
	if (*dir->path)
		ofd_unlock(dir->lock_fd, LOCK_START);
}

void machine_dir_release(struct machine_dir *dir)
{
	if (!*dir->path)
		return;
	if (!ofd_lock(dir->lock_fd, LOCK_FOLDER))
		remove_folder(dir->path);
	close(dir->lock_fd);
	*dir->path = '\0';
}

int machine_dir_lock_enter(const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (machine_folder(name, path))
		return -1;
	strcat(path, "/" LOCK_FILE);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno("cannot open the machine's lock %s", path);
	if (!ofd_try_lock(fd, LOCK_ENTER))
		return fd;
	fail("somebody has entered the machine %s already; one at a time can, so wait, or use 'hvctl exec'",
	     name);
	close(fd);
	return -1;
}

/* ---- listing -------------------------------------------------------------------- */

bool machine_dir_is_alive(const char *name)
{
	char path[PATH_MAX];
	bool alive;
	int fd;

	if (machine_folder(name, path))
		return false;
	fd = open_lock(path, 0);
	if (fd < 0) {
		/* Whoever was to make its lock was killed, or makes the folder once more. */
		if (errno == ENOENT)
			rmdir(path);
		return false;
	}
	alive = ofd_is_locked(fd, LOCK_LIFE);
	if (!alive)
		remove_folder(path);
	close(fd);
	return alive;
}

bool machine_dir_is_starting(const char *name)
{
	char path[PATH_MAX];
	bool starting;
	int fd;

	if (machine_folder(name, path))
		return false;
	fd = open_lock(path, 0);
	starting = fd >= 0 && ofd_is_locked(fd, LOCK_START);
	if (fd >= 0)
		close(fd);
	return starting;
}

char **machine_dir_list(void)
{
	char path[PATH_MAX], **names;

	if (machine_dir_base_folder(path))
		return NULL;
	names = name_list_read(path, machine_dir_is_alive);
	if (names && !machine_dir_copies(path))
		image_copy_sweep(path);
	return names;
}
