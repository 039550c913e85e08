// SPDX-License-Identifier: GPL-2.0-only
#include "firmware.h"

#include <string.h>

#include "layout.h"

/*
 * Where a BIOS is entered in real mode to restart the machine. Linux, built with
 * EFI, does so on every hardware-reduced ACPI machine that has no EFI, and never
 * looks at the reset register then. The code has the keyboard controller do it.
 */
static const u8 reset_code[] = {
	0xb0, 0xfe,			/* mov $0xfe, %al */
	0xe6, PORT_I8042_COMMAND,	/* out %al, $0x64 */
	0xf4,				/* hlt */
	0xeb, 0xfd,			/* jmp to the hlt */
};

_Static_assert(RESET_VECTOR + sizeof(reset_code) <= MIB(1), "reset code is too long");

int firmware_install(const struct guest_memory *mem, const struct acpi_cpus *cpus, bool pci)
{
	u64 room = ACPI_TABLES_END - ACPI_TABLES_START;
	u8 *tables = memory_at(mem, ACPI_TABLES_START, room);

	memcpy(memory_at(mem, RESET_VECTOR, sizeof(reset_code)), reset_code, sizeof(reset_code));
	return acpi_build(tables, room, ACPI_TABLES_START, cpus, pci) < 0 ? -1 : 0;
}
