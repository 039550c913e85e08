// SPDX-License-Identifier: GPL-2.0-only
#include "disk_queue_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

struct disk_queue_rig dq;

u8 dq_buffer[IMAGE_SIZE + 4096] __attribute__((aligned(4096)));
u8 dq_image[IMAGE_SIZE];

void dq_end(void)
{
	disk_queue_destroy(dq.queue);
	disk_close(dq.disk);
	dq.queue = NULL;
	dq.disk = NULL;
	memset(&dq.config, 0, sizeof(dq.config));
}

bool dq_begin(const char *path)
{
	if (!path)
		goto skip;
	snprintf(dq.config.path, sizeof(dq.config.path), "%s", path);
	if (disk_open(&dq.disk, &dq.config)) {
		EXPECT(dq.config.direct);
		EXPECT_HAS(fail_text(), "O_DIRECT");
		test_skip("the file system has no O_DIRECT");
		goto skip;
	}
	if (disk_queue_create(&dq.queue, dq.disk, DEPTH)) {
		EXPECT_HAS(fail_text(), "io_uring");
		test_skip("this host refuses io_uring");
		goto skip;
	}
	return true;
skip:
	dq_end();
	return false;
}

void dq_fill_random(u8 *to, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = test_random();
}

bool dq_begin_random(const char *path)
{
	int fd;

	if (!path)
		return dq_begin(path);
	dq_fill_random(dq_image, sizeof(dq_image));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT(pwrite(fd, dq_image, sizeof(dq_image), 0) == sizeof(dq_image));
	close(fd);
	return dq_begin(path);
}

bool dq_file_is(const u8 *want, u64 offset, u64 size)
{
	u8 *have = malloc(size);
	int fd = open(dq.config.path, O_RDONLY | O_CLOEXEC);
	bool same = pread(fd, have, size, offset) == (ssize_t)size && !memcmp(have, want, size);

	close(fd);
	free(have);
	return same;
}

struct disk_request *dq_next_done(void)
{
	struct pollfd pfd = { .fd = disk_queue_fd(dq.queue), .events = POLLIN };
	struct disk_request *r;
	int n;

	while (!(r = disk_complete(dq.queue))) {
		n = poll(&pfd, 1, 10000);
		EXPECT(n > 0 || (n < 0 && errno == EINTR));
		if (!n)
			break;
	}
	return r;
}

int dq_run(struct disk_request *r)
{
	int ret = disk_submit(dq.queue, r);

	if (ret)
		return ret;
	disk_kick(dq.queue);
	EXPECT(dq_next_done() == r);
	EXPECT(!disk_complete(dq.queue));
	return r->result;
}

int dq_move(enum disk_op op, u64 offset, void *buf, u64 length)
{
	struct iovec iov = { buf, length };
	struct disk_request r = {
		.op = op, .offset = offset, .length = length, .iov = &iov, .iov_count = 1,
	};

	return dq_run(&r);
}

int dq_clear(enum disk_op op, u64 offset, u64 length, bool unmap)
{
	struct disk_request r = { .op = op, .offset = offset, .length = length, .unmap = unmap };

	return dq_run(&r);
}

const char *dq_in_memory(void)
{
	return test_file(dq_image, sizeof(dq_image));
}
