/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses and interrupt pins of machine lhv-1. A guest sees them through
 * the ACPI tables; they never change under a running guest. dsdt.asl has those
 * of the serial port, the clock and events once more, pci.asl those of PCI, and
 * cpus.asl those of processors.
 */
#ifndef HVCTL_LAYOUT_H
#define HVCTL_LAYOUT_H

#include "types.h"

/* Ports */
#define PORT_I8042_COMMAND	0x64
#define PORT_CMOS		0x70
#define PORT_SERIAL		0x3f8
#define PORT_SLEEP_CONTROL	0x600
#define PORT_SLEEP_STATUS	0x601
#define PORT_RESET		0x602
#define PORT_GED		0x604
#define PORT_CPUS		0x610
#define PORT_PCI_CONFIG		0xcf8
#define PORT_PCI_START		0xc000	/* for BARs */
#define PORT_PCI_COUNT		0x2000
#define PORT_PCI_SLOT		0x100	/* what a slot's are put in at first */

#define RESET_VALUE		0x01
#define SLEEP_TYPE_S5		5

/* Guest-physical addresses */
#define ACPI_TABLES_START	0xe0000ULL
#define ACPI_TABLES_END		0xff000ULL
#define RESET_VECTOR		0xffff0ULL	/* F000:FFF0 */
#define PCI_WINDOW_START	0xc0000000ULL	/* for BARs */
#define PCI_WINDOW_SIZE		MIB(512)
#define PCI_SLOT_WINDOW		MIB(16)		/* what a slot's are put in at first */
#define PCI_ECAM		0xe0000000ULL
#define PCI_ECAM_SIZE		MIB(1)		/* of one bus */
#define IOAPIC_BASE		0xfec00000ULL
#define LAPIC_BASE		0xfee00000ULL

/* IOAPIC pins, which are ACPI's global system interrupts */
#define PIN_SERIAL		4
#define PIN_GED			9

#endif
