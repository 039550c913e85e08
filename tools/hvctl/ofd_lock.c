// SPDX-License-Identifier: GPL-2.0-only
#include "ofd_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int lock_byte(int fd, int command, struct flock *lock)
{
	lock->l_whence = SEEK_SET;
	lock->l_len = 1;
	while (fcntl(fd, command, lock)) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

int ofd_lock(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = byte };

	return lock_byte(fd, F_OFD_SETLKW, &lock);
}

int ofd_try_lock(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = byte };

	return lock_byte(fd, F_OFD_SETLK, &lock);
}

void ofd_unlock(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_UNLCK, .l_start = byte };

	lock_byte(fd, F_OFD_SETLK, &lock);
}

bool ofd_is_locked(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = byte };

	return !lock_byte(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}
