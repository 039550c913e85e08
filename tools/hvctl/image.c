// SPDX-License-Identifier: GPL-2.0-only
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

int image_open(struct image *img, const char *path, const char *what)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno("cannot open the %s %s", what, path);
	if (fstat(fd, &st)) {
		fail_errno("cannot read the %s %s", what, path);
		goto err_close;
	}
	if (!S_ISREG(st.st_mode)) {
		fail("%s is not a regular file, so it cannot be the %s", path, what);
		goto err_close;
	}
	img->path = path;
	img->fd = fd;
	img->size = st.st_size;
	return 0;

err_close:
	close(fd);
	return -1;
}

void image_close(struct image *img)
{
	close(img->fd);
	img->fd = -1;
}

int image_read(const struct image *img, u64 offset, void *buf, u64 len)
{
	u8 *to = buf;

	if (offset > img->size || len > img->size - offset)
		goto truncated;
	while (len) {
		ssize_t n = pread(img->fd, to, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno("cannot read %s", img->path);
		if (n == 0)
			goto truncated;
		to += n;
		offset += n;
		len -= n;
	}
	return 0;

truncated:
	return fail("%s is truncated: it has %" PRIu64 " bytes and more are needed; copy it again",
		    img->path, img->size);
}
