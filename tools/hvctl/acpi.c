// SPDX-License-Identifier: GPL-2.0-only
#include "acpi.h"

#include <string.h>

#include "acpi_cpus.h"
#include "error.h"
#include "layout.h"

/* dsdt_aml_code[] and pci_aml_code[], made by iasl from dsdt.asl and pci.asl. */
#include "dsdt.hex"
#include "pci.hex"

#define FADT_REVISION		6
#define FADT_MINOR		3
#define XSDT_REVISION		1
#define MADT_REVISION		5
#define MCFG_REVISION		1

#define TABLES_MAX		5

#define FADT_WBINVD		BIT(0)
#define FADT_PWR_BUTTON		BIT(4)	/* no fixed-hardware power button */
#define FADT_SLP_BUTTON		BIT(5)	/* nor sleep button */
#define FADT_FIX_RTC		BIT(6)	/* nor RTC wake status */
#define FADT_RESET_REG_SUP	BIT(10)
#define FADT_HW_REDUCED		BIT(20)

#define BOOT_ARCH_NO_VGA	BIT(2)

#define GAS_SYSTEM_IO		1
#define GAS_BYTE_ACCESS		1

#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_X2APIC		9
#define MADT_ENABLED		BIT(0)
#define MADT_ONLINE_CAPABLE	BIT(1)	/* not enabled, but may be later */

#define CMOS_CENTURY		0x32

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;

/* Generic Address Structure, ACPI 6.3, 5.2.3.2 */
struct acpi_gas {
	u8 space;
	u8 bit_width;
	u8 bit_offset;
	u8 access_size;
	u64 address;
} __packed;

/* ACPI 6.3, 5.2.9; what hardware-reduced machines leave 0 is in one piece. */
struct acpi_fadt {
	struct acpi_header header;
	u32 facs;
	u32 dsdt;
	u8 reserved0;
	u8 pm_profile;
	u8 fixed0[62];
	u8 century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs;
	u64 x_dsdt;
	u8 fixed1[96];
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	char hypervisor[8];
} __packed;

_Static_assert(offsetof(struct acpi_fadt, century) == 108, "FADT layout");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "FADT layout");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT layout");

struct acpi_madt {
	struct acpi_header header;
	u32 lapic_base;
	u32 flags;
} __packed;

struct madt_lapic {
	u8 type, length;
	u8 uid, apic_id;
	u32 flags;
} __packed;

struct madt_ioapic {
	u8 type, length;
	u8 id, reserved;
	u32 base;
	u32 gsi_base;
} __packed;

struct madt_x2apic {
	u8 type, length;
	u16 reserved;
	u32 apic_id;
	u32 flags;
	u32 uid;
} __packed;

/* PCI Firmware 3.3, 4.1.2: where configuration space is memory */
struct acpi_mcfg {
	struct acpi_header header;
	u8 reserved0[8];
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
	u8 reserved1[4];
} __packed;

_Static_assert(sizeof(struct acpi_mcfg) == 60, "MCFG layout");

/* The tables being written, one behind the other. */
struct acpi_writer {
	u8 *buf;
	u64 gpa;
	u64 room;
	u64 used;
	bool full;
};

/*
 * Room for a table or part of one, zeroed; NULL, for this and all that follow,
 * once the buffer is full.
 */
static void *take(struct acpi_writer *w, u64 size)
{
	u8 *at = w->buf + w->used;

	if (w->full || size > w->room - w->used) {
		w->full = true;
		return NULL;
	}
	memset(at, 0, size);
	w->used += size;
	return at;
}

static u32 here(const struct acpi_writer *w)
{
	return w->gpa + w->used;
}

static u8 checksum(const void *data, u64 len)
{
	const u8 *byte = data;
	u8 sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

static void start_table(struct acpi_header *header, const char *signature, u8 revision)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->revision = revision;
	memcpy(header->oem_id, "LHV", 3);
	memcpy(header->oem_table_id, "LHV-1", 5);
	header->oem_revision = 1;
	memcpy(header->creator_id, "LHV", 3);
	header->creator_revision = 1;
}

/* The table is all that was taken since @header. Pads to 16 for the next. */
static void end_table(struct acpi_writer *w, struct acpi_header *header)
{
	u64 pad = -w->used & 15;

	header->length = w->buf + w->used - (u8 *)header;
	header->checksum = checksum(header, header->length);
	take(w, pad);
}

/* A table as iasl made it: DSDT or SSDT */
static u32 write_aml(struct acpi_writer *w, const u8 *aml, u64 size)
{
	u32 gpa = here(w);
	void *table = take(w, size);

	if (table) {
		memcpy(table, aml, size);
		take(w, -w->used & 15);
	}
	return gpa;
}

static u32 write_mcfg(struct acpi_writer *w)
{
	u32 gpa = here(w);
	struct acpi_mcfg *mcfg = take(w, sizeof(*mcfg));

	if (!mcfg)
		return gpa;
	start_table(&mcfg->header, "MCFG", MCFG_REVISION);
	mcfg->base = PCI_ECAM;
	end_table(w, &mcfg->header);
	return gpa;
}

static struct acpi_gas io_byte(u16 port)
{
	return (struct acpi_gas){
		.space = GAS_SYSTEM_IO,
		.bit_width = 8,
		.access_size = GAS_BYTE_ACCESS,
		.address = port,
	};
}

static u32 write_fadt(struct acpi_writer *w, u32 dsdt)
{
	u32 gpa = here(w);
	struct acpi_fadt *fadt = take(w, sizeof(*fadt));

	if (!fadt)
		return gpa;
	start_table(&fadt->header, "FACP", FADT_REVISION);
	fadt->minor = FADT_MINOR;
	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->century = CMOS_CENTURY;
	fadt->boot_arch = BOOT_ARCH_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_FIX_RTC |
		      FADT_RESET_REG_SUP | FADT_HW_REDUCED;
	fadt->reset_reg = io_byte(PORT_RESET);
	fadt->reset_value = RESET_VALUE;
	fadt->sleep_control = io_byte(PORT_SLEEP_CONTROL);
	fadt->sleep_status = io_byte(PORT_SLEEP_STATUS);
	memcpy(fadt->hypervisor, "LHV", 3);
	end_table(w, &fadt->header);
	return gpa;
}

/* Local APIC structures end at id 254: 255 is xAPIC's broadcast (ACPI 5.2.12.2). */
static void write_processor(struct acpi_writer *w, u32 id, u32 flags)
{
	if (id < 255) {
		struct madt_lapic *lapic = take(w, sizeof(*lapic));

		if (lapic)
			*lapic = (struct madt_lapic){
				MADT_LAPIC, sizeof(*lapic), id, id, flags };
	} else {
		struct madt_x2apic *x2apic = take(w, sizeof(*x2apic));

		if (x2apic)
			*x2apic = (struct madt_x2apic){
				MADT_X2APIC, sizeof(*x2apic), 0, id, flags, id };
	}
}

static u32 write_madt(struct acpi_writer *w, const struct acpi_cpus *cpus)
{
	u32 gpa = here(w);
	struct acpi_madt *madt = take(w, sizeof(*madt));
	struct madt_ioapic *ioapic = take(w, sizeof(*ioapic));
	unsigned int i;

	for (i = 0; i < cpus->max; i++)
		write_processor(w, i, i < cpus->number ? MADT_ENABLED : MADT_ONLINE_CAPABLE);
	if (w->full)
		return gpa;

	/* Flags stay 0: there is no 8259 (PCAT_COMPAT). */
	start_table(&madt->header, "APIC", MADT_REVISION);
	madt->lapic_base = LAPIC_BASE;
	*ioapic = (struct madt_ioapic){
		.type = MADT_IOAPIC,
		.length = sizeof(*ioapic),
		.base = IOAPIC_BASE,
	};
	end_table(w, &madt->header);
	return gpa;
}

/* The devices that processors are where they come and go */
static u32 write_cpus(struct acpi_writer *w, unsigned int max)
{
	u32 gpa = here(w);
	void *table = take(w, acpi_cpus_size(max));

	if (table) {
		acpi_cpus_write(table, max);
		take(w, -w->used & 15);
	}
	return gpa;
}

/* RSDT and XSDT: the same list, as 32- and as 64-bit addresses. */
static u32 write_root(struct acpi_writer *w, const char *signature, unsigned int width,
		      const u32 *tables, unsigned int count)
{
	u32 gpa = here(w);
	struct acpi_header *header = take(w, sizeof(*header));
	u8 *entry = take(w, count * width);
	unsigned int i;

	if (w->full)
		return gpa;
	start_table(header, signature, XSDT_REVISION);
	for (i = 0; i < count; i++)
		memcpy(entry + i * width, &tables[i], sizeof(tables[i]));
	end_table(w, header);
	return gpa;
}

s64 acpi_build(u8 *buf, u64 room, u64 gpa, const struct acpi_cpus *cpus, bool pci)
{
	struct acpi_writer w = { .buf = buf, .gpa = gpa, .room = room };
	struct acpi_rsdp *rsdp = take(&w, align_up(sizeof(*rsdp), 16));
	u32 tables[TABLES_MAX], rsdt, xsdt;
	unsigned int count = 0;

	tables[count++] = write_fadt(&w, write_aml(&w, dsdt_aml_code, sizeof(dsdt_aml_code)));
	tables[count++] = write_madt(&w, cpus);
	if (pci) {
		tables[count++] = write_mcfg(&w);
		tables[count++] = write_aml(&w, pci_aml_code, sizeof(pci_aml_code));
	}
	if (cpus->change)
		tables[count++] = write_cpus(&w, cpus->max);
	rsdt = write_root(&w, "RSDT", 4, tables, count);
	xsdt = write_root(&w, "XSDT", 8, tables, count);
	if (w.full)
		return fail("the ACPI tables for %u vCPUs take more room than there is", cpus->max);

	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "LHV", 3);
	rsdp->revision = 2;
	rsdp->rsdt = rsdt;
	rsdp->xsdt = xsdt;
	rsdp->length = sizeof(*rsdp);
	/* The first checksum covers ACPI 1.0's 20 bytes. */
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
	return w.used;
}
