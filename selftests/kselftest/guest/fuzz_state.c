// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_guest.h: descriptor tables, page tables and handlers, and the way into a mode
 */
#include <string.h>

#include "fuzz_guest.h"
#include "guest_image.h"

/* ---- handlers ------------------------------------------------------------------ */

struct stub {
	u8 n;
	u8 byte[FUZZ_STUB_SIZE];
};

#define B(...)	{ sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ } }

/* By size of code: 16, 32, 64 bits */
static const struct stub stubs[3][STUBS] = {
	{
		[STUB_OUT] = B(0xe6, FUZZ_PORT_TRAP, 0xf4, 0xeb, 0xfb),
		[STUB_IRET] = B(0xcf),
		/* push eax; mov eax, EOI; mov dword [eax], 0; pop eax; iret */
		[STUB_EOI_XAPIC] = B(0x66, 0x50, 0x66, 0xb8, 0xb0, 0x00, 0xe0, 0xfe,
				     0x67, 0x66, 0xc7, 0x00, 0, 0, 0, 0, 0x66, 0x58, 0xcf),
		/* pushad; mov ecx, 80bh; xor eax, eax; xor edx, edx; wrmsr; popad; iret */
		[STUB_EOI_X2APIC] = B(0x66, 0x60, 0x66, 0xb9, 0x0b, 0x08, 0x00, 0x00,
				      0x66, 0x31, 0xc0, 0x66, 0x31, 0xd2, 0x0f, 0x30,
				      0x66, 0x61, 0xcf),
	}, {
		[STUB_OUT] = B(0xe6, FUZZ_PORT_TRAP, 0xf4, 0xeb, 0xfb),
		[STUB_IRET] = B(0xcf),
		[STUB_EOI_XAPIC] = B(0x50, 0xb8, 0xb0, 0x00, 0xe0, 0xfe,
				     0xc7, 0x00, 0, 0, 0, 0, 0x58, 0xcf),
		[STUB_EOI_X2APIC] = B(0x60, 0xb9, 0x0b, 0x08, 0x00, 0x00, 0x31, 0xc0,
				      0x31, 0xd2, 0x0f, 0x30, 0x61, 0xcf),
	}, {
		[STUB_OUT] = B(0xe6, FUZZ_PORT_TRAP, 0xf4, 0xeb, 0xfb),
		[STUB_IRET] = B(0x48, 0xcf),
		[STUB_EOI_XAPIC] = B(0x50, 0xb8, 0xb0, 0x00, 0xe0, 0xfe,
				     0xc7, 0x00, 0, 0, 0, 0, 0x58, 0x48, 0xcf),
		[STUB_EOI_X2APIC] = B(0x50, 0x51, 0x52, 0xb9, 0x0b, 0x08, 0x00, 0x00, 0x31, 0xc0,
				      0x31, 0xd2, 0x0f, 0x30, 0x5a, 0x59, 0x58, 0x48, 0xcf),
	},
};

static u32 stub_address(int bits, enum fuzz_stub stub)
{
	return FUZZ_STUBS + ((bits / 32) * STUBS + stub) * FUZZ_STUB_SIZE;
}

static void write_stubs(struct vm *vm)
{
	static const int bits[] = { 16, 32, 64 };
	int i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < STUBS; j++)
			memcpy(guest_memory(vm, stub_address(bits[i], j)), stubs[i][j].byte,
			       stubs[i][j].n);
}

/* Exceptions always tell, since some push an error code; NMIs and #DB not always. */
static enum fuzz_stub pick_stub(struct random *random, u32 vector)
{
	if (vector < 32 && vector != VECTOR_NMI && vector != VECTOR_DB)
		return STUB_OUT;
	if (vector < 32)
		return one_in(random, 2) ? STUB_IRET : STUB_OUT;
	return random_below(random, STUBS);
}

static u64 pick_gate_type(struct random *random)
{
	static const u8 odd[] = { 0x85, 0x8f, 0x0e, 0xee, 0x8c, 0x86, 0x87, 0x80 };

	return one_in(random, 32) ? random_of(random, odd) : 0x8e;
}

static void write_idts(struct vm *vm, struct random *random)
{
	u32 *ivt = guest_memory(vm, 0);
	u64 *idt32 = guest_memory(vm, FUZZ_IDT32);
	u64 *idt64 = guest_memory(vm, LAYOUT_IDT);
	u64 type, stub, i;

	for (i = 0; i < 256; i++) {
		type = pick_gate_type(random) << 40;
		stub = stub_address(16, pick_stub(random, i));
		ivt[i] = (FUZZ_STUBS >> 4) << 16 | (stub - FUZZ_STUBS);
		stub = stub_address(32, pick_stub(random, i));
		idt32[i] = (stub & 0xffff) | SELECTOR_CODE32 << 16 | type | (stub >> 16) << 48;
		stub = stub_address(64, pick_stub(random, i));
		idt64[2 * i] = (stub & 0xffff) | SELECTOR_CODE64 << 16 | type | (stub >> 16) << 48;
		idt64[2 * i + 1] = 0;
	}
}

/* ---- tables -------------------------------------------------------------------- */

/* SDM 3A 3.4.5, 3.5, 8.2 */
static void write_gdt(struct vm *vm)
{
	u64 *gdt = guest_memory(vm, LAYOUT_GDT);
	u64 stub = stub_address(32, STUB_IRET), i;

	guest_write_gdt(vm->memory);
	for (i = 0; i < VM_MAX_VCPUS; i++)
		gdt[SELECTOR_TSS / 8 + 2 * i + 1] = 0;
	gdt[SELECTOR_CODE16 / 8] = 0x00009b080000ffff | (FUZZ_CODE & 0xffffull) << 16;
	gdt[SELECTOR_DATA16 / 8] = 0x000093000000ffff;
	gdt[SELECTOR_USER_CODE32 / 8] = 0x00cffb000000ffff;
	gdt[SELECTOR_TASK_GATE / 8] = 0x0000850000000000 | SELECTOR_TSS << 16;
	gdt[SELECTOR_TSS32 / 8] = 0x0000890000000067 | (u64)LAYOUT_SCRATCH << 16;
	gdt[SELECTOR_TSS16 / 8] = 0x000081000000002b | (u64)LAYOUT_SCRATCH << 16;
	gdt[SELECTOR_CALL_GATE / 8] = (stub & 0xffff) | SELECTOR_CODE32 << 16 | 0xec0000000000 |
				      (stub >> 16) << 48;
	gdt[SELECTOR_CALL_GATE / 8 + 1] = 0;
	gdt[SELECTOR_LDT / 8] = 0x0000820000000fff | (u64)(FUZZ_LDT & 0xffffff) << 16;
	gdt[SELECTOR_LDT / 8 + 1] = 0;
	memcpy(guest_memory(vm, FUZZ_LDT), gdt, 0x100);
}

static void write_page_tables(struct vm *vm)
{
	u64 *pml4 = guest_memory(vm, LAYOUT_PML4);
	u64 *pdpt = guest_memory(vm, LAYOUT_PDPT);
	u64 *pdpt_pae = guest_memory(vm, FUZZ_PDPT);
	u64 *pd = guest_memory(vm, LAYOUT_PD);
	u64 *pt = guest_memory(vm, FUZZ_PT);
	u32 *pd32 = guest_memory(vm, FUZZ_PD32);
	const u64 rwu = PTE_PRESENT | PTE_WRITE | PTE_USER;
	u64 i;

	pml4[0] = LAYOUT_PDPT | rwu;
	for (i = 0; i < 4; i++) {
		pdpt[i] = (LAYOUT_PD + i * GUEST_PAGE) | rwu;
		pdpt_pae[i] = (LAYOUT_PD + i * GUEST_PAGE) | PTE_PRESENT;
	}
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * MIB(2) | rwu | PTE_LARGE;
	pd[FUZZ_RAM / MIB(2)] = FUZZ_PT | rwu;
	for (i = 0; i < 512; i++)
		pt[i] = (FUZZ_RAM + i * GUEST_PAGE) | rwu;
	for (i = 0; i < 1024; i++)
		pd32[i] = i * MIB(4) | rwu | PTE_LARGE;
}

void fuzz_write_tables(struct vm *vm, struct random *random)
{
	write_stubs(vm);
	write_idts(vm, random);
	write_gdt(vm);
	write_page_tables(vm);
}

/* ---- modes --------------------------------------------------------------------- */

#define CR0_PROTECTED	(CR0_PE | CR0_MP | CR0_ET | CR0_NE)

static const struct {
	u32 code;	/* access rights, SDM 3C table 25-2 */
	u32 data;
	u16 code_selector;
	u16 data_selector;
	u32 limit;
	u64 cr0, cr3, cr4, efer;
	u64 rflags;
} modes[FUZZ_MODES] = {
	[FUZZ_REAL] = { 0x9b, 0x93, 0, 0, 0xffff, CR0_ET | CR0_NE },
	[FUZZ_UNREAL] = { 0x9b, 0xc093, 0, 0, ~0, CR0_ET | CR0_NE },
	[FUZZ_V86] = { 0xf3, 0xf3, 0, 0, 0xffff, CR0_PROTECTED | CR0_PG, FUZZ_PD32, CR4_PSE,
		       0, BIT(17) },
	[FUZZ_PROT16] = { 0x9b, 0xc093, SELECTOR_CODE16, SELECTOR_DATA, ~0, CR0_PROTECTED },
	[FUZZ_FLAT] = { 0xc09b, 0xc093, SELECTOR_CODE32, SELECTOR_DATA, ~0, CR0_PROTECTED },
	[FUZZ_PAGING32] = { 0xc09b, 0xc093, SELECTOR_CODE32, SELECTOR_DATA, ~0,
			    CR0_PROTECTED | CR0_PG | CR0_WP, FUZZ_PD32, CR4_PSE },
	[FUZZ_PAE] = { 0xc09b, 0xc093, SELECTOR_CODE32, SELECTOR_DATA, ~0,
		       CR0_PROTECTED | CR0_PG, FUZZ_PDPT, CR4_PAE, EFER_NX },
	[FUZZ_PAE_USER] = { 0xc0fb, 0xc0f3, SELECTOR_USER_CODE32, SELECTOR_USER_DATA, ~0,
			    CR0_PROTECTED | CR0_PG | CR0_WP | CR0_AM, FUZZ_PDPT, CR4_PAE, 0,
			    3 << 12 },
	[FUZZ_COMPAT] = { 0xc09b, 0xc093, SELECTOR_CODE32, SELECTOR_DATA, ~0,
			  CR0_PROTECTED | CR0_PG | CR0_WP, LAYOUT_PML4, CR4_PAE | CR4_OSFXSR,
			  EFER_LME | EFER_LMA | EFER_NX },
	[FUZZ_LONG] = { 0xa09b, 0xc093, SELECTOR_CODE64, SELECTOR_DATA, ~0,
			CR0_PROTECTED | CR0_PG | CR0_WP, LAYOUT_PML4,
			CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE | CR4_PGE,
			EFER_LME | EFER_LMA | EFER_NX | EFER_SCE },
	[FUZZ_LONG_USER] = { 0xa0fb, 0xc0f3, SELECTOR_USER_CODE64, SELECTOR_USER_DATA, ~0,
			     CR0_PROTECTED | CR0_PG | CR0_WP | CR0_AM, LAYOUT_PML4,
			     CR4_PAE | CR4_OSFXSR, EFER_LME | EFER_LMA | EFER_NX | EFER_SCE,
			     3 << 12 | 1 << 18 },
};

static void set_segments(struct lhv_sregs *sregs, enum fuzz_mode mode, u32 code_base)
{
	const struct lhv_segment data = {
		.selector = modes[mode].data_selector, .limit = modes[mode].limit,
		.access = modes[mode].data,
	};

	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->cs = (struct lhv_segment){
		.selector = modes[mode].code_selector, .limit = 0xffffffff,
		.access = modes[mode].code,
	};
	if (fuzz_bits(mode) == 16) {
		sregs->cs.limit = 0xffff;
		sregs->cs.base = code_base;
		if (mode != FUZZ_PROT16)
			sregs->cs.selector = code_base >> 4;
	}
}

static void set_system_registers(struct lhv_sregs *sregs, enum fuzz_mode mode, u32 id)
{
	bool real = !(modes[mode].cr0 & CR0_PE);

	sregs->tr = (struct lhv_segment){
		.selector = SELECTOR_TSS + 16 * id, .limit = 0x67, .access = 0x8b,
		.base = LAYOUT_CPU + id * GUEST_PAGE + offsetof(struct guest_cpu, tss),
	};
	sregs->ldt = (struct lhv_segment){ .access = ACCESS_UNUSABLE };
	sregs->gdt = (struct lhv_dtable){ .base = LAYOUT_GDT, .limit = 0xfff };
	if (real)
		sregs->idt = (struct lhv_dtable){ .limit = 0x3ff };
	else if (modes[mode].efer & EFER_LMA)
		sregs->idt = (struct lhv_dtable){ .base = LAYOUT_IDT, .limit = 0xfff };
	else
		sregs->idt = (struct lhv_dtable){ .base = FUZZ_IDT32, .limit = 0x7ff };
	sregs->cr0 = modes[mode].cr0;
	sregs->cr3 = modes[mode].cr3;
	sregs->cr4 = modes[mode].cr4;
	sregs->efer = modes[mode].efer;
}

/* Where privilege level 0's stack is, in either format (SDM 3A figures 8-2, 8-11) */
static void write_tss(struct vm *vm, enum fuzz_mode mode, u32 id, u32 stack)
{
	struct guest_cpu *cpu = guest_memory(vm, LAYOUT_CPU + id * GUEST_PAGE);
	u32 *tss = (u32 *)cpu->tss;
	u32 i;

	memset(tss, 0, sizeof(cpu->tss));
	tss[1] = stack;
	tss[2] = modes[mode].efer & EFER_LMA ? 0 : SELECTOR_DATA;
	for (i = 9; i < 23; i += 2)
		tss[i] = stack;		/* IST */
}

void fuzz_set_mode(struct vcpu *vcpu, struct random *random, enum fuzz_mode mode,
		   u32 code_base, u32 offset)
{
	u32 stack = LAYOUT_STACKS + (vcpu->id + 1) * LAYOUT_STACK - 0x800;
	const struct lhv_events no_events = { };
	struct lhv_sregs sregs;
	struct lhv_regs regs;
	u64 *gpr = (u64 *)&regs;
	u32 i;

	/* What the former mode left undone; it may take more than one answer. */
	vcpu->run->immediate_exit = 1;
	while (!lhv_run(vcpu->fd))
		;
	vcpu->run->immediate_exit = 0;
	vcpu_get_sregs(vcpu, &sregs);
	set_segments(&sregs, mode, code_base);
	set_system_registers(&sregs, mode, vcpu->id);
	vcpu_set_sregs(vcpu, &sregs);
	vcpu_set(vcpu, LHV_STATE_EVENTS, &no_events, sizeof(no_events));

	for (i = 0; i < 16; i++)
		gpr[i] = one_in(random, 4) ? fuzz_value(random) : fuzz_address(random);
	regs.rsp = fuzz_bits(mode) == 16 && mode != FUZZ_PROT16 ? 0x7f0 : stack;
	regs.rip = fuzz_bits(mode) == 16 ? offset : code_base + offset;
	regs.rflags = FLAGS_FIXED | modes[mode].rflags | (one_in(random, 2) ? FLAGS_IF : 0);
	vcpu_set_regs(vcpu, &regs);
	write_tss(vcpu->vm, mode, vcpu->id, stack);
	vcpu_set_mp(vcpu, LHV_MP_RUNNABLE);
}
