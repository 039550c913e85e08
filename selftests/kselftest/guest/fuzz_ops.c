// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_guest.h: the operations that programs consist of
 */
#include "fuzz_guest.h"

/* ---- control and debug registers --------------------------------------------- */

static u64 cr_value(struct random *random, int cr)
{
	static const u64 good_cr0[] = { 0x80010033, 0x33, 0x31, 0x11, 0x80000011, 0x60000010 };

	switch (cr) {
	case 0:
		if (one_in(random, 4))
			return fuzz_value(random);
		return random_of(random, good_cr0) ^ (one_in(random, 2) ? 0 :
			BIT(random_below(random, 32)) | BIT(29 + random_below(random, 2)));
	case 3:
		if (one_in(random, 3))
			return fuzz_table_entry(random) & ~0x1f;
		return one_in(random, 2) ? LAYOUT_PML4 : one_in(random, 2) ? FUZZ_PD32 : FUZZ_PDPT;
	case 4:
		if (one_in(random, 4))
			return fuzz_value(random);
		return (CR4_PAE | CR4_OSFXSR) ^ BIT(random_below(random, 24)) ^
		       BIT(random_below(random, 24));
	case 8:
		return random_below(random, 24);
	}
	return fuzz_value(random);
}

static void op_mov_cr(struct fuzz_code *code)
{
	static const u8 numbers[] = { 0, 0, 0, 2, 3, 3, 4, 4, 8, 1, 5, 15 };
	struct random *random = code->random;
	u8 cr = random_of(random, numbers);

	emit_load(code, RAX, cr_value(random, cr));
	/* CR8 needs REX.R, or LOCK on other processors. */
	if (cr >= 8 && fuzz_bits(code->mode) == 64)
		emit8(code, 0x44);
	emit_bytes(code, 0x0f, one_in(random, 4) ? 0x20 : 0x22, 0xc0 | (cr & 7) << 3);
}

static void op_small_cr(struct fuzz_code *code)
{
	struct random *random = code->random;

	emit_load(code, RAX, fuzz_value(random));
	switch (random_below(random, 5)) {
	case 0:
		emit_bytes(code, 0x0f, 0x01, 0xf0);	/* LMSW */
		break;
	case 1:
		emit_bytes(code, 0x0f, 0x01, 0xe0);	/* SMSW */
		break;
	case 2:
		emit_bytes(code, 0x0f, 0x06);		/* CLTS */
		break;
	default:
		emit_load(code, RAX, one_in(random, 2) ? random_below(random, 256) :
						       fuzz_value(random));
		emit_load(code, RDX, one_in(random, 3) ? fuzz_value(random) : 0);
		emit_load(code, RCX, one_in(random, 8) ? fuzz_value(random) :
						       random_below(random, 2));
		emit_bytes(code, 0x0f, 0x01, one_in(random, 3) ? 0xd0 : 0xd1); /* X[GS]ETBV */
	}
}

static void op_mov_dr(struct fuzz_code *code)
{
	struct random *random = code->random;
	u8 dr = random_below(random, 8);

	if (dr == 7)
		emit_load(code, RAX, one_in(random, 3) ? fuzz_value(random) :
			  0x400 | (random_u64(random) & 0xffff23ff));
	else
		emit_load(code, RAX, one_in(random, 2) ? fuzz_address(random) : fuzz_value(random));
	emit_bytes(code, 0x0f, one_in(random, 4) ? 0x21 : 0x23, 0xc0 | dr << 3);
}

/* PUSHF, OR, POPF */
static void op_flags(struct fuzz_code *code)
{
	static const u32 flags[] = {
		FLAGS_TF, FLAGS_IF, FLAGS_TF | FLAGS_IF, 1 << 10, 3 << 12, 1 << 14, 1 << 16,
		1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21,
	};
	bool prefixes = fuzz_bits(code->mode) == 16;

	if (prefixes)
		emit8(code, 0x66);
	emit8(code, 0x9c);
	if (prefixes)
		emit_bytes(code, 0x67, 0x66);
	emit_bytes(code, 0x81, 0x0c, 0x24);
	emit32(code, random_of(code->random, flags));
	if (prefixes)
		emit8(code, 0x66);
	emit8(code, 0x9d);
}

/* ---- instructions without an operand in memory -------------------------------- */

struct bytes {
	u8 n;
	u8 byte[5];
};

#define B(...)	{ sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ } }

static const struct bytes plain[] = {
	B(0x0f, 0xa2), B(0x0f, 0xa2), B(0x0f, 0xa2),		/* CPUID */
	B(0x0f, 0x08), B(0x0f, 0x09),				/* INVD, WBINVD */
	B(0x0f, 0x01, 0xc8), B(0x0f, 0x01, 0xc9),		/* MONITOR, MWAIT */
	B(0xf3, 0x90), B(0xf3, 0x90), B(0xf4), B(0xfb, 0xf4),	/* PAUSE, HLT, STI; HLT */
	B(0x0f, 0x01, 0xc1), B(0x0f, 0x01, 0xc2), B(0x0f, 0x01, 0xc3), B(0x0f, 0x01, 0xc4),
	B(0x0f, 0x01, 0xd4), B(0x0f, 0x01, 0xd5), B(0x0f, 0x01, 0xd6), /* VMFUNC, XEND, XTEST */
	B(0x0f, 0x37), B(0x0f, 0x33), B(0x0f, 0x31), B(0x0f, 0x01, 0xf9), /* GETSEC, RDPMC... */
	B(0x0f, 0x78, 0xc1), B(0x0f, 0x79, 0xc1), B(0x0f, 0xaa), /* VMREAD, VMWRITE, RSM */
	B(0x0f, 0x01, 0xf8), B(0x0f, 0x05), B(0x0f, 0x07),	/* SWAPGS, SYSCALL, SYSRET */
	B(0x0f, 0x34), B(0x0f, 0x35),				/* SYSENTER, SYSEXIT */
	B(0xcc), B(0xce), B(0xf1), B(0xcd, 0x80), B(0xcd, 0x20), B(0xcd, 0x0d), B(0xcd, 0x02),
	B(0x0f, 0x0b), B(0xfa), B(0xfb), B(0xfc), B(0xfd), B(0x9b), B(0xdb, 0xe3), B(0xd9, 0xd0),
	B(0x0f, 0x01, 0xca), B(0x0f, 0x01, 0xcb), B(0xf3, 0x0f, 0xae, 0xc0),
	B(0xf3, 0x0f, 0xae, 0xd8), B(0x0f, 0xc7, 0xf0), B(0x0f, 0xc7, 0xf8),
	B(0x0f, 0x00, 0xc8), B(0x0f, 0x00, 0xc0), B(0xcf), B(0x48, 0xcf), B(0xcb), B(0xc9),
	B(0x0f, 0x77), B(0xf3, 0x0f, 0x01, 0xe8), B(0x0f, 0xae, 0xf0), B(0x66, 0x0f, 0x58, 0xc1),
	B(0xc5, 0xf8, 0x77), B(0xf6, 0xf1), B(0xd4, 0x00), B(0x66, 0x0f, 0x38, 0x80, 0x03),
	B(0x66, 0x0f, 0x38, 0x81, 0x03), B(0x66, 0x0f, 0x38, 0x82, 0x03), B(0x0f, 0xc7, 0x33),
};

static void emit_plain(struct fuzz_code *code)
{
	const struct bytes *bytes = &random_of(code->random, plain);

	emit(code, bytes->byte, bytes->n);
}

static void op_plain(struct fuzz_code *code)
{
	static const u32 leaves[] = {
		0, 1, 2, 4, 6, 7, 0xa, 0xb, 0xd, 0x14, 0x15, 0x16, 0x1f, 0x40000000, 0x40000001,
		0x40000100, 0x80000000, 0x80000001, 0x80000008, 0xc0000000,
	};
	struct random *random = code->random;

	emit_load(code, RAX, one_in(random, 2) ? random_of(random, leaves) : fuzz_value(random));
	emit_load(code, RCX, one_in(random, 2) ? random_below(random, 8) : fuzz_value(random));
	if (one_in(random, 2))
		emit_load(code, RBX, fuzz_address(random));
	emit_plain(code);
}

/* A little loop of PAUSE, which PAUSE-loop exiting is to notice */
static void op_pause_loop(struct fuzz_code *code)
{
	emit_load(code, RCX, 1 + random_below(code->random, 2000));
	emit_bytes(code, 0xf3, 0x90, 0xe2, 0xfc);
}

static void op_bytes(struct fuzz_code *code)
{
	u32 n = 1 + random_below(code->random, 12);

	while (n--)
		emit8(code, random_u64(code->random));
}

/* ---- tables ------------------------------------------------------------------- */

static u64 entry_address(struct random *random)
{
	static const u64 tables[] = {
		LAYOUT_PML4, LAYOUT_PDPT, LAYOUT_PD, LAYOUT_PD + 3 * GUEST_PAGE, FUZZ_PT,
		FUZZ_PD32, FUZZ_PDPT,
	};

	/* The first few matter most. */
	return random_of(random, tables) + 8 * random_below(random, one_in(random, 2) ? 4 : 512);
}

static void op_page_tables(struct fuzz_code *code)
{
	struct random *random = code->random;
	u64 entry = fuzz_table_entry(random), address = entry_address(random);

	emit_store(code, address, entry);
	if (one_in(random, 2))
		emit_store(code, address + 4, entry >> 32);
	if (one_in(random, 2)) {
		/* MOV from and to CR3 */
		emit_bytes(code, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8);
	} else if (fuzz_bits(code->mode) != 16) {
		emit_load(code, RBX, fuzz_address(random));
		emit_bytes(code, 0x0f, 0x01, 0x3b);
	}
	if (one_in(random, 2)) {
		emit_load(code, RBX, FUZZ_RAM + random_below(random, 0x200000));
		fuzz_emit_memory_op(code);
	}
}

static void op_descriptors(struct fuzz_code *code)
{
	static const u32 tables[] = {
		LAYOUT_GDT, LAYOUT_GDT, LAYOUT_IDT, FUZZ_IDT32, FUZZ_LDT, LAYOUT_CPU,
	};
	struct random *random = code->random;
	u64 descriptor = fuzz_descriptor(random);
	u32 address = random_of(random, tables) + 8 * random_below(random, 32);

	emit_store(code, address, descriptor);
	emit_store(code, address + 4, descriptor >> 32);
}

/* LGDT or LIDT with any limit, mostly of the present table */
static void op_table_register(struct fuzz_code *code)
{
	struct random *random = code->random;
	bool idt = one_in(random, 2);
	u32 base = idt ? fuzz_bits(code->mode) == 64 ? LAYOUT_IDT : FUZZ_IDT32 : LAYOUT_GDT;
	u32 limit = one_in(random, 2) ? 0xfff : random_u64(random) & 0xffff;

	if (one_in(random, 3))
		base = fuzz_address(random);
	emit_store(code, LAYOUT_SCRATCH, limit | base << 16);
	emit_store(code, LAYOUT_SCRATCH + 4, base >> 16);
	emit_load(code, RBX, LAYOUT_SCRATCH);
	if (fuzz_bits(code->mode) == 16)
		emit_bytes(code, 0x67, 0x66);
	emit_bytes(code, 0x0f, 0x01, idt ? 0x1b : 0x13);
}

static void op_selector(struct fuzz_code *code)
{
	struct random *random = code->random;

	emit_load(code, RAX, fuzz_selector(random));
	switch (random_below(random, 4)) {
	case 0:
		emit_bytes(code, 0x0f, 0x00, 0xd8);	/* LTR */
		break;
	case 1:
		emit_bytes(code, 0x0f, 0x00, 0xd0);	/* LLDT */
		break;
	default:
		emit_bytes(code, 0x8e, 0xc0 | random_below(random, 6) << 3);
	}
}

/* ---- jumps -------------------------------------------------------------------- */

static u32 jump_target(struct fuzz_code *code)
{
	if (one_in(code->random, 4))
		return fuzz_address(code->random);
	return code->base + random_below(code->random, code->length + 64);
}

/* IRET or RETF with a frame that may be good */
static void op_far_return(struct fuzz_code *code)
{
	struct random *random = code->random;
	u32 frame[5] = {
		one_in(random, 2) ? SELECTOR_DATA : fuzz_selector(random),
		one_in(random, 2) ? LAYOUT_STACKS + 0x1000 : (u32)fuzz_address(random),
		one_in(random, 2) ? 0x202 : (u32)random_u64(random),
		fuzz_selector(random), jump_target(code),
	};
	bool iret = one_in(random, 2);
	u32 i;

	for (i = 0; i < 5; i++) {
		if (!iret && i == 2)
			continue;
		if (fuzz_bits(code->mode) == 16)
			emit8(code, 0x66);
		emit8(code, 0x68);
		emit32(code, frame[i]);
	}
	if (fuzz_bits(code->mode) == 64 && !one_in(random, 4))
		emit8(code, 0x48);
	else if (fuzz_bits(code->mode) == 16 && !one_in(random, 4))
		emit8(code, 0x66);
	emit8(code, iret ? 0xcf : 0xcb);
}

static void op_far_jump(struct fuzz_code *code)
{
	struct random *random = code->random;

	/* JMP or CALL with an immediate pointer; in 64-bit mode through memory only. */
	if (fuzz_bits(code->mode) != 64) {
		if (fuzz_bits(code->mode) == 16)
			emit8(code, 0x66);
		emit8(code, one_in(random, 2) ? 0xea : 0x9a);
		emit32(code, jump_target(code));
		emit16(code, fuzz_selector(random));
		return;
	}
	emit_store(code, LAYOUT_SCRATCH + 16, jump_target(code));
	emit_store(code, LAYOUT_SCRATCH + 20, fuzz_selector(random));
	emit_load(code, RBX, LAYOUT_SCRATCH + 16);
	emit_bytes(code, 0xff, one_in(random, 2) ? 0x2b : 0x1b);
}

/* ---- other modes --------------------------------------------------------------- */

/* MOV from, OR or AND, MOV to a control register */
static void emit_change_cr(struct fuzz_code *code, int cr, u32 clear, u32 set)
{
	bool prefix = fuzz_bits(code->mode) == 16;

	emit_bytes(code, 0x0f, 0x20, 0xc0 | cr << 3);
	if (clear) {
		if (prefix)
			emit8(code, 0x66);
		emit8(code, 0x25);
		emit32(code, ~clear);
	}
	if (set) {
		if (prefix)
			emit8(code, 0x66);
		emit8(code, 0x0d);
		emit32(code, set);
	}
	emit_bytes(code, 0x0f, 0x22, 0xc0 | cr << 3);
}

static void load_cr3(struct fuzz_code *code, u32 value)
{
	emit_load(code, RAX, value);
	emit_bytes(code, 0x0f, 0x22, 0xd8);
}

/* Now and then with a bit that has the instruction leave the guest */
static u32 paging_bit(struct random *random)
{
	return CR0_PG | (one_in(random, 2) ? 0 : CR0_CD);
}

static void from_flat(struct fuzz_code *code)
{
	struct random *random = code->random;

	switch (random_below(random, 3)) {
	case 0:
		load_cr3(code, FUZZ_PD32);
		emit_change_cr(code, 4, CR4_PAE, CR4_PSE);
		code->mode = FUZZ_PAGING32;
		break;
	case 1:
		load_cr3(code, FUZZ_PDPT);
		emit_change_cr(code, 4, 0, CR4_PAE);
		code->mode = FUZZ_PAE;
		break;
	case 2:
		load_cr3(code, LAYOUT_PML4);
		emit_change_cr(code, 4, 0, CR4_PAE);
		emit_load(code, RCX, MSR_EFER);
		emit_load(code, RAX, EFER_LME);
		emit_load(code, RDX, 0);
		emit_bytes(code, 0x0f, 0x30);
		if (one_in(random, 4)) {
			/* Of 16 bits it mustn't be. */
			emit_load(code, RAX, one_in(random, 2) ? SELECTOR_TSS16 : SELECTOR_TSS32);
			emit_bytes(code, 0x0f, 0x00, 0xd8);
		}
		code->mode = FUZZ_COMPAT;
	}
	emit_change_cr(code, 0, one_in(random, 4) ? CR0_CD : 0, paging_bit(random));
}

static void op_switch_mode(struct fuzz_code *code)
{
	switch (code->mode) {
	case FUZZ_REAL:
	case FUZZ_UNREAL:
		emit_change_cr(code, 0, 0, CR0_PE);
		code->mode = FUZZ_PROT16;
		break;
	case FUZZ_PROT16:
		emit_change_cr(code, 0, CR0_PE, 0);
		code->mode = FUZZ_UNREAL;
		break;
	case FUZZ_FLAT:
		from_flat(code);
		break;
	case FUZZ_PAGING32:
	case FUZZ_PAE:
		emit_change_cr(code, 0, paging_bit(code->random), 0);
		code->mode = FUZZ_FLAT;
		break;
	case FUZZ_COMPAT:
		if (one_in(code->random, 2)) {
			emit_change_cr(code, 0, paging_bit(code->random), 0);
			code->mode = FUZZ_FLAT;
			break;
		}
		emit8(code, 0xea);
		emit32(code, code->base + code->length + 6);
		emit16(code, SELECTOR_CODE64);
		code->mode = FUZZ_LONG;
		break;
	case FUZZ_LONG:
		emit_bytes(code, 0x6a, SELECTOR_CODE32, 0x68);
		emit32(code, code->base + code->length + 6);
		emit_bytes(code, 0x48, 0xcb);
		code->mode = FUZZ_COMPAT;
		break;
	default:
		break;
	}
}

/* ---- code that changes ---------------------------------------------------------- */

/* A byte of what comes next here, or of what another vCPU is running */
static void op_modify_code(struct fuzz_code *code)
{
	struct random *random = code->random;
	u32 address = code->base + code->length + random_below(random, 64);

	if (one_in(random, 2))
		address = FUZZ_CODE + random_below(random, FUZZ_MAX_VCPUS * FUZZ_CODE_SIZE);
	emit_load(code, RBX, address);
	if (fuzz_bits(code->mode) == 16)
		emit8(code, 0x67);
	emit_bytes(code, 0xc6, 0x03, random_u64(random));
}

/* ---- which ---------------------------------------------------------------------- */

static const struct {
	void (*emit)(struct fuzz_code *code);
	u32 weight;
} ops[] = {
	{ op_mov_cr, 8 }, { op_small_cr, 3 }, { op_mov_dr, 4 }, { op_flags, 3 }, { op_plain, 12 },
	{ op_pause_loop, 1 }, { op_bytes, 2 }, { fuzz_op_memory, 20 }, { fuzz_op_string, 5 },
	{ fuzz_op_port, 5 },
	{ fuzz_op_string_port, 6 }, { op_page_tables, 6 }, { op_descriptors, 4 },
	{ op_table_register, 1 }, { op_selector, 4 }, { op_far_return, 2 }, { op_far_jump, 3 },
	{ op_switch_mode, 5 }, { op_modify_code, 3 }, { fuzz_op_apic, 10 }, { fuzz_op_msr, 12 },
	{ fuzz_op_storm, 3 }, { fuzz_op_timer, 3 },
};

/* STI, or MOV SS, which put the next instruction into their shadow */
static void emit_shadow(struct fuzz_code *code)
{
	if (one_in(code->random, 2)) {
		emit8(code, 0xfb);
		return;
	}
	emit_bytes(code, 0x8c, 0xd0, 0x8e, 0xd0);
}

void fuzz_emit_op(struct fuzz_code *code)
{
	u32 total = 0, pick, i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		total += ops[i].weight;
	pick = random_below(code->random, total);
	for (i = 0; pick >= ops[i].weight; i++)
		pick -= ops[i].weight;
	ops[i].emit(code);
	if (one_in(code->random, 6)) {
		emit_shadow(code);
		emit_plain(code);
	}
}
