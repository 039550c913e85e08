/* SPDX-License-Identifier: GPL-2.0-only */
/* The reset line of a PC's keyboard controller. The device is the machine. */
#ifndef HVCTL_I8042_RESET_H
#define HVCTL_I8042_RESET_H

#include "bus.h"

/* At PORT_I8042_COMMAND. There is no keyboard. */
extern const struct bus_ops i8042_reset_ops;

#endif
