/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports for tests, there if --debug-exit names the first: writing V to it ends the
 * run with status (V << 1) | 1. Writing to the port DEBUG_PINS_PORT + N asserts
 * pin N of the IOAPIC, or with 0 releases it; QEMU's pc-testdev has that too.
 */
#ifndef HVCTL_DEBUG_EXIT_H
#define HVCTL_DEBUG_EXIT_H

#include "bus.h"
#include "ioapic.h"

#define DEBUG_EXIT_PORTS	4

#define DEBUG_PINS_PORT		0x2000
/* The last pin's port is written with up to four bytes, too. */
#define DEBUG_PINS_PORTS	(IOAPIC_PINS + 3)

extern const struct bus_ops debug_exit_ops;	/* of the machine */
extern const struct bus_ops debug_pins_ops;	/* of the IOAPIC */

#endif
