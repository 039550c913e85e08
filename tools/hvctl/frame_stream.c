// SPDX-License-Identifier: GPL-2.0-only
#include "frame_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(sizeof(((struct frame_reader *)0)->data) >= FRAME_LENGTH_BYTES + FRAME_MAX,
	       "a frame fits");

static enum frame_result why_not(void)
{
	return errno == EAGAIN || errno == EINTR ? FRAME_LATER : FRAME_ENDED;
}

/* ---- what comes ------------------------------------------------------------------ */

/* Needs the four bytes to be there. */
static u32 length_at(const struct frame_reader *reader)
{
	u32 len;

	memcpy(&len, reader->data + reader->start, sizeof(len));
	return ntohl(len);
}

/* Room for the whole of the first frame, and without moving what is there, if that goes. */
static void make_room(struct frame_reader *reader)
{
	u32 used = reader->end - reader->start, need = FRAME_LENGTH_BYTES;

	if (used >= FRAME_LENGTH_BYTES)
		need += length_at(reader);
	if (used && need <= sizeof(reader->data) - reader->start)
		return;
	memmove(reader->data, reader->data + reader->start, used);
	reader->start = 0;
	reader->end = used;
}

enum frame_result frame_read(struct frame_reader *reader, int fd)
{
	ssize_t got;

	make_room(reader);
	got = recv(fd, reader->data + reader->end, sizeof(reader->data) - reader->end,
		   MSG_DONTWAIT);
	if (got <= 0)
		return got ? why_not() : FRAME_ENDED;
	reader->end += got;
	return FRAME_DONE;
}

enum frame_result frame_next(const struct frame_reader *reader, const u8 **frame, u32 *len)
{
	u32 used = reader->end - reader->start;

	if (used < FRAME_LENGTH_BYTES)
		return FRAME_LATER;
	*len = length_at(reader);
	if (*len > FRAME_MAX)
		return FRAME_ENDED;
	if (used - FRAME_LENGTH_BYTES < *len)
		return FRAME_LATER;
	*frame = reader->data + reader->start + FRAME_LENGTH_BYTES;
	return FRAME_DONE;
}

void frame_take(struct frame_reader *reader)
{
	reader->start += FRAME_LENGTH_BYTES + length_at(reader);
}

/* ---- what goes ------------------------------------------------------------------- */

static ssize_t send_some(int fd, struct iovec *iov, unsigned int count)
{
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* All but the first @sent bytes */
static void keep(struct frame_writer *writer, const struct iovec *iov, unsigned int count,
		 size_t sent)
{
	writer->start = 0;
	writer->end = 0;
	for (; count; count--, iov++) {
		size_t skip = min_u64(sent, iov->iov_len), left = iov->iov_len - skip;

		memcpy(writer->rest + writer->end, (u8 *)iov->iov_base + skip, left);
		writer->end += left;
		sent -= skip;
	}
}

enum frame_result frame_write(struct frame_writer *writer, int fd, struct iovec *iov,
			      unsigned int count, u32 len)
{
	u32 length = htonl(len);
	ssize_t sent;

	iov[0] = (struct iovec){ &length, sizeof(length) };
	sent = send_some(fd, iov, count);
	if (sent < 0)
		return why_not();
	if ((size_t)sent < FRAME_LENGTH_BYTES + len)
		keep(writer, iov, count, sent);
	return FRAME_DONE;
}

enum frame_result frame_flush(struct frame_writer *writer, int fd)
{
	while (writer->start < writer->end) {
		struct iovec iov = { writer->rest + writer->start, writer->end - writer->start };
		ssize_t sent = send_some(fd, &iov, 1);

		if (sent < 0)
			return why_not();
		writer->start += sent;
	}
	return FRAME_DONE;
}
