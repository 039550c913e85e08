/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses and interrupt pins of machine lhv-1. A guest sees them through
 * the ACPI tables; they never change under a running guest. dsdt.asl has those
 * of the serial port and the clock once more.
 */
#ifndef HVCTL_LAYOUT_H
#define HVCTL_LAYOUT_H

/* Ports */
#define PORT_I8042_COMMAND	0x64
#define PORT_CMOS		0x70
#define PORT_SERIAL		0x3f8
#define PORT_SLEEP_CONTROL	0x600
#define PORT_SLEEP_STATUS	0x601
#define PORT_RESET		0x602

#define RESET_VALUE		0x01
#define SLEEP_TYPE_S5		5

/* Guest-physical addresses */
#define ACPI_TABLES_START	0xe0000ULL
#define ACPI_TABLES_END		0xff000ULL
#define RESET_VECTOR		0xffff0ULL	/* F000:FFF0 */
#define IOAPIC_BASE		0xfec00000ULL
#define LAPIC_BASE		0xfee00000ULL

/* IOAPIC pins, which are ACPI's global system interrupts */
#define PIN_SERIAL		4

#endif
