// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "acpi.h"
#include "firmware.h"
#include "layout.h"
#include "test.h"

#define GPA	ACPI_TABLES_START
#define ROOM	(ACPI_TABLES_END - ACPI_TABLES_START)

/* Processors that stay as they are */
#define FIXED(n)	(&(struct acpi_cpus){ (n), (n), false })

static u8 buf[ROOM];

static u64 get(const u8 *at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, at, size);
	return value;
}

static u8 sum(const u8 *at, u64 len)
{
	u8 total = 0;

	while (len--)
		total += *at++;
	return total;
}

/* The table at @gpa, with length and checksum looked at. */
static const u8 *table(u64 gpa, const char *signature, s64 used)
{
	const u8 *at = buf + (gpa - GPA);
	u32 length;

	EXPECT(gpa >= GPA && gpa + 36 <= GPA + used);
	EXPECT(!memcmp(at, signature, 4));
	length = get(at + 4, 4);
	EXPECT(length >= 36 && gpa + length <= GPA + used);
	EXPECT_EQ(sum(at, length), 0);
	EXPECT_EQ(gpa % 16, 0);
	return at;
}

static const u8 *rsdp(s64 used)
{
	EXPECT(used > 0);
	EXPECT(!memcmp(buf, "RSD PTR ", 8));
	EXPECT_EQ(sum(buf, 20), 0);
	EXPECT_EQ(get(buf + 20, 4), 36);
	EXPECT_EQ(sum(buf, 36), 0);
	EXPECT_EQ(buf[15], 2);
	return buf;
}

static void fixed_tables(void)
{
	s64 used = acpi_build(buf, ROOM, GPA, FIXED(1), false);
	const u8 *xsdt = table(get(rsdp(used) + 24, 8), "XSDT", used);
	const u8 *rsdt = table(get(buf + 16, 4), "RSDT", used);
	const u8 *fadt = table(get(xsdt + 36, 8), "FACP", used);
	const u8 *dsdt = table(get(fadt + 140, 8), "DSDT", used);

	EXPECT_EQ(get(xsdt + 4, 4), 36 + 2 * 8);
	EXPECT_EQ(get(rsdt + 4, 4), 36 + 2 * 4);
	EXPECT_EQ(get(rsdt + 36, 4), get(xsdt + 36, 8));
	EXPECT_EQ(get(rsdt + 40, 4), get(xsdt + 44, 8));
	EXPECT_EQ(get(fadt + 4, 4), 276);
	EXPECT_EQ(fadt[8], 6);
	EXPECT_EQ(get(fadt + 40, 4), get(fadt + 140, 8));
	/* HW_REDUCED_ACPI and RESET_REG_SUP */
	EXPECT_EQ(get(fadt + 112, 4) & (BIT(20) | BIT(10)), BIT(20) | BIT(10));
	EXPECT_EQ(fadt[116], 1);
	EXPECT_EQ(get(fadt + 120, 8), PORT_RESET);
	EXPECT_EQ(fadt[128], RESET_VALUE);
	EXPECT_EQ(get(fadt + 248, 8), PORT_SLEEP_CONTROL);
	EXPECT_EQ(get(fadt + 260, 8), PORT_SLEEP_STATUS);
	EXPECT_EQ(dsdt[8], 2);
}

static void pci_tables(void)
{
	s64 used = acpi_build(buf, ROOM, GPA, FIXED(1), true);
	const u8 *xsdt = table(get(rsdp(used) + 24, 8), "XSDT", used);
	const u8 *mcfg = table(get(xsdt + 52, 8), "MCFG", used);

	EXPECT_EQ(get(xsdt + 4, 4), 36 + 4 * 8);
	EXPECT_EQ(get(mcfg + 4, 4), 60);
	EXPECT_EQ(get(mcfg + 44, 8), PCI_ECAM);
	EXPECT_EQ(get(mcfg + 52, 4), 0);	/* segment 0, buses 0 to 0 */
	table(get(xsdt + 60, 8), "SSDT", used);
}

/* Every MADT entry is of the right length, and processors count up from 0. */
static void check_madt(const struct acpi_cpus *cpus)
{
	s64 used = acpi_build(buf, ROOM, GPA, cpus, false);
	const u8 *xsdt = table(get(rsdp(used) + 24, 8), "XSDT", used);
	const u8 *madt = table(get(xsdt + 44, 8), "APIC", used);
	const u8 *end = madt + get(madt + 4, 4);
	const u8 *at = madt + 44;
	unsigned int seen = 0, ioapics = 0;

	EXPECT_EQ(get(madt + 36, 4), LAPIC_BASE);
	EXPECT_EQ(get(madt + 40, 4), 0);
	for (; at < end && at[1]; at += at[1]) {
		if (at[0] == 0) {
			EXPECT_EQ(at[1], 8);
			EXPECT_EQ(at[3], seen);
			EXPECT_EQ(get(at + 4, 4), seen++ < cpus->number ? 1 : 2);
		} else if (at[0] == 9) {
			EXPECT_EQ(at[1], 16);
			EXPECT_EQ(get(at + 4, 4), seen);
			EXPECT_EQ(get(at + 8, 4), seen++ < cpus->number ? 1 : 2);
		} else {
			EXPECT_EQ(at[0], 1);
			EXPECT_EQ(at[1], 12);
			EXPECT_EQ(get(at + 4, 4), IOAPIC_BASE);
			ioapics++;
		}
	}
	EXPECT(at == end);
	EXPECT_EQ(seen, cpus->max);
	EXPECT_EQ(ioapics, 1);
}

static void processors(void)
{
	check_madt(FIXED(1));
	check_madt(FIXED(4));
	check_madt(FIXED(255));
	check_madt(FIXED(256));
	check_madt(FIXED(4096));
	check_madt(&(struct acpi_cpus){ 3, 300, true });
	check_madt(&(struct acpi_cpus){ 300, 300, true });
}

/* Where a processor's device or its branch begins, and the one behind it is the next's */
static void check_each(const u8 *at, u64 size, unsigned int max, unsigned int id_offset)
{
	unsigned int i;

	for (i = 0; i < max; i++) {
		char name[5];

		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		EXPECT(memmem(at + i * size, size, name, 4));
		EXPECT_EQ(get(at + i * size + id_offset, 2), i);
	}
}

/* The table as iasl made it but for the processors, of which there are as many as asked for */
static void check_devices(unsigned int max)
{
	static const char device[] = "\x5b\x82\x48\x06\\/\x03_SB_CPUSC000";
	const struct acpi_cpus cpus = { 1, max, true };
	s64 used = acpi_build(buf, ROOM, GPA, &cpus, false);
	const u8 *xsdt = table(get(rsdp(used) + 24, 8), "XSDT", used);
	const u8 *ssdt = table(get(xsdt + 52, 8), "SSDT", used), *at, *end;
	u32 length;

	EXPECT_EQ(get(xsdt + 4, 4), 36 + 3 * 8);
	end = ssdt + get(ssdt + 4, 4);
	at = memmem(ssdt, end - ssdt, device, strlen(device));
	EXPECT(at);
	if (!at)
		return;
	/* 0x68 bytes from the length on; the id is a word of _UID. */
	EXPECT(!memcmp(at + 35, "_UID\x0b", 5));
	check_each(at, 0x6a, max, 40);
	at += 0x6a * max;
	/* Method (\_SB.CPUS.TELL, 2), in a length of three bytes */
	EXPECT_EQ(at[0], 0x14);
	EXPECT_EQ(at[1] >> 4, 8);
	length = (at[1] & 15) | at[2] << 4 | at[3] << 12;
	EXPECT_EQ(length + 1, end - at);
	EXPECT(!memcmp(at + 4, "\\/\x03_SB_CPUSTELL\x02", 16));
	check_each(at + 20, 13, max, 5);
	EXPECT_EQ(end - at, 20 + 13 * max);
}

static void devices(void)
{
	check_devices(2);
	check_devices(8);
	check_devices(255);
	check_devices(800);
	EXPECT_FAIL(acpi_build(buf, ROOM, GPA, &(struct acpi_cpus){ 1, 4096, true }, false),
		    "for 4096 vCPUs take more room");
}

static void no_room(void)
{
	s64 need = acpi_build(buf, ROOM, GPA, FIXED(300), false);
	u8 guard[64];
	s64 room;

	for (room = 0; room < need; room += 7) {
		memset(buf + room, 0xa5, sizeof(guard));
		memset(guard, 0xa5, sizeof(guard));
		EXPECT_FAIL(acpi_build(buf, room, GPA, FIXED(300), false), "room");
		EXPECT(!memcmp(buf + room, guard, sizeof(guard)));
	}
	EXPECT_EQ(acpi_build(buf, need, GPA, FIXED(300), false), need);
}

static void installed(void)
{
	struct guest_memory mem;

	EXPECT(!memory_create(&mem, MIB(2)));
	EXPECT(!firmware_install(&mem, FIXED(4096), false));
	EXPECT(!memcmp(mem.host + 0xe0000, "RSD PTR ", 8));
	/* mov $0xfe, %al; out %al, $0x64 */
	EXPECT(!memcmp(mem.host + 0xffff0, "\xb0\xfe\xe6\x64", 4));
	EXPECT_FAIL(firmware_install(&mem, FIXED(10000), false), "room");
	memory_destroy(&mem);
}

static const struct test_case cases[] = {
	TEST_CASE(fixed_tables), TEST_CASE(pci_tables), TEST_CASE(processors), TEST_CASE(devices),
	TEST_CASE(no_room), TEST_CASE(installed),
};
TEST_SUITE(acpi_suite, "acpi", cases);
