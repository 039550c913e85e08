/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_VERSION_H
#define HVCTL_VERSION_H

#define HVCTL_VERSION	"0.1.0"

#endif
