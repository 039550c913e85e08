/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest meets where memory is unplugged: who touches it ends its machine, with a
 * reason. The device is the machine.
 */
#ifndef HVCTL_UNPLUGGED_H
#define HVCTL_UNPLUGGED_H

#include "bus.h"

extern const struct bus_ops unplugged_ops;

#endif
