/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What init of a machine that hvctl run --host-root made tells hvctl: at the first port, the
 * command's status, which ends the machine; at the second, that its terminal is set, so that
 * nothing of the input is echoed before.
 */
#ifndef HVCTL_HOST_ROOT_PORTS_H
#define HVCTL_HOST_ROOT_PORTS_H

#include "bus.h"

#define HOST_ROOT_PORT		0x610
#define HOST_ROOT_PORTS		2
#define HOST_ROOT_STATUS	HOST_ROOT_PORT
#define HOST_ROOT_INPUT		(HOST_ROOT_PORT + 1)

/* The device is the machine. */
extern const struct bus_ops host_root_ops;

#endif
