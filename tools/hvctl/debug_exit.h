/* SPDX-License-Identifier: GPL-2.0-only */
/* A port for tests: writing V to it ends the run with status (V << 1) | 1. */
#ifndef HVCTL_DEBUG_EXIT_H
#define HVCTL_DEBUG_EXIT_H

#include "bus.h"

#define DEBUG_EXIT_PORTS	4

extern const struct bus_ops debug_exit_ops;

#endif
