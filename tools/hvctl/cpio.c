// SPDX-License-Identifier: GPL-2.0-only
/* Documentation/driver-api/early-userspace/buffer-format.rst */
#include "cpio.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "image.h"

#define TRAILER		"TRAILER!!!"

static void pad(struct cpio *c, size_t written)
{
	static const char zeros[4];

	fwrite(zeros, 1, -written & 3, c->file);
}

/* 13 numbers of 8 hexadecimal digits, and the name, which ends with a zero. */
static void add_header(struct cpio *c, const char *name, unsigned int mode, size_t size)
{
	size_t length = strlen(name) + 1;
	int written;

	written = fprintf(c->file, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			  ++c->inode, mode, 0, 0, 1, 0, (u32)size, 0, 0, 0, 0, (u32)length, 0);
	fwrite(name, 1, length, c->file);
	pad(c, written + length);
}

void cpio_start(struct cpio *c, FILE *file)
{
	*c = (struct cpio){ .file = file };
}

void cpio_add_folder(struct cpio *c, const char *name)
{
	add_header(c, name, S_IFDIR | 0755, 0);
}

void cpio_add(struct cpio *c, const char *name, unsigned int mode, const void *data, size_t size)
{
	add_header(c, name, S_IFREG | mode, size);
	fwrite(data, 1, size, c->file);
	pad(c, size);
}

int cpio_add_file(struct cpio *c, const char *name, unsigned int mode, const char *path)
{
	struct image image;
	int ret = -1;
	void *data;

	if (image_open(&image, path, "file"))
		return -1;
	data = malloc(image.size);
	if (!data && image.size) {
		fail("out of memory");
		goto out;
	}
	ret = image_read(&image, 0, data, image.size);
	if (!ret)
		cpio_add(c, name, mode, data, image.size);
	free(data);
out:
	image_close(&image);
	return ret;
}

int cpio_end(struct cpio *c)
{
	add_header(c, TRAILER, 0, 0);
	if (fflush(c->file) || ferror(c->file))
		return fail_errno("cannot write the initial RAM disk");
	return 0;
}
