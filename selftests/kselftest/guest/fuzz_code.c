// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_guest.h: programs, byte by byte, and the values that matter
 */
#include <string.h>

#include "apic.h"
#include "fuzz_guest.h"

/* ---- emitting ---------------------------------------------------------------- */

int fuzz_bits(enum fuzz_mode mode)
{
	switch (mode) {
	case FUZZ_REAL:
	case FUZZ_UNREAL:
	case FUZZ_V86:
	case FUZZ_PROT16:
		return 16;
	case FUZZ_LONG:
	case FUZZ_LONG_USER:
		return 64;
	default:
		return 32;
	}
}

void emit(struct fuzz_code *code, const void *bytes, u32 n)
{
	REQUIRE(code->length + n <= sizeof(code->bytes));
	memcpy(code->bytes + code->length, bytes, n);
	code->length += n;
}

void emit8(struct fuzz_code *code, u8 byte)
{
	emit(code, &byte, sizeof(byte));
}

void emit16(struct fuzz_code *code, u16 value)
{
	emit(code, &value, sizeof(value));
}

void emit32(struct fuzz_code *code, u32 value)
{
	emit(code, &value, sizeof(value));
}

/* MOV of what fits the mode's registers */
void emit_load(struct fuzz_code *code, int reg, u64 value)
{
	int bits = fuzz_bits(code->mode);

	if (bits == 64 && value >> 32) {
		emit8(code, 0x48);
		emit8(code, 0xb8 + reg);
		emit(code, &value, sizeof(value));
		return;
	}
	if (bits == 16)
		emit8(code, 0x66);
	emit8(code, 0xb8 + reg);
	emit32(code, value);
}

/* MOV of 32 bits to memory; in 16-bit code with the prefixes for both sizes */
void emit_store(struct fuzz_code *code, u64 address, u32 value)
{
	emit_load(code, RBX, address);
	if (fuzz_bits(code->mode) == 16)
		emit_bytes(code, 0x67, 0x66);
	emit_bytes(code, 0xc7, 0x03);
	emit32(code, value);
}

/* ---- values ------------------------------------------------------------------ */

u64 fuzz_value(struct random *random)
{
	static const u64 edges[] = {
		0, 1, 2, 3, 0x10, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff,
		0x800000000000, 0xffff800000000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xfffffffffffffff0, 0xffffffffffffffff,
	};

	switch (random_below(random, 7)) {
	case 0:
	case 1:
		return random_of(random, edges);
	case 2:
		return BIT(random_below(random, 64));
	case 3:
		return ~BIT(random_below(random, 64));
	case 4:
		return (u32)random_u64(random);
	case 5:
		return fuzz_address(random);
	default:
		return random_u64(random);
	}
}

/* Where slots begin or end, and other places with something on one side only */
static u64 edge_address(struct random *random)
{
	static const u64 edges[] = {
		FUZZ_RAM, FUZZ_RAM + FUZZ_SLOT_BYTES, FUZZ_ROM, FUZZ_ROM + FUZZ_SLOT_BYTES,
		FUZZ_LOGGED, FUZZ_LOGGED + FUZZ_SLOT_BYTES, FUZZ_MOVING,
		FUZZ_MOVING + FUZZ_SLOT_BYTES, FUZZ_MOVED, FUZZ_MOVED + FUZZ_SLOT_BYTES,
		FUZZ_LOST, FUZZ_HOST_RO, MIB(8), APIC_PAGE, APIC_PAGE + GUEST_PAGE,
		0xfec00000, 0x100000000, 0, LAYOUT_SCRATCH, 0x10000,
	};

	return random_of(random, edges) + random_below(random, 32) - 16;
}

static u64 inside_address(struct random *random)
{
	static const u64 starts[] = {
		FUZZ_RAM, FUZZ_ROM, FUZZ_LOGGED, FUZZ_MOVING, FUZZ_MOVED, FUZZ_LOST, FUZZ_HOST_RO,
		LAYOUT_SCRATCH, LAYOUT_STACKS, FUZZ_STUBS, FUZZ_CODE,
	};

	return random_of(random, starts) + random_below(random, FUZZ_SLOT_BYTES);
}

static u64 table_address(struct random *random)
{
	if (one_in(random, 3))
		return FUZZ_PD32 + random_below(random, FUZZ_TABLES_END - FUZZ_PD32);
	return LAYOUT_PML4 + random_below(random, LAYOUT_CPU + 4 * GUEST_PAGE - LAYOUT_PML4);
}

static u64 device_address(struct random *random)
{
	static const u64 devices[] = { 0xfec00000, 0xfed00000, 0xd0000000, 0x800000000, 0xa0000 };

	return random_of(random, devices) + random_below(random, GUEST_PAGE);
}

u64 fuzz_address(struct random *random)
{
	switch (random_below(random, 12)) {
	case 0:
	case 1:
	case 2:
		return edge_address(random);
	case 3:
	case 4:
		return inside_address(random);
	case 5:
		return table_address(random);
	case 6:
	case 7:
		return APIC_PAGE + (random_below(random, GUEST_PAGE) & ~0xf) +
		       (one_in(random, 4) ? random_below(random, 16) : 0);
	case 8:
	case 9:
		return device_address(random);
	case 10:
		return (u32)random_u64(random);
	default:
		/* Hardly canonical, or beyond the physical width */
		return random_u64(random) >> random_below(random, 32);
	}
}

/* Of a paging structure, at any level: to memory, to nothing, to devices, to itself */
u64 fuzz_table_entry(struct random *random)
{
	static const u64 places[] = {
		0, LAYOUT_PML4, LAYOUT_PDPT, LAYOUT_PD, FUZZ_PT, FUZZ_PD32, FUZZ_ROM, FUZZ_LOST,
		FUZZ_HOST_RO, FUZZ_MOVING, FUZZ_LOGGED, APIC_PAGE, 0xd0000000, LAYOUT_SCRATCH,
		0x7ffffff000,
	};
	u64 entry = random_of(random, places) & ~(GUEST_PAGE - 1);

	if (one_in(random, 8))
		return random_u64(random);
	entry |= random_below(random, 512);
	if (!one_in(random, 4))
		entry |= PTE_PRESENT | PTE_WRITE;
	if (one_in(random, 8))
		entry |= BIT(random_below(random, 64));
	return entry;
}

/* A segment's or a gate's, mostly one that looks all right */
u64 fuzz_descriptor(struct random *random)
{
	u64 descriptor = 0x00cf93000000ffff;

	if (one_in(random, 4))
		return random_u64(random);
	/* Type, S, DPL, P: any */
	descriptor ^= (u64)random_below(random, 256) << 40;
	/* AVL, L, D, G */
	if (one_in(random, 2))
		descriptor ^= (u64)random_below(random, 16) << 52;
	if (one_in(random, 4))
		descriptor ^= BIT(random_below(random, 64));
	if (one_in(random, 4))
		descriptor ^= (u64)random_below(random, 1 << 24) << 16;
	return descriptor;
}

u16 fuzz_selector(struct random *random)
{
	static const u16 selectors[] = {
		0, 3, SELECTOR_CODE64, SELECTOR_DATA, SELECTOR_CODE32, SELECTOR_USER_DATA,
		SELECTOR_USER_CODE64, SELECTOR_TSS, SELECTOR_TSS + 16, SELECTOR_CODE16,
		SELECTOR_DATA16, SELECTOR_USER_CODE32, SELECTOR_TASK_GATE, SELECTOR_TSS32,
		SELECTOR_TSS16, SELECTOR_CALL_GATE, SELECTOR_LDT, 4, 0xc,
	};

	if (one_in(random, 8))
		return random_u64(random);
	if (one_in(random, 8))
		return random_of(random, selectors) ^ random_below(random, 8);
	return random_of(random, selectors);
}

/* ---- a program --------------------------------------------------------------- */

static void begin_op(struct fuzz_code *code)
{
	code->op[code->ops].offset = code->length;
	code->op[code->ops].mode = code->mode;
}

void fuzz_make_code(struct fuzz_code *code, struct random *random, u32 vcpu,
		    enum fuzz_mode mode)
{
	u32 ops = 8 + random_below(random, FUZZ_MAX_OPS - 8);

	*code = (struct fuzz_code){
		.random = random, .mode = mode, .base = FUZZ_CODE + vcpu * FUZZ_CODE_SIZE,
	};
	while (code->ops < ops) {
		begin_op(code);
		fuzz_emit_op(code);
		code->ops++;
	}
	begin_op(code);
	emit_bytes(code, 0xe6, FUZZ_PORT_END, 0xf4, 0xeb, 0xfb);
}
