/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI's sleep and reset registers. The device is the machine. */
#ifndef HVCTL_POWER_H
#define HVCTL_POWER_H

#include "bus.h"

extern const struct bus_ops power_ops;

#endif
