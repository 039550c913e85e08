// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page tables and the crash report, with registers, memory and exit
 * as bad as a guest can make them.
 */
#include "fuzz.h"
#include "report.h"
#include "translate.h"
#include "x86_bits.h"

#define MEMORY		KIB(32)
#define BYTES		32

/* As much as struct machine has for it */
#define TEXT		2048

static u8 memory[MEMORY];

static void choose_sregs(struct fuzz *f, struct lhv_sregs *sregs)
{
	u8 choice = fuzz_u8(f);

	fuzz_bytes(f, sregs, sizeof(*sregs));
	/* Long runs of rubbish seldom have paging on, and its root in memory. */
	if (choice & 1)
		sregs->cr0 |= CR0_PG | CR0_PE;
	if (choice & 2)
		sregs->efer |= EFER_LMA;
	if (choice & 4)
		sregs->cr4 |= CR4_PAE;
	if (choice & 8)
		sregs->cr3 %= MEMORY;
}

/* Rubbish, and entries of page tables that point to some of it. */
static void fill_memory(struct fuzz *f)
{
	u8 pattern[8];
	size_t i;

	fuzz_bytes(f, pattern, sizeof(pattern));
	for (i = 0; i < MEMORY; i += sizeof(pattern))
		memcpy(memory + i, pattern, sizeof(pattern));
	while (f->left) {
		u16 at = fuzz_u16(f) % (MEMORY / 8) * 8;
		u64 entry = fuzz_u64(f);

		if (entry & PTE_PRESENT)
			entry &= ~(PTE_ADDRESS & ~(MEMORY - 1));
		memcpy(memory + at, &entry, sizeof(entry));
	}
}

/* What translate() does, with the paging modes told apart by numbers alone. */
static bool walk(const struct guest_memory *mem, const struct lhv_sregs *sregs, u64 linear,
		 u64 *gpa)
{
	bool is_long = sregs->efer & EFER_LMA, is_pae = is_long || sregs->cr4 & CR4_PAE;
	unsigned int level = is_long ? (sregs->cr4 & CR4_LA57 ? 5 : 4) : is_pae ? 3 : 2;
	unsigned int bits = is_pae ? 9 : 10, size = is_pae ? 8 : 4;
	unsigned int large = is_long ? 3 : is_pae || sregs->cr4 & CR4_PSE ? 2 : 1;
	u64 table = sregs->cr3 & (is_long ? PTE_ADDRESS : is_pae ? 0xffffffe0 : 0xfffff000);

	for (;; level--) {
		unsigned int shift = 12 + bits * (level - 1);
		u64 offset = linear & (BIT_ULL(shift) - 1), entry = 0;

		table += (linear >> shift & (BIT(bits) - 1)) * size;
		if (table > mem->low - size)
			return false;
		memcpy(&entry, mem->host + table, size);
		if (!(entry & PTE_PRESENT))
			return false;
		table = entry & PTE_ADDRESS;
		if (level > 1 && (level > large || !(entry & PTE_LARGE)))
			continue;
		/* PSE-36 has its high bits among those of the offset. */
		if (level == 2 && !is_pae)
			table = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
		*gpa = (table & ~(BIT_ULL(shift) - 1)) | offset;
		return true;
	}
}

static void check_translate(const struct guest_memory *mem, const struct lhv_sregs *sregs,
			    u64 linear)
{
	u64 gpa = 0, again = 0;

	if (!(sregs->cr0 & CR0_PG)) {
		MUST(translate(mem, sregs, linear, &gpa) && gpa == (u32)linear);
		return;
	}
	if (!(sregs->efer & EFER_LMA))
		linear = (u32)linear;
	MUST(translate(mem, sregs, linear, &gpa) == walk(mem, sregs, linear, &again));
	MUST(gpa == again);
}

/* As many bytes as are mapped, and no others */
static void check_read(const struct guest_memory *mem, const struct lhv_sregs *sregs, u64 linear)
{
	u8 buf[BYTES], *at;
	unsigned int i, n;
	u64 gpa;

	memset(buf, 0xa5, sizeof(buf));
	n = read_linear(mem, sregs, linear, buf, sizeof(buf) - 1);
	MUST(n < sizeof(buf) && buf[sizeof(buf) - 1] == 0xa5);
	for (i = 0; i < sizeof(buf) - 1; i++) {
		at = translate(mem, sregs, linear + i, &gpa) ? memory_at(mem, gpa, 1) : NULL;
		if (i == n)
			MUST(!at);
		if (i >= n)
			break;
		MUST(at && buf[i] == *at);
	}
}

/* Whole in the machine's room, and what there is of it in less. */
static void check_report(const struct lhv_run *run, const struct guest_memory *mem,
			 const struct lhv_regs *regs, const struct lhv_sregs *sregs, size_t len)
{
	char text[TEXT], part[TEXT];
	size_t i, whole;

	report_format(run, 1, mem, regs, sregs, text, sizeof(text));
	whole = strlen(text);
	MUST(whole < TEXT - 1);
	for (i = 0; i < whole; i++)
		MUST((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');

	memset(part, 0x5a, sizeof(part));
	report_format(run, 1, mem, regs, sregs, part, len);
	MUST(strlen(part) == min_u64(whole, len - 1));
	MUST(!strncmp(part, text, strlen(part)));
	for (i = len; i < sizeof(part); i++)
		MUST(part[i] == 0x5a);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	const struct guest_memory mem = { .host = memory, .low = MEMORY };
	struct lhv_sregs sregs;
	struct lhv_regs regs;
	struct lhv_run run = { 0 };
	u8 choice = fuzz_u8(&f);
	size_t len = fuzz_u16(&f) % TEXT + 1;

	run.exit_reason = fuzz_u8(&f) % 32;
	run.rip = fuzz_u64(&f);
	fuzz_bytes(&f, run.pad, 40);
	/* The module's errors are errno's. */
	if (run.exit_reason == LHV_EXIT_MEMORY_FAULT)
		run.memory_fault.error = -(fuzz_u16(&f) % 4096);
	fuzz_bytes(&f, &regs, sizeof(regs));
	choose_sregs(&f, &sregs);
	fill_memory(&f);

	check_translate(&mem, &sregs, regs.rip);
	check_translate(&mem, &sregs, regs.rsp);
	check_read(&mem, &sregs, regs.rip);
	check_report(&run, &mem, choice & 1 ? NULL : &regs, choice & 2 ? NULL : &sregs, len);
	return 0;
}
