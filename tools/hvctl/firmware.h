/* SPDX-License-Identifier: GPL-2.0-only */
/* What a PC's firmware leaves below 1 MiB, in as far as a guest needs it. */
#ifndef HVCTL_FIRMWARE_H
#define HVCTL_FIRMWARE_H

#include "memory.h"

/*
 * Write the ACPI tables for @cpus processors, and for PCI if @pci, and the reset
 * vector. The RSDP is at ACPI_TABLES_START.
 */
int firmware_install(const struct guest_memory *mem, unsigned int cpus, bool pci);

#endif
