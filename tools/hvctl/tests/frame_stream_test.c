// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame_stream.h"
#include "test.h"

static struct frame_reader reader;
static struct frame_writer writer;
static u8 bytes[2 * (FRAME_LENGTH_BYTES + FRAME_MAX)], got[sizeof(bytes)], copy[sizeof(bytes)];
static int ends[2];

static void begin(void)
{
	unsigned int i;

	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	reader.start = 0;
	reader.end = 0;
	writer.start = 0;
	writer.end = 0;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = test_random();
}

static void end(void)
{
	close(ends[0]);
	close(ends[1]);
}

/* Make @bytes + @at a frame of @len bytes; returns where the next would be. */
static u32 frame_at(u32 at, u32 len)
{
	u32 length = __builtin_bswap32(len);

	memcpy(bytes + at, &length, sizeof(length));
	return at + FRAME_LENGTH_BYTES + len;
}

static void put(u32 from, u32 to)
{
	EXPECT_EQ(send(ends[1], bytes + from, to - from, MSG_DONTWAIT), to - from);
}

/* The next frame is that at @bytes + @at. */
static void expect_frame(u32 at, u32 len)
{
	const u8 *frame;
	u32 got_len;

	EXPECT_EQ(frame_next(&reader, &frame, &got_len), FRAME_DONE);
	EXPECT_EQ(got_len, len);
	EXPECT(got_len == len && !memcmp(frame, bytes + at + FRAME_LENGTH_BYTES, len));
	frame_take(&reader);
}

static void expect_nothing(void)
{
	const u8 *frame;
	u32 len;

	EXPECT_EQ(frame_next(&reader, &frame, &len), FRAME_LATER);
}

/* Frames of 60, 0 and 100 bytes, of which the first @split come alone. */
static void split_at_each_byte(void)
{
	u32 one, two, split, total;

	begin();
	one = frame_at(0, 60);
	two = frame_at(one, 0);
	total = frame_at(two, 100);
	for (split = 1; split < total; split++) {
		put(0, split);
		EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_DONE);
		if (split >= one)
			expect_frame(0, 60);
		if (split >= two)
			expect_frame(one, 0);
		expect_nothing();
		EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_LATER);
		put(split, total);
		EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_DONE);
		if (split < one)
			expect_frame(0, 60);
		if (split < two)
			expect_frame(one, 0);
		expect_frame(two, 100);
		expect_nothing();
	}
	end();
}

/* The reader's buffer has room for two, but not for three. */
static void the_largest(void)
{
	u32 one, two, i, sent = 0;

	begin();
	one = frame_at(0, FRAME_MAX);
	two = frame_at(one, FRAME_MAX);
	for (i = 0; i < 7; i++) {
		while (sent < two) {
			ssize_t n = send(ends[1], bytes + sent, two - sent, MSG_DONTWAIT);

			if (n < 0)
				break;
			sent += n;
		}
		/* A part of the next is behind the one that is taken. */
		while (reader.end - reader.start < one)
			EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_DONE);
		expect_frame(i % 2 ? one : 0, FRAME_MAX);
		if (sent == two)
			sent = 0;
	}
	EXPECT(reader.end <= sizeof(reader.data));
	end();
}

static void lost(void)
{
	const u8 *frame;
	u32 len;

	begin();
	frame_at(0, FRAME_MAX + 1);
	put(0, FRAME_LENGTH_BYTES);
	EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_DONE);
	EXPECT_EQ(frame_next(&reader, &frame, &len), FRAME_ENDED);
	end();
	begin();
	close(ends[1]);
	EXPECT_EQ(frame_read(&reader, ends[0]), FRAME_ENDED);
	EXPECT_EQ(frame_write(&writer, ends[0], (struct iovec []){ { 0 }, { bytes, 60 } }, 2, 60),
		  FRAME_ENDED);
	ends[1] = -1;
	end();
}

/* A socket that takes frames in parts: what was begun is kept, the rest isn't begun. */
static void full(void)
{
	const u32 len = 50000, total = FRAME_LENGTH_BYTES + len, length = __builtin_bswap32(len);
	u32 have, i;
	int small = 1;
	ssize_t n;

	begin();
	EXPECT(!setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	for (i = 0; i < 3; i++) {
		struct iovec iov[] = { { 0 }, { bytes, 1000 }, { bytes + 1000, len - 1000 } };

		memcpy(copy, bytes, len);
		EXPECT_EQ(frame_write(&writer, ends[0], iov, 3, len), FRAME_DONE);
		EXPECT(writer.start < writer.end);
		/* The frame is the guest's, who may use its memory again. */
		EXPECT_EQ(frame_flush(&writer, ends[0]), FRAME_LATER);
		memset(bytes, i, len);
		for (have = 0; have < total; have += n > 0 ? n : 0) {
			n = recv(ends[1], got + have, min_u64(777, total - have), MSG_DONTWAIT);
			frame_flush(&writer, ends[0]);
		}
		EXPECT_EQ(frame_flush(&writer, ends[0]), FRAME_DONE);
		EXPECT(!memcmp(got, &length, sizeof(length)));
		EXPECT(!memcmp(got + FRAME_LENGTH_BYTES, copy, len));
	}
	/* A full one takes nothing of the next. */
	while (send(ends[0], bytes, 1, MSG_DONTWAIT) == 1)
		;
	EXPECT_EQ(frame_write(&writer, ends[0], (struct iovec []){ { 0 }, { bytes, 60 } }, 2, 60),
		  FRAME_LATER);
	EXPECT_EQ(writer.start, writer.end);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(split_at_each_byte), TEST_CASE(the_largest), TEST_CASE(lost), TEST_CASE(full),
};

TEST_SUITE(frame_stream_suite, "frame_stream", cases);
