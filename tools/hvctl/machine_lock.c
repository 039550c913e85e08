// SPDX-License-Identifier: GPL-2.0-only
#include "machine_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "ofd_lock.h"

/* No machine's name, as it begins with a dot. */
#define FILE_NAME	".lock"

/* FNV-1a. That two names have one byte harms nobody: they wait for each other. */
static off_t byte_of(const char *name)
{
	u64 hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 0x100000001b3;
	return hash >> 2;
}

static int open_file(void)
{
	char path[PATH_MAX], file[PATH_MAX + sizeof(FILE_NAME)];
	int fd;

	if (machine_dir_base_folder(path))
		return -1;
	snprintf(file, sizeof(file), "%s/" FILE_NAME, path);
	fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? fail_errno("cannot open %s", file) : fd;
}

int machine_lock(const char *name)
{
	int fd;

	if (machine_dir_make_base())
		return -1;
	fd = open_file();
	if (fd < 0 || !ofd_lock(fd, byte_of(name)))
		return fd;
	fail_errno("cannot lock the name %s", name);
	close(fd);
	return -1;
}
