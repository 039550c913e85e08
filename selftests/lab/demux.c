// SPDX-License-Identifier: GPL-2.0-only
/* The build machine's end of the wire: frames go where their channel says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"

static struct {
	unsigned char data[2 * (sizeof(struct lab_frame) + LAB_FRAME_MAX)];
	size_t length;
	int directory;
	int kmsg, noise;
	int file, file_index;
	bool have_status;
	struct lab_status status;
} demux = { .file = -1 };

static int create(const char *name)
{
	return openat(demux.directory, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

bool demux_open(const char *directory)
{
	demux.directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (demux.directory < 0)
		return false;
	demux.kmsg = create("kernel.log");
	demux.noise = create("emulator.out");
	return demux.kmsg >= 0 && demux.noise >= 0;
}

int demux_noise_fd(void)
{
	return demux.noise;
}

/* A reader who went away (a closed pipe) must not stop the run. */
void write_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length) {
		ssize_t written = write(fd, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		at += written;
		length -= written;
	}
}

static void take_file(const void *data, size_t length)
{
	char name[32];

	if (demux.file < 0) {
		snprintf(name, sizeof(name), "get.%d.tar", demux.file_index++);
		demux.file = create(name);
	}
	write_all(demux.file, data, length);
	if (!length) {
		close(demux.file);
		demux.file = -1;
	}
}

static void take_frame(enum lab_channel channel, const void *data, size_t length)
{
	switch (channel) {
	case LAB_CH_STDOUT:
		write_all(1, data, length);
		break;
	case LAB_CH_STDERR:
		write_all(2, data, length);
		break;
	case LAB_CH_KMSG:
		write_all(demux.kmsg, data, length);
		break;
	case LAB_CH_FILE:
		take_file(data, length);
		break;
	case LAB_CH_STATUS:
		if (length == sizeof(demux.status)) {
			memcpy(&demux.status, data, length);
			demux.have_status = true;
		}
		break;
	}
}

static void drop(size_t length)
{
	demux.length -= length;
	memmove(demux.data, demux.data + length, demux.length);
}

/* What stands before the next frame is the emulator's own. */
static void skip_noise(void)
{
	size_t magic = strlen(LAB_FRAME_MAGIC), at = 0;

	while (at < demux.length) {
		size_t rest = demux.length - at;

		if (!memcmp(demux.data + at, LAB_FRAME_MAGIC, rest < magic ? rest : magic))
			break;
		at++;
	}
	write_all(demux.noise, demux.data, at);
	drop(at);
}

static bool take_one(void)
{
	struct lab_frame frame;

	skip_noise();
	if (demux.length < sizeof(frame))
		return false;
	memcpy(&frame, demux.data, sizeof(frame));
	if (frame.length > LAB_FRAME_MAX || frame.channel > LAB_CH_LAST) {
		write_all(demux.noise, demux.data, 1);
		drop(1);
		return true;
	}
	if (demux.length < sizeof(frame) + frame.length)
		return false;
	take_frame(frame.channel, demux.data + sizeof(frame), frame.length);
	drop(sizeof(frame) + frame.length);
	return true;
}

bool demux_read(int fd)
{
	ssize_t length = read(fd, demux.data + demux.length,
			      sizeof(demux.data) - demux.length);

	if (length < 0)
		return errno == EINTR || errno == EAGAIN;
	demux.length += length;
	while (take_one())
		;
	return length > 0;
}

const struct lab_status *demux_status(void)
{
	return demux.have_status ? &demux.status : NULL;
}
