// SPDX-License-Identifier: GPL-2.0-only
/* The ACPI tables, for any number of processors in any room. */
#include "acpi.h"
#include "error.h"
#include "firmware.h"
#include "fuzz.h"
#include "layout.h"

#define HEADER		36
#define CPUS_MOST	5000
#define ROOM_MOST	KIB(128)

struct tables {
	const u8 *buf;
	u64 gpa;
	u64 used;
};

static u64 get(const u8 *at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, at, size);
	return value;
}

static void check_sum(const u8 *at, u64 len)
{
	u8 sum = 0;

	while (len--)
		sum += *at++;
	MUST(!sum);
}

/* The table at @gpa, whole in what was written */
static const u8 *table(const struct tables *t, u64 gpa, const char *signature)
{
	const u8 *at = t->buf + (gpa - t->gpa);

	MUST(gpa >= t->gpa && gpa - t->gpa <= t->used - HEADER);
	MUST(get(at + 4, 4) >= HEADER && get(at + 4, 4) <= t->used - (gpa - t->gpa));
	MUST(!memcmp(at, signature, 4));
	check_sum(at, get(at + 4, 4));
	return at;
}

static void check_madt(const u8 *madt, const struct acpi_cpus *cpus)
{
	const u8 *end = madt + get(madt + 4, 4), *at;
	unsigned int seen = 0, others = 0;

	for (at = madt + 44; at < end; at += at[1]) {
		MUST(at[1] >= 8 && at[1] <= end - at);
		if (at[0] == 0)
			MUST(at[3] == seen++);
		else if (at[0] == 9)
			MUST(get(at + 4, 4) == seen++);
		else
			others++;
	}
	MUST(seen == cpus->max && others == 1);
}

static void check_tables(const struct tables *t, const struct acpi_cpus *cpus, bool pci)
{
	const u8 *xsdt, *rsdt, *fadt;
	unsigned int count = 2 + 2 * pci + cpus->change;

	MUST(!memcmp(t->buf, "RSD PTR ", 8));
	check_sum(t->buf, 20);
	check_sum(t->buf, 36);
	rsdt = table(t, get(t->buf + 16, 4), "RSDT");
	xsdt = table(t, get(t->buf + 24, 8), "XSDT");
	MUST(get(rsdt + HEADER, 4) == get(xsdt + HEADER, 8));
	fadt = table(t, get(xsdt + HEADER, 8), "FACP");
	table(t, get(fadt + 140, 8), "DSDT");
	check_madt(table(t, get(xsdt + HEADER + 8, 8), "APIC"), cpus);
	MUST(get(xsdt + 4, 4) == HEADER + 8 * count);
	if (cpus->change)
		table(t, get(xsdt + HEADER + 8 * (count - 1), 8), "SSDT");
}

static void build(const struct acpi_cpus *cpus, bool pci, u64 room, u64 gpa)
{
	u8 *buf = malloc(room);
	s64 used;

	MUST(buf || !room);
	fail_say("%s", "");
	used = acpi_build(buf, room, gpa, cpus, pci);
	if (used < 0) {
		MUST(*fail_text());
	} else {
		const struct tables t = { buf, gpa, used };

		MUST((u64)used <= room);
		check_tables(&t, cpus, pci);
	}
	free(buf);
}

/* Nothing that is the kernel's to use */
static void install(const struct acpi_cpus *cpus, bool pci)
{
	struct guest_memory mem = { .host = malloc(MIB(1)), .low = MIB(1) };
	u64 i;

	MUST(mem.host);
	memset(mem.host, 0x5a, MIB(1));
	if (!firmware_install(&mem, cpus, pci)) {
		const struct tables t = {
			mem.host + ACPI_TABLES_START, ACPI_TABLES_START,
			ACPI_TABLES_END - ACPI_TABLES_START,
		};

		check_tables(&t, cpus, pci);
	}
	for (i = 0; i < ACPI_TABLES_START; i += 1 + (i & 63))
		MUST(mem.host[i] == 0x5a);
	for (i = ACPI_TABLES_END; i < RESET_VECTOR; i++)
		MUST(mem.host[i] == 0x5a);
	free(mem.host);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct acpi_cpus cpus = { .max = fuzz_u16(&f) % (CPUS_MOST + 1) };
	u64 room = fuzz_u32(&f) % (ROOM_MOST + 1);
	u32 gpa = fuzz_u32(&f);
	u8 flags = fuzz_u8(&f);
	bool pci = flags & 128;

	cpus.number = flags & 64 ? fuzz_u16(&f) % (cpus.max + 1) : cpus.max;
	cpus.change = flags & 32;

	/* The caller's promise: all of it is below 4 GiB. */
	build(&cpus, pci, room, min_u64(gpa, GIB(4) - ROOM_MOST) & ~15ULL);
	if (!(flags & 15))
		install(&cpus, pci);
	return 0;
}
