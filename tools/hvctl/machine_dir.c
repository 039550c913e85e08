// SPDX-License-Identifier: GPL-2.0-only
#include "machine_dir.h"

#include <ctype.h>
#include <dirent.h>
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
#include "port_options.h"

#define LOCK_FILE	"lock"
#define CONTROL_SOCKET	"control"
#define GROUP_LINK	"cgroup"
#define COPIES_FOLDER	".copies"	/* no name of a machine */

/*
 * Bytes of the lock file. The second is held while the folder is made or removed; the third,
 * by who has the machine's port for terminals.
 */
enum { LOCK_LIFE, LOCK_FOLDER, LOCK_ENTER };

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

/* Where this user's machines have their folders. */
static int base_folder(char path[static PATH_MAX])
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

	if (base_folder(path))
		return -1;
	len = strlen(path);
	snprintf(path + len, PATH_MAX - len, "/%s", name);
	return 0;
}

int machine_dir_copies(char path[static PATH_MAX])
{
	return machine_folder(COPIES_FOLDER, path);
}

int machine_dir_control(const char *name, struct sockaddr_un *address)
{
	char path[PATH_MAX];

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (machine_folder(name, path))
		return -1;
	if (strlen(path) + strlen("/" CONTROL_SOCKET) >= sizeof(address->sun_path))
		return fail("the name %s makes a path that is too long for a socket: %s/" CONTROL_SOCKET "; choose a shorter one",
			    name, path);
	strcpy(address->sun_path, path);
	strcat(address->sun_path, "/" CONTROL_SOCKET);
	return 0;
}

/* ---- locks ---------------------------------------------------------------------- */

/* Of the open file, not of the process: who forks keeps its own, and tests are two machines. */
static int lock_byte(int fd, int command, short type, off_t byte)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1,
	};

	while (fcntl(fd, command, &lock)) {
		if (errno != EINTR)
			return -1;
	}
	return command == F_OFD_GETLK && lock.l_type != F_UNLCK;
}

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
		if (lock_byte(fd, F_OFD_SETLKW, F_WRLCK, LOCK_FOLDER)) {
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

/* Of a folder whose lock's second byte is ours, and whose first one is nobody else's. */
static void remove_folder(const char *path)
{
	static const char * const files[] = {
		CONTROL_SOCKET, AGENT_SOCKET, ENTER_SOCKET, LOCK_FILE,
	};
	char file[PATH_MAX + 16];
	unsigned int i;

	remove_group(path);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		unlink(file);
	}
	rmdir(path);
}

/* ---- claiming ------------------------------------------------------------------- */

static int make_base(void)
{
	char path[PATH_MAX];

	if (base_folder(path))
		return -1;
	if (mkdir(path, geteuid() ? 0700 : 0755) && errno != EEXIST)
		return fail_errno("cannot make the folder %s for running machines", path);
	return 0;
}

int machine_dir_claim(struct machine_dir *dir, const char *name)
{
	struct sockaddr_un address;

	dir->lock_fd = -1;
	if (machine_dir_control(name, &address) || make_base() ||
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
	if (lock_byte(dir->lock_fd, F_OFD_SETLK, F_WRLCK, LOCK_LIFE)) {
		fail("there is a machine %s already; stop it, or choose another --name", name);
		goto err_close;
	}
	unlink(address.sun_path);
	remove_group(dir->path);
	lock_byte(dir->lock_fd, F_OFD_SETLK, F_UNLCK, LOCK_FOLDER);
	return 0;

err_close:
	close(dir->lock_fd);
err:
	*dir->path = '\0';
	return -1;
}

void machine_dir_release(struct machine_dir *dir)
{
	if (!*dir->path)
		return;
	if (!lock_byte(dir->lock_fd, F_OFD_SETLKW, F_WRLCK, LOCK_FOLDER))
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
	if (!lock_byte(fd, F_OFD_SETLK, F_WRLCK, LOCK_ENTER))
		return fd;
	fail("somebody has entered the machine %s already; one at a time can, so wait, or use 'hvctl exec'",
	     name);
	close(fd);
	return -1;
}

/* ---- listing -------------------------------------------------------------------- */

/* Does its process live? If not, its folder goes. */
static bool is_alive(const char *name)
{
	char path[PATH_MAX];
	bool alive;
	int fd;

	if (machine_folder(name, path))
		return false;
	fd = open_lock(path, 0);
	if (fd < 0)
		return false;
	alive = lock_byte(fd, F_OFD_GETLK, F_WRLCK, LOCK_LIFE);
	if (!alive)
		remove_folder(path);
	close(fd);
	return alive;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_name(const struct dirent *entry)
{
	return !machine_dir_check_name(entry->d_name, "");
}

/* One block: the pointers, and what they point at after them. */
static char **pack(struct dirent **entry, int count)
{
	size_t size = (count + 1) * sizeof(char *);
	char **names, *text;
	int i, used = 0;

	for (i = 0; i < count; i++)
		size += strlen(entry[i]->d_name) + 1;
	names = malloc(size);
	if (!names) {
		fail("out of memory");
		return NULL;
	}
	text = (char *)(names + count + 1);
	for (i = 0; i < count; i++) {
		if (!is_alive(entry[i]->d_name))
			continue;
		names[used++] = strcpy(text, entry[i]->d_name);
		text += strlen(text) + 1;
	}
	names[used] = NULL;
	return names;
}

char **machine_dir_list(void)
{
	struct dirent **entry = NULL;
	char path[PATH_MAX], **names;
	int i, count;

	if (base_folder(path))
		return NULL;
	count = scandir(path, &entry, is_name, compare_names);
	if (count < 0 && errno != ENOENT) {
		fail_errno("cannot read the folder %s of running machines", path);
		return NULL;
	}
	names = pack(entry, count < 0 ? 0 : count);
	for (i = 0; i < count; i++)
		free(entry[i]);
	free(entry);
	if (!machine_dir_copies(path))
		image_copy_sweep(path);
	return names;
}
