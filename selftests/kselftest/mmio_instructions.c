// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module's decoder makes of instructions that touch MMIO, beside what
 * the processor makes of them on RAM: same registers, flags and memory. In each
 * mode, with the source or the destination in MMIO.
 */
#include <string.h>
#include <sys/mman.h>

#include "test.h"

/* guest/mmio_instructions.S */
extern const struct snippet {
	const u8 *begin, *end;
	const char *text;
	u32 bits;
	u32 undefined;	/* flags that the instruction leaves so */
} mmio_snippets[], mmio_snippets_end[];

#define MEMORY		MIB(8)
#define CODE		0x10000
#define STACK		0x8000
#define PML4		0x1000
#define PDPT		0x2000
#define PD		0x3000
#define PT		0x4000
#define PD32		0x5000
#define PT32		0x6000
#define TABLES_END	0x7000

/* Where the instructions find pages A and B with paging, and where those are. */
#define LINEAR_A	0x200000
#define RAM_A		0x300000
#define MMIO_A		0xd0000000
#define PORT		0x10

#define USER_TABLE	(PTE_PRESENT | PTE_WRITE | PTE_USER)

enum mode { REAL, FLAT, PAGED, PAE, LONG, NR_MODES };

static const struct {
	const char *name;
	u32 bits;
	bool paging;
} modes[NR_MODES] = {
	[REAL] = { "real mode", 16, false },
	[FLAT] = { "32 bits, no paging", 32, false },
	[PAGED] = { "32 bits, paging", 32, true },
	[PAE] = { "32 bits, PAE", 32, true },
	[LONG] = { "64 bits", 64, true },
};

/* Which of the two pages is MMIO */
enum place { RAM_ONLY, A_IS_MMIO, B_IS_MMIO, NR_PLACES };

struct outcome {
	struct lhv_regs regs;
	u8 page[2][GUEST_PAGE];
};

FIXTURE(mmio) {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *memory;
	u8 device[2][GUEST_PAGE];
	struct lhv_sregs reset;
	u64 exits;
};

FIXTURE_SETUP(mmio)
{
	self->vm = vm_create_empty();
	self->memory = REQUIRE_SYS(mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	vm_set_memory(self->vm, 0, 0, 0, MEMORY, self->memory);
	self->vcpu = vcpu_create(self->vm, 0);
	vcpu_get_sregs(self->vcpu, &self->reset);
}

FIXTURE_TEARDOWN(mmio)
{
	vm_close(self->vm);
	munmap(self->memory, MEMORY);
}

static u32 page_a(enum place place)
{
	return place == A_IS_MMIO ? MMIO_A : RAM_A;
}

static u32 page_b(enum place place)
{
	return (place == B_IS_MMIO ? MMIO_A : RAM_A) + GUEST_PAGE;
}

static u8 *content(FIXTURE_DATA(mmio) *self, enum place place, int page)
{
	u32 at = page ? page_b(place) : page_a(place);

	return at >= MMIO_A ? self->device[page] : self->memory + at;
}

static void write_tables(FIXTURE_DATA(mmio) *self, enum mode mode, enum place place)
{
	u64 *pt = (u64 *)(self->memory + PT);
	u32 *pd32 = (u32 *)(self->memory + PD32), *pt32 = (u32 *)(self->memory + PT32);
	u32 i;

	memset(self->memory + PML4, 0, TABLES_END - PML4);
	*(u64 *)(self->memory + PML4) = PDPT | USER_TABLE;
	/* With PAE this level has no such rights. */
	*(u64 *)(self->memory + PDPT) = PD | (mode == PAE ? PTE_PRESENT : USER_TABLE);
	((u64 *)(self->memory + PD))[0] = PTE_LARGE | USER_TABLE;
	((u64 *)(self->memory + PD))[1] = PT | USER_TABLE;
	pt[0] = page_a(place) | USER_TABLE;
	pt[1] = page_b(place) | USER_TABLE;

	pd32[0] = PT32 | USER_TABLE;
	for (i = 0; i < GUEST_PAGE / sizeof(*pt32); i++)
		pt32[i] = i * GUEST_PAGE | USER_TABLE;
	pt32[LINEAR_A / GUEST_PAGE] = page_a(place) | USER_TABLE;
	pt32[LINEAR_A / GUEST_PAGE + 1] = page_b(place) | USER_TABLE;
}

static struct lhv_segment segment(u64 base, u32 limit, u32 access)
{
	return (struct lhv_segment){
		.base = base, .limit = limit, .selector = 8, .access = access,
	};
}

static void set_mode(FIXTURE_DATA(mmio) *self, enum mode mode, enum place place)
{
	struct lhv_sregs s = self->reset;
	u32 limit = mode == REAL ? 0xffff : ~0U;
	u32 data = mode == REAL ? 0x93 : 0xc093;
	u64 a = modes[mode].paging ? LINEAR_A : page_a(place);
	u64 b = modes[mode].paging ? LINEAR_A + GUEST_PAGE : page_b(place);

	write_tables(self, mode, place);
	/* Code is at CODE in all modes; pages A and B begin at offset 0 of DS and ES. */
	s.cs = segment(CODE, limit, mode == REAL ? 0x9b : 0xc09b);
	s.ds = segment(a, limit, data);
	s.es = segment(b, limit, data);
	s.ss = segment(0, limit, data);
	s.fs = segment(0x40, limit, data);
	s.gs = segment(0, limit, data);
	s.tr = segment(0, 0xffff, 0x8b);
	s.cr0 = 0x30;
	s.cr4 = 0;
	s.efer = 0;
	if (mode != REAL)
		s.cr0 |= CR0_PE;
	if (modes[mode].paging)
		s.cr0 |= CR0_PG;
	if (mode == PAGED)
		s.cr3 = PD32;
	if (mode == PAE || mode == LONG) {
		s.cr3 = mode == PAE ? PDPT : PML4;
		s.cr4 = CR4_PAE;
	}
	if (mode == LONG) {
		s.efer = EFER_LME | EFER_LMA;
		/* Bases of CS, DS, ES and SS don't count here. */
		s.cs = segment(0, limit, 0xa09b);
	}
	vcpu_set_sregs(self->vcpu, &s);
}

/* Two sets of values: with few bits, and with many, flags too, and downwards. */
static void set_registers(FIXTURE_DATA(mmio) *self, enum mode mode, bool many)
{
	u64 a = mode == LONG ? LINEAR_A : 0, b = mode == LONG ? LINEAR_A + GUEST_PAGE : 0;
	u64 mask = mode == LONG ? ~0ULL : ~0U;
	struct lhv_regs r = {
		.rax = (many ? 0xfedcba9876543281 : 0x0123456789abcdef) & mask,
		.rcx = 3,
		.rdx = (many ? -0x25 : 0x125) & mask,
		.rbx = a + 0x100,
		.rsi = a + 0x180,
		.rdi = b + 0x190,
		.rbp = 0x1111,
		.rsp = STACK,
		.rip = mode == LONG ? CODE : 0,
		.rflags = many ? 0xcc7 : 0x2,
	};

	if (mode == LONG) {
		r.r8 = 8;
		r.r9 = 0x99aabbccddeeff00;
		r.r10 = a + 0x60;
		r.r11 = 11;
		r.r12 = a + 0x110;
		r.r13 = a + 0x118;
		r.r14 = 14;
		r.r15 = 0xf0f1f2f3f4f5f6f7;
	}
	vcpu_set_regs(self->vcpu, &r);
}

static u8 patterns[2][GUEST_PAGE];	/* what is in the two pages at first */

static void make_patterns(void)
{
	u32 page, i;

	for (page = 0; page < 2; page++) {
		for (i = 0; i < GUEST_PAGE; i++)
			patterns[page][i] = i * 37 + 11 + page;
	}
}

/* Serves MMIO until the OUT behind the instruction. */
static void run_snippet(FIXTURE_DATA(mmio) *self)
{
	struct lhv_run *run = self->vcpu->run;
	u8 *device = &self->device[0][0];
	u64 offset;

	for (;;) {
		vcpu_run(self->vcpu);
		if (run->exit_reason == LHV_EXIT_IO) {
			REQUIRE(run->io.port == PORT && run->io.direction == LHV_IO_OUT);
			vcpu_complete(self->vcpu);
			return;
		}
		if (run->exit_reason != LHV_EXIT_MMIO)
			FAIL("%s", vcpu_describe(self->vcpu));
		self->exits++;
		offset = run->mmio.gpa - MMIO_A;
		REQUIRE(offset + run->mmio.len <= sizeof(self->device));
		if (run->mmio.is_write) {
			memcpy(device + offset, run->mmio.data, run->mmio.len);
		} else {
			/* What is beyond @len must not count. */
			memset(run->mmio.data, 0xee, sizeof(run->mmio.data));
			memcpy(run->mmio.data, device + offset, run->mmio.len);
		}
	}
}

static void run_at(FIXTURE_DATA(mmio) *self, const struct snippet *snippet, enum mode mode,
		   enum place place, bool many, struct outcome *outcome)
{
	int page;

	memcpy(self->memory + CODE, snippet->begin, snippet->end - snippet->begin);
	for (page = 0; page < 2; page++)
		memcpy(content(self, place, page), patterns[page], GUEST_PAGE);
	set_mode(self, mode, place);
	set_registers(self, mode, many);
	run_snippet(self);
	vcpu_get_regs(self->vcpu, &outcome->regs);
	outcome->regs.rflags &= ~(u64)snippet->undefined;
	for (page = 0; page < 2; page++)
		memcpy(outcome->page[page], content(self, place, page), GUEST_PAGE);
}

static void compare(const struct outcome *ram, const struct outcome *mmio, const char *what)
{
	const u64 *want = (const u64 *)&ram->regs, *have = (const u64 *)&mmio->regs;
	u32 i;

	for (i = 0; i < sizeof(ram->regs) / sizeof(u64); i++) {
		if (want[i] != have[i])
			FAIL("%s: register %u is 0x%llx, on RAM 0x%llx", what, i, have[i], want[i]);
	}
	if (!memcmp(ram->page, mmio->page, sizeof(ram->page)))
		return;
	for (i = 0; i < sizeof(ram->page); i++) {
		u8 wanted = ram->page[i / GUEST_PAGE][i % GUEST_PAGE];
		u8 found = mmio->page[i / GUEST_PAGE][i % GUEST_PAGE];

		if (wanted != found)
			FAIL("%s: byte 0x%x is %02x, on RAM %02x", what, i, found, wanted);
	}
}

static void run_mode(FIXTURE_DATA(mmio) *self, enum mode mode)
{
	static struct outcome outcome[NR_PLACES];
	const struct snippet *snippet;
	enum place place;
	char what[128];
	int many;

	make_patterns();
	for (snippet = mmio_snippets; snippet < mmio_snippets_end; snippet++) {
		if (snippet->bits != modes[mode].bits)
			continue;
		for (many = 0; many < 2; many++) {
			snprintf(what, sizeof(what), "%s, %s, values %d", snippet->text,
				 modes[mode].name, many);
			run_at(self, snippet, mode, RAM_ONLY, many, &outcome[RAM_ONLY]);
			for (place = A_IS_MMIO; place < NR_PLACES; place++) {
				run_at(self, snippet, mode, place, many, &outcome[place]);
				compare(&outcome[RAM_ONLY], &outcome[place], what);
			}
		}
	}
	/* At least the operand that all but a few have in page A. */
	REQUIRE(self->exits > 200);
}

TEST_F(mmio, real_mode)
{
	run_mode(self, REAL);
}

TEST_F(mmio, flat)
{
	run_mode(self, FLAT);
}

TEST_F(mmio, paging)
{
	run_mode(self, PAGED);
}

TEST_F(mmio, pae)
{
	run_mode(self, PAE);
}

TEST_F(mmio, long_mode)
{
	run_mode(self, LONG);
}

TEST_HARNESS_MAIN
