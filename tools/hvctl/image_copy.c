// SPDX-License-Identifier: GPL-2.0-only
#include "image_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "same_file.h"

/* A file that changes twice in so many milliseconds may do so without another time. */
#define SAME_TIME_MS	100

/* Of the space that is left there, a copy takes no more than this part. */
#define SPACE_PART	4

/* ---- making --------------------------------------------------------------------- */

/* A file that was changed has another name. */
static int name_copy(struct image_copy *copy, const char *folder, const struct stat *st)
{
	int len = snprintf(copy->path, sizeof(copy->path),
			   "%s/%jx-%jx-%jx-%jx.%lx-%jx.%lx", folder, (uintmax_t)st->st_dev,
			   (uintmax_t)st->st_ino, (uintmax_t)st->st_size,
			   (uintmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			   (uintmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);

	return len < (int)sizeof(copy->path) ? 0 : -1;
}

static bool is_unchanged(const struct image *img, const struct stat *before)
{
	struct stat now;

	return !fstat(img->fd, &now) && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
	       now.st_ctim.tv_sec == before->st_ctim.tv_sec &&
	       now.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

/* Then what it becomes next may have the same name. */
static bool just_changed(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - st->st_ctim.tv_sec) * 1000 +
	       (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000 < SAME_TIME_MS;
}

static int fill(int fd, u64 size, const struct image *img, const struct image_part *parts,
		unsigned int count)
{
	unsigned int i;
	int ret = 0;
	u8 *map;

	for (i = 0; i < count; i++) {
		/* What is written without room for it would be a signal. */
		if (parts[i].len && posix_fallocate(fd, parts[i].to, parts[i].len))
			return -1;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	for (i = 0; i < count && !ret; i++)
		ret = image_read(img, parts[i].from, map + parts[i].to, parts[i].len);
	munmap(map, size);
	return ret;
}

/* -1 with errno. */
static int check_room(const char *folder, u64 bytes)
{
	struct statvfs fs;

	if (statvfs(folder, &fs))
		return -1;
	errno = ENOSPC;
	return bytes <= (u64)fs.f_bavail * fs.f_frsize / SPACE_PART ? 0 : -1;
}

/*
 * A file that has no name yet, with the parts in it, and locked. -1 with errno; ENOENT: the
 * folder isn't there any more
 */
static int make(const char *folder, const struct image *img, const struct image_part *parts,
		unsigned int count)
{
	u64 size = 0, bytes = 0;
	unsigned int i;
	int fd;

	for (i = 0; i < count; i++) {
		size = max_u64(size, parts[i].to + parts[i].len);
		bytes += parts[i].len;
	}
	if (check_room(folder, bytes))
		return -1;
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_SH) && !ftruncate(fd, size) && !fill(fd, size, img, parts, count))
		return fd;
	close(fd);
	errno = EIO;
	return -1;
}

/* ---- using ---------------------------------------------------------------------- */

/* Open what has a name. -1 with errno; EAGAIN: its last user is just removing it */
static int use(const char *path)
{
	struct stat here, there;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_SH) && !fstat(fd, &here) && !stat(path, &there) &&
	    same_file(&here, &there))
		return fd;
	close(fd);
	errno = EAGAIN;
	return -1;
}

/* Give what make() made its name. Another one may have been quicker, and is used then. */
static int publish(const char *path, int made)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", made);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) && errno != EEXIST)
		return -1;
	return 0;
}

static int open_or_make(struct image_copy *copy, const char *folder, const struct image *img,
			const struct stat *st, const struct image_part *parts, unsigned int count)
{
	int made = -1;

	for (;;) {
		copy->fd = use(copy->path);
		if (copy->fd >= 0 || (errno != ENOENT && errno != EAGAIN))
			break;
		if (errno == EAGAIN)
			continue;
		if (mkdir(folder, 0700) && errno != EEXIST)
			break;
		/* The folder goes with the last of its files. */
		if (made < 0) {
			made = make(folder, img, parts, count);
			if (made < 0 && errno == ENOENT)
				continue;
		}
		if (made < 0 || !is_unchanged(img, st))
			break;
		if (publish(copy->path, made) && errno != ENOENT)
			break;
	}
	if (made >= 0)
		close(made);
	return copy->fd < 0 ? -1 : 0;
}

int image_copy_open(struct image_copy *copy, const char *folder, const struct image *img,
		    const struct image_part *parts, unsigned int count)
{
	struct stat st;

	if (!fstat(img->fd, &st) && !just_changed(&st) && !name_copy(copy, folder, &st) &&
	    !open_or_make(copy, folder, img, &st, parts, count))
		return 0;
	*copy->path = '\0';
	return -1;
}

/* Closes @fd. Who opened the file meanwhile sees that it has no name any more. */
static void remove_unused(const char *path, int fd)
{
	struct stat here, there;

	if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &here) && !stat(path, &there) &&
	    same_file(&here, &there))
		unlink(path);
	close(fd);
}

void image_copy_close(struct image_copy *copy)
{
	if (!*copy->path)
		return;
	remove_unused(copy->path, copy->fd);
	*strrchr(copy->path, '/') = '\0';
	rmdir(copy->path);
	*copy->path = '\0';
}

void image_copy_sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[PATH_MAX + 256];
	struct dirent *entry;
	int fd;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			remove_unused(path, fd);
	}
	closedir(dir);
	rmdir(folder);
}
