/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables of machine lhv-1: hardware-reduced, ACPI 6.3. */
#ifndef HVCTL_ACPI_H
#define HVCTL_ACPI_H

#include "types.h"

/* Processors: those with the ids from 0 to @number - 1 are there. */
struct acpi_cpus {
	unsigned int number;
	unsigned int max;	/* @number at least */
	bool change;		/* they come and go while the machine runs, up to @max */
};

/*
 * Write all tables for @cpus, and for PCI if @pci, into the @room bytes at @buf, which the
 * guest sees at @gpa, below 4 GiB. The RSDP comes first. Returns the number of bytes used,
 * or -1 if @room is too small.
 */
s64 acpi_build(u8 *buf, u64 room, u64 gpa, const struct acpi_cpus *cpus, bool pci);

#endif
