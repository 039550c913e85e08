/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's wire: what the emulated host's init writes to port 0xe9, byte by
 * byte, and the relay on the build machine reads from the emulator's stdout.
 * Bytes between frames are the emulator's own words.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include <stdint.h>

#define LAB_PORT_FRAME	0xe9

#define LAB_FRAME_MAGIC	"\x1eLHV"
#define LAB_FRAME_MAX	65536

enum lab_channel {
	LAB_CH_STDOUT = 1,	/* what CMD writes */
	LAB_CH_STDERR = 2,
	LAB_CH_KMSG = 3,	/* the host's kernel log, as text */
	LAB_CH_FILE = 4,	/* a piece of the tar stream of --get files */
	LAB_CH_STATUS = 5,	/* struct lab_status: the run is over */
	LAB_CH_LAST = LAB_CH_STATUS,
};

/**
 * struct lab_frame - header of a frame
 * @magic: LAB_FRAME_MAGIC, without its NUL
 * @channel: enum lab_channel
 * @length: bytes that follow, at most LAB_FRAME_MAX
 */
struct lab_frame {
	char magic[4];
	uint32_t channel;
	uint32_t length;
};

/**
 * struct lab_status - how a run ended
 * @status: CMD's exit status as a shell gives it, or 125 if it could not be run
 * @reports: lines of the kernel log that tell of a defect
 * @ticks: emulated clock ticks from CMD's exec to its exit
 */
struct lab_status {
	uint32_t status;
	uint32_t reports;
	uint64_t ticks;
};

#endif /* LAB_FRAME_H */
