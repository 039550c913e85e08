// SPDX-License-Identifier: GPL-2.0-only
/* The guest's CPUID, from any list that a host may have. */
#include "cpuid.h"
#include "error.h"
#include "fuzz.h"

#define CPUS_MOST	4096

static struct cpuid_table table;

static void fill_table(struct fuzz *f)
{
	/* The leaves that hvctl looks at, and beside them */
	static const u32 leaf[] = {
		0, 1, 4, 0xb, 0x15, 0x16, 0x1f, 0x40000000, 0x40000001, 0x40000010,
		0x40000100, 0x40000101, 0x4000ffff, 0x40010000, 0x80000000, 7,
	};
	unsigned int i;

	memset(&table, 0, sizeof(table));
	table.count = fuzz_u16(f) % (LHV_MAX_CPUID_ENTRIES + 1);
	for (i = 0; i < table.count; i++) {
		struct lhv_cpuid_entry *e = &table.entry[i];
		u8 choice = fuzz_u8(f);

		e->function = choice & 0x80 ? fuzz_u32(f) : leaf[choice % ARRAY_SIZE(leaf)];
		e->flags = choice >> 6 & 1;
		e->index = fuzz_u8(f);
		e->eax = fuzz_u32(f);
		e->ebx = fuzz_u32(f);
		e->ecx = fuzz_u32(f);
		e->edx = fuzz_u32(f);
	}
}

static unsigned int count_leaf(u32 function, u32 index)
{
	unsigned int i, n = 0;

	for (i = 0; i < table.count; i++)
		n += table.entry[i].function == function && table.entry[i].index == index;
	return n;
}

/* As Linux does, in 32 bits; at the speeds that there are, to 0.2 %. */
static void check_frequency(u32 tsc)
{
	const struct lhv_cpuid_entry *e = cpuid_find(&table, 0x15, 0);
	const struct lhv_cpuid_entry *top = cpuid_find(&table, 0, 0);
	u64 product, khz;

	MUST(e && e->eax && e->ebx && e->ecx);
	product = e->ecx / 1000 * (u64)e->ebx;
	MUST(product <= UINT32_MAX);
	khz = product / e->eax;
	if (tsc >= 1000 && tsc <= 10000000)
		MUST((khz > tsc ? khz - tsc : tsc - khz) <= tsc / 500 + 1);
	MUST(!top || top->eax >= 0x16);
	MUST(count_leaf(0x15, 0) == 1 && count_leaf(0x16, 0) == 1);
}

static void check_table(const struct lhv_info *info, unsigned int cpus, u32 id)
{
	const struct lhv_cpuid_entry *e = cpuid_find(&table, 1, 0);
	unsigned int i, width;

	if (e) {
		MUST(e->ebx >> 24 == (id & 0xff));
		MUST((e->ebx >> 16 & 0xff) >= min_u64(cpus, 255));
		MUST(e->ecx >> 31 && (e->edx >> 28 & 1) == (cpus > 1));
	}
	for (i = 0; i < 3; i++) {
		MUST(count_leaf(0xb, i) == 1);
		MUST(cpuid_find(&table, 0xb, i)->edx == id);
	}
	width = cpuid_find(&table, 0xb, 1)->eax;
	MUST(cpuid_find(&table, 0xb, 1)->ebx == cpus);
	MUST(cpus <= 1U << width && (!width || cpus > 1U << (width - 1)));
	MUST(count_leaf(0x40000000, 0) == 1 && count_leaf(0x40000010, 0) == 1);
	MUST(!count_leaf(0x1f, 0) && !count_leaf(0x4000ffff, 0));
	if (info->tsc_khz && info->apic_timer_khz)
		check_frequency(info->tsc_khz);
	else
		MUST(!count_leaf(0x15, 0) && !count_leaf(0x16, 0));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct lhv_info info = { 0 };
	unsigned int cpus;
	u32 id;

	cpus = fuzz_u16(&f) % CPUS_MOST + 1;
	id = fuzz_u16(&f) % cpus;
	info.tsc_khz = fuzz_u32(&f);
	info.apic_timer_khz = fuzz_u32(&f);
	fill_table(&f);

	fail_say("%s", "");
	if (cpuid_build(&table, &info, cpus)) {
		MUST(*fail_text());
		return 0;
	}
	MUST(table.count <= LHV_MAX_CPUID_ENTRIES);
	cpuid_set_apic_id(&table, id);
	check_table(&info, cpus, id);
	return 0;
}
