/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests, there if --debug-exit names a port: writing V to it ends the run with
 * status (V << 1) | 1. Writing to the port DEBUG_PINS_PORT + N asserts pin N of the
 * IOAPIC, or with 0 releases it. The ports at DEBUG_LATCH_PORT read as what was
 * written there. At DEBUG_MEMORY is memory of which each access is an MMIO exit.
 * QEMU's pc-testdev has the last three, too.
 */
#ifndef HVCTL_DEBUG_EXIT_H
#define HVCTL_DEBUG_EXIT_H

#include "bus.h"
#include "ioapic.h"

#define DEBUG_EXIT_PORTS	4

#define DEBUG_PINS_PORT		0x2000
/* The last pin's port is written with up to four bytes, too. */
#define DEBUG_PINS_PORTS	(IOAPIC_PINS + 3)

#define DEBUG_LATCH_PORT	0xe0
#define DEBUG_LATCH_PORTS	4

#define DEBUG_MEMORY		0xff000000ULL
#define DEBUG_MEMORY_SIZE	0x10000

/* As safe against accesses at the same time as memory is. */
struct debug_memory {
	u8 data[DEBUG_MEMORY_SIZE];
	u8 latch[DEBUG_LATCH_PORTS];
};

extern const struct bus_ops debug_exit_ops;	/* of the machine */
extern const struct bus_ops debug_pins_ops;	/* of the IOAPIC */
extern const struct bus_ops debug_bytes_ops;	/* of an array in struct debug_memory */

#endif
