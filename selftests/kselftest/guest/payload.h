/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For 16-bit and 32-bit guest code, which is copied to LAYOUT_PAYLOAD: in real
 * mode segment PAYLOAD_SEGMENT, offset 0. No address may be a relocated one.
 */
#ifndef LHV_TEST_PAYLOAD_H
#define LHV_TEST_PAYLOAD_H

#include "layout.h"

#define PAYLOAD_SEGMENT	(LAYOUT_PAYLOAD >> 4)

/* @start is the payload's first label. */
#define LINEAR(start, label)	(LAYOUT_PAYLOAD + label - start)
#define OFFSET(start, label)	(label - start)

#define PORT	0x10	/* where payloads put what they find */

#endif /* LHV_TEST_PAYLOAD_H */
