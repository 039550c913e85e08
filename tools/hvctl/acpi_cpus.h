/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI table (SSDT) with a device for each processor that may come or go: cpus.asl, as
 * iasl compiled it, with as many processors as the machine may have.
 */
#ifndef HVCTL_ACPI_CPUS_H
#define HVCTL_ACPI_CPUS_H

#include "types.h"

/* The table's size for processors 0 to @max - 1, in bytes */
u64 acpi_cpus_size(unsigned int max);

/* Write it to @table, where there is room for it; @max is at most 4096. */
void acpi_cpus_write(u8 *table, unsigned int max);

#endif
