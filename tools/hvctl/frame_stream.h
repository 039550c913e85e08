/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet frames in a stream socket, each with its length before it in 4 bytes, the highest
 * first: what QEMU's "-netdev stream" and passt speak. Nothing here waits, and nobody at the
 * other end is trusted.
 */
#ifndef HVCTL_FRAME_STREAM_H
#define HVCTL_FRAME_STREAM_H

#include <linux/if_ether.h>
#include <sys/uio.h>

#include "types.h"

/* passt hangs up on who sends another (its newer versions do). */
#define FRAME_MIN	ETH_HLEN
#define FRAME_MAX	65535U

#define FRAME_LENGTH_BYTES	4

enum frame_result {
	FRAME_DONE,
	FRAME_LATER,		/* the socket has nothing, or no room, just now */
	FRAME_ENDED,		/* the other end hung up, or it isn't this that it speaks */
};

/* ---- what comes ------------------------------------------------------------------ */

/* All zeros: a stream that begins. */
struct frame_reader {
	u32 start, end;		/* in @data: what was read, and not taken */
	u8 data[KIB(128)];
};

/* Read what there is. To be called when frame_next() said FRAME_LATER. */
enum frame_result frame_read(struct frame_reader *reader, int fd);

/*
 * The first frame that wasn't taken, if it is there as a whole: of up to FRAME_MAX bytes,
 * perhaps none. FRAME_ENDED: its length can't be right, so nobody knows where the next begins.
 */
enum frame_result frame_next(const struct frame_reader *reader, const u8 **frame, u32 *len);

/* Take it. It is there until the next frame_read(). */
void frame_take(struct frame_reader *reader);

/* ---- what goes ------------------------------------------------------------------- */

/* All zeros: a stream that begins. */
struct frame_writer {
	u32 start, end;		/* in @rest */
	u8 rest[FRAME_LENGTH_BYTES + FRAME_MAX];	/* of a frame that was begun */
};

/*
 * Send the frame of @len bytes, FRAME_MIN to FRAME_MAX, in iov[1] to iov[count - 1]; iov[0] is
 * for its length. FRAME_LATER: it wasn't begun, and is to be sent again. To be called when
 * frame_flush() says FRAME_DONE.
 *
 * What doesn't fit is kept. Linux takes a frame in two parts at most, or nothing of it, which
 * is as well: passt of 2023 misunderstands one that comes in more.
 */
enum frame_result frame_write(struct frame_writer *writer, int fd, struct iovec *iov,
			      unsigned int count, u32 len);

/* Send what was kept. */
enum frame_result frame_flush(struct frame_writer *writer, int fd);

#endif
