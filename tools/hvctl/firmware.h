/* SPDX-License-Identifier: GPL-2.0-only */
/* What a PC's firmware leaves below 1 MiB, in as far as a guest needs it. */
#ifndef HVCTL_FIRMWARE_H
#define HVCTL_FIRMWARE_H

#include "acpi.h"
#include "memory.h"

/*
 * Write the ACPI tables for @cpus, and for PCI if @pci, and the reset vector. The RSDP is at
 * ACPI_TABLES_START.
 */
int firmware_install(const struct guest_memory *mem, const struct acpi_cpus *cpus, bool pci);

#endif
